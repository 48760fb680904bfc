"""A real Active Directory as a child process: Samba's domain controller, of which LDAP alone runs.

Its ports are fixed (389, 636, 3268, 3269), so it gets a loopback address of its own, which needs
root. Everything it keeps is below one folder. Provisioned and filled offline in about 20 s.
"""

from __future__ import annotations

import base64
import os
import secrets
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.slapd import certificates, library, missing, program

REALM: Final = "company.example"
BASE: Final = "DC=company,DC=example"
PEOPLE, GROUPS, LEAVERS = f"OU=People,{BASE}", f"OU=Groups,{BASE}", f"OU=Leavers,{BASE}"
BIND_PASSWORD: Final = "Canary-bind-1"
PASSWORD: Final = "Canary-of-"  # and the login name
_ADMIN_PASSWORD: Final = "Canary-admin-1"
COUNT: Final = 1500  # more than Active Directory hands out in one answer (MaxPageSize 1000)
_PLAIN: Final = tuple(f"Person {number}" for number in range(COUNT))
_PORTS: Final = (389, 636, 3268, 3269)
_NORMAL, _DISABLED, _NO_PASSWORD = 512, 514, 544
_SECURITY_GLOBAL, _SECURITY_LOCAL = -2147483646, -2147483644
#: cn by login name: what a DN must not be confused by.
ODD: Final = {
    "jane": r"Doe\, Jane (IT)",
    "star": "Star *",
    "ilker": "İlker Çelik",
    "müller": "Jürgen Müller",
    "oneil": "O'Neil #1",
}
#: Accounts that cannot come in with the right password, and what makes them so.
CLOSED: Final = {
    "gone": f"userAccountControl: {_DISABLED}",
    "over": "accountExpires: 132000000000000000",
    "must": "pwdLastSet: 0",
    "stale": "",  # its password was set long ago, see _AGE
    "locked": "",  # by wrong passwords, see _policy
}
# A time that clients may not write: past the module that keeps passwords (samba's dsdb/common/util.h).
_AGE = f"dn: CN=stale,{PEOPLE}\nchangetype: modify\nreplace: pwdLastSet\npwdLastSet: 130000000000000000\n"
_BYPASS = "--controls=local_oid:1.3.6.1.4.1.7165.4.3.12:0"


@dataclass
class Domain:
    """Where it listens; `change` sends it LDIF as its administrator."""

    address: str
    ca_file: Path

    @property
    def ldaps(self) -> str:
        return f"ldaps://{self.address}"

    @property
    def ldap(self) -> str:
        return f"ldap://{self.address}"

    def change(self, ldif: str) -> None:
        who = ["-D", f"administrator@{REALM}", "-w", _ADMIN_PASSWORD]
        done = subprocess.run(
            [program("ldapmodify"), "-x", "-H", self.ldaps, *who], input=ldif, text=True, check=False,
            capture_output=True, env={**os.environ, "LDAPTLS_CACERT": str(self.ca_file)},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    def add(self, *entries: str) -> None:
        self.change("\n\n".join(entry.replace("\n", "\nchangetype: add\n", 1) for entry in entries))

    def set(self, dn: str, attribute: str, value: str | int) -> None:
        text = f"{attribute}:: {b64(str(value))}"
        self.change(f"dn:: {b64(dn)}\nchangetype: modify\nreplace: {attribute}\n{text}\n")

    def move(self, dn: str, rdn: str, parent: str) -> None:
        new = f"newrdn:: {b64(rdn)}\ndeleteoldrdn: 1\nnewsuperior: {parent}"
        self.change(f"dn:: {b64(dn)}\nchangetype: modrdn\n{new}\n")

    def delete(self, dn: str) -> None:
        self.change(f"dn:: {b64(dn)}\nchangetype: delete\n")


def person(cn: str, login: str, *more: str, password: str = "", parent: str = PEOPLE) -> str:
    """The LDIF of a user."""
    state = f"userAccountControl: {_NORMAL if password else _NO_PASSWORD}"
    lines = [
        f"dn:: {b64(f'CN={cn},{parent}')}", "objectClass: user", f"sAMAccountName:: {b64(login)}",
        *([] if any(line.startswith("userAccountControl") for line in more) else [state]),
    ]  # fmt: skip
    if password:
        lines.append(f"unicodePwd:: {b64(f'"{password}"', 'utf-16-le')}")
    return "\n".join([*lines, *filter(None, more)])


def group(cn: str, members: list[str], kind: int = _SECURITY_GLOBAL, parent: str = GROUPS) -> str:
    """The LDIF of a group."""
    lines = [f"dn:: {b64(f'CN={cn},{parent}')}", "objectClass: group", f"groupType: {kind}"]
    name = cn.replace("\\", "").replace(",", "")
    lines += [f"sAMAccountName:: {b64(name)}", *(f"member:: {b64(one)}" for one in members)]
    return "\n".join(lines)


def b64(text: str, encoding: str = "utf-8") -> str:
    """As LDIF carries what is no plain text."""
    return base64.b64encode(text.encode(encoding)).decode()


def _ldif() -> str:
    parts = [
        f"dn: OU={name},{BASE}\nobjectClass: organizationalUnit"
        for name in ("People", "Groups", "Services", "Leavers")
    ]
    services = f"OU=Services,{BASE}"
    parts.append(person("kubecarrier", "kubecarrier", password=BIND_PASSWORD, parent=services))
    parts += [
        person(
            cn, login, f"userPrincipalName:: {b64(f'{cn[0].lower()}.{login}@mail.example')}",
            f"mail: {login.replace('ü', 'u')}@company.example", "givenName: Given",
            f"sn:: {b64(cn)}", password=PASSWORD + login,
        )
        for login, cn in ODD.items()
    ]  # fmt: skip
    parts += [person(login, login, how, password=PASSWORD + login) for login, how in CLOSED.items()]
    parts += [person(cn, f"p{number:04d}") for number, cn in enumerate(_PLAIN)]
    parts += [
        group("inner", [f"CN={cn},{PEOPLE}" for cn in ODD.values()]),
        group("middle", [f"CN=inner,{GROUPS}"]),
        group(r"Outer\, größte", [f"CN=middle,{GROUPS}"], _SECURITY_LOCAL),
        # Everybody's primary group, which lists nobody as its member.
        group("staff", [f"CN=Domain Users,CN=Users,{BASE}"], _SECURITY_LOCAL),
        # More members than are handed out of one attribute (MaxValRange 1500).
        group("everyone", [f"CN={cn},{PEOPLE}" for cn in (*_PLAIN, *ODD.values())]),
        _policy(),
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def _policy() -> str:
    """Three wrong passwords lock an account: one account, by a policy of its own."""
    return (
        f"dn: CN=strict,CN=Password Settings Container,CN=System,{BASE}\n"
        "objectClass: msDS-PasswordSettings\nmsDS-PasswordSettingsPrecedence: 1\n"
        "msDS-PasswordReversibleEncryptionEnabled: FALSE\nmsDS-PasswordHistoryLength: 0\n"
        "msDS-PasswordComplexityEnabled: FALSE\nmsDS-MinimumPasswordLength: 1\n"
        "msDS-MinimumPasswordAge: 0\nmsDS-MaximumPasswordAge: -9223372036854775808\n"
        "msDS-LockoutThreshold: 3\nmsDS-LockoutObservationWindow: -18000000000\n"
        f"msDS-LockoutDuration: -18000000000\nmsDS-PSOAppliesTo: CN=locked,{PEOPLE}"
    )


def _config(folder: Path, address: str) -> str:
    places = ("private", "state", "cache", "lock", "pid", "ncalrpc", "binddns")
    names = {"ncalrpc": "ncalrpc dir", "private": "private dir", "binddns": "binddns dir"}
    lines = [f"{names.get(one, f'{one} directory')} = {folder / one}" for one in places]
    return "\n\t".join([
        "[global]", "server role = active directory domain controller", "server services = ldap",
        f"realm = {REALM.upper()}", "workgroup = COMPANY", "netbios name = DC1", *lines,
        f"interfaces = {address}/8", "bind interfaces only = yes", "logging = file",
        f"log file = {folder / 'log'}", f"tls certfile = {folder / 'ca.pem'}",
        f"tls keyfile = {folder / 'key.pem'}", f"tls cafile = {folder / 'ca.pem'}",
    ]) + f"\n[sysvol]\n\tpath = {folder / 'sysvol'}\n[netlogon]\n\tpath = {folder / 'sysvol'}\n"  # fmt: skip


def _free_address() -> str:
    """A loopback address on which nobody has a port of the directory."""
    for _ in range(50):
        address = ".".join(["127", *(str(2 + secrets.randbelow(250)) for _ in range(3))])
        with ExitStack() as stack:
            try:
                for port in _PORTS:
                    stack.enter_context(socket.socket()).bind((address, port))
            except PermissionError:
                missing("the ports of Active Directory need root")
            except OSError:
                continue
            return address
    missing("no loopback address is free for Active Directory")
    return ""


def _fill(folder: Path, config: Path) -> None:
    """Provision the domain, then add everybody in one transaction, before it runs."""
    where = [f"--configfile={config}"]
    command = [
        program("samba-tool"), "domain", "provision", "--use-rfc2307", "--dns-backend=NONE",
        f"--realm={REALM}", "--domain=COMPANY", "--host-name=dc1", "--host-ip=127.0.0.1",
        f"--adminpass={_ADMIN_PASSWORD}", "--server-role=dc", *where,
    ]  # fmt: skip
    done = subprocess.run(command, text=True, check=False, capture_output=True)
    if done.returncode:
        missing(f"no domain can be made here: {done.stderr.strip().splitlines()[-1:]}")
    store = ["-H", str(folder / "private" / "sam.ldb"), *where]
    for name, text, more in (("ldbadd", _ldif(), []), ("ldbmodify", _AGE, [_BYPASS])):
        (folder / "ldif").write_text(text)
        command = [program(name), *store, *more, str(folder / "ldif")]
        done = subprocess.run(command, text=True, check=False, capture_output=True)
        assert done.returncode == 0, done.stderr[-2000:]


@contextmanager
def running(folder: Path) -> Iterator[Domain]:
    """The domain until the end; skips where it cannot be."""
    library()
    samba = program("samba")
    for name in ("samba-tool", "ldbadd", "ldapmodify"):
        program(name)
    if not Path("/usr/share/samba/setup").is_dir():
        missing("samba-ad-provision is not installed (tools/packages)")
    address = _free_address()
    certificates(folder, address)
    (folder / "key.pem").chmod(0o600)
    config = folder / "smb.conf"
    config.write_text(_config(folder, address))
    _fill(folder, config)
    child = subprocess.Popen(
        [samba, "-i", "-M", "single", "--no-process-group", f"--configfile={config}"],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _wait(child, address)
        yield Domain(address, folder / "ca.pem")
    finally:
        child.terminate()
        child.wait(10)
        assert child.stdin is not None
        child.stdin.close()


def _wait(child: subprocess.Popen[bytes], address: str) -> None:
    until = time.monotonic() + 60
    while True:
        assert child.poll() is None, "samba ended"
        try:
            socket.create_connection((address, _PORTS[-1]), 1).close()
            return
        except OSError:
            assert time.monotonic() < until, "samba does not listen"
            time.sleep(0.05)
