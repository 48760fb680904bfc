"""Kubeconfig text → connections, through an allow-list.

A kubeconfig can run programs, read files and send credentials through a proxy.
So nothing ever loads it: the few harmless fields are read here and the rest is
refused by name. Source of the field names: client-go's
`tools/clientcmd/api/v1` types. Whether an address may be called at all is
decided elsewhere (`kubecarrier.lib.netguard`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fleet.connection import Connection
from fleet.credentials import ca_bundle, client_identity, decoded
from fleet.kubeconfig_errors import KubeconfigError, refuse
from fleet.server_url import parse_server
from kubecarrier.lib import strict_yaml
from kubecarrier.lib.errors import KubeCarrierError

MAX_BYTES = 1024 * 1024
_MAX_DEPTH = 24
_MAX_NODES = 50_000
_MAX_TOKEN = 32 * 1024

Entry = Mapping[str, Any]

_TOP = {
    "apiVersion", "kind", "preferences", "clusters", "users", "contexts", "current-context",
    "extensions",
}  # fmt: skip
_CONTEXT = {"cluster", "user", "namespace", "extensions"}
_CLUSTER = {
    "server", "tls-server-name", "certificate-authority-data", "insecure-skip-tls-verify",
    "disable-compression", "extensions",
}  # fmt: skip
_USER = {"token", "client-certificate-data", "client-key-data", "extensions"}

_REFUSED = {
    "exec": ("kubeconfig_exec", "runs a program to get a credential"),
    "auth-provider": ("kubeconfig_auth_provider", "uses an authentication plug-in"),
    "tokenFile": ("kubeconfig_token_file", "reads the token from a file"),
    "certificate-authority": ("kubeconfig_file_path", "names a file"),
    "client-certificate": ("kubeconfig_file_path", "names a file"),
    "client-key": ("kubeconfig_file_path", "names a file"),
    "proxy-url": ("kubeconfig_proxy_url", "sends everything through a proxy"),
    "as": ("kubeconfig_impersonation", "acts as somebody else"),
    "as-uid": ("kubeconfig_impersonation", "acts as somebody else"),
    "as-groups": ("kubeconfig_impersonation", "acts as somebody else"),
    "as-user-extra": ("kubeconfig_impersonation", "acts as somebody else"),
    "username": ("kubeconfig_basic_auth", "is basic authentication, which Kubernetes removed"),
    "password": ("kubeconfig_basic_auth", "is basic authentication, which Kubernetes removed"),
}
_HINTS = {
    "kubeconfig_exec": "Create a service account in the cluster and paste its token instead.",
    "kubeconfig_auth_provider": "Create a service account and paste its token instead.",
    "kubeconfig_file_path": "`kubectl config view --raw --flatten` writes the content inline.",
    "kubeconfig_token_file": "Paste the token itself.",
}


@dataclass(frozen=True, slots=True)
class ContextConnection:
    """One context of a kubeconfig. `current`: its current-context, or the only one."""

    context: str
    cluster: str
    connection: Connection
    namespace: str = ""
    current: bool = False


def parse_kubeconfig(
    text: str, *, allow_insecure: bool = False, now: datetime | None = None
) -> list[ContextConnection]:
    """Every context, in the file's order. One bad entry refuses the file.

    Raises KubeconfigError with the codes in this module's tables, `field`
    naming the entry (`users[0].user.exec`). `now` is for tests.
    """
    document = _Document(text)
    at = now or datetime.now(UTC)
    return [document.connection(name, allow_insecure, at) for name in document.contexts]


def choose_context(
    text: str,
    context: str | None = None,
    *,
    allow_insecure: bool = False,
    now: datetime | None = None,
) -> ContextConnection:
    """One context: the named one, else current-context, else the only one there is.

    What other contexts refer to is not judged.
    """
    document = _Document(text)
    return document.connection(document.chosen(context), allow_insecure, now or datetime.now(UTC))


class _Document:
    """A kubeconfig whose shape has been checked: lists of uniquely named mappings."""

    def __init__(self, text: str) -> None:
        top = _loaded(text)
        _check_fields(top, _TOP, "")
        if top.get("kind", "Config") != "Config" or top.get("apiVersion", "v1") != "v1":
            raise KubeconfigError("kubeconfig_invalid", "This is no kubeconfig (kind: Config).")
        self.contexts = _named(top, "contexts", "context")
        self.clusters = _named(top, "clusters", "cluster")
        self.users = _named(top, "users", "user")
        self.current = _text(top, "current-context", "")
        if not self.contexts:
            raise KubeconfigError(
                "kubeconfig_no_context", "The kubeconfig has no context.", field="contexts"
            )

    def chosen(self, name: str | None) -> str:
        wanted = name or self.current or self._only()
        if wanted not in self.contexts:
            raise KubeconfigError(
                "kubeconfig_unknown_context",
                f"There is no context named {wanted[:80]!r}.",
                field="current-context" if not name else "context",
                contexts=sorted(self.contexts),
            )
        return wanted

    def _only(self) -> str:
        if len(self.contexts) == 1:
            return next(iter(self.contexts))
        raise KubeconfigError(
            "kubeconfig_no_context",
            "The kubeconfig has several contexts and no current one.",
            field="current-context",
            contexts=sorted(self.contexts),
        )

    def connection(self, name: str, allow_insecure: bool, now: datetime) -> ContextConnection:
        context, where = self.contexts[name]
        _check_fields(context, _CONTEXT, where)
        cluster_name = _text(context, "cluster", where)
        cluster = _target(self.clusters, cluster_name, "cluster", where)
        user = _target(self.users, _text(context, "user", where), "user", where)
        return ContextConnection(
            context=name,
            cluster=cluster_name,
            connection=_connection(cluster, user, allow_insecure, now),
            namespace=_text(context, "namespace", where),
            current=name == self.current or len(self.contexts) == 1,
        )


def _connection(
    cluster: tuple[Entry, str], user: tuple[Entry, str], allow_insecure: bool, now: datetime
) -> Connection:
    (cluster_fields, cluster_at), (user_fields, user_at) = cluster, user
    _check_fields(cluster_fields, _CLUSTER, cluster_at)
    _check_fields(user_fields, _USER, user_at)
    insecure = _insecure(cluster_fields, cluster_at, allow_insecure)
    token = _token(user_fields, user_at)
    cert_pem, key_pem = _identity(user_fields, user_at, now)
    if not token and not cert_pem:
        raise KubeconfigError(
            "kubeconfig_no_credentials",
            "The user has neither token nor certificate.",
            field=user_at,
        )
    return Connection(
        server=parse_server(_text(cluster_fields, "server", cluster_at), f"{cluster_at}.server"),
        ca_pem=None if insecure else _ca(cluster_fields, cluster_at, now),
        token=token,
        client_cert_pem=cert_pem,
        client_key_pem=key_pem,
        tls_server_name=_server_name(cluster_fields, cluster_at),
        insecure=insecure,
    )


def _insecure(cluster: Entry, where: str, allowed: bool) -> bool:
    value = cluster.get("insecure-skip-tls-verify") or False
    field = f"{where}.insecure-skip-tls-verify"
    if not isinstance(value, bool):
        raise KubeconfigError("kubeconfig_wrong_type", "Expected true or false.", field=field)
    if value and not allowed:
        refuse(
            "kubeconfig_skip_tls",
            "The kubeconfig switches certificate checks off.",
            field,
            hint="Put the cluster's CA into certificate-authority-data.",
        )
    return value


def _server_name(cluster: Entry, where: str) -> str | None:
    name = _text(cluster, "tls-server-name", where)
    if name and not name.replace("-", "").replace(".", "").replace(":", "").isalnum():
        refuse("server_invalid", "tls-server-name is no host name.", f"{where}.tls-server-name")
    return name or None


def _ca(cluster: Entry, where: str, now: datetime) -> str | None:
    field = f"{where}.certificate-authority-data"
    encoded = _text(cluster, "certificate-authority-data", where)
    return ca_bundle(decoded(encoded, field), field, now) if encoded else None


def _token(user: Entry, where: str) -> str | None:
    return bearer_token(_text(user, "token", where), f"{where}.token")


def bearer_token(text: str, field: str) -> str | None:
    """A token that fits into one header; None for an empty text; raises KubeconfigError."""
    token = text.strip()
    if len(token) > _MAX_TOKEN or not (token.isascii() and token.isprintable()) or " " in token:
        refuse("kubeconfig_token_invalid", "The token is no bearer token.", field)
    return token or None


def _identity(user: Entry, where: str, now: datetime) -> tuple[str | None, str | None]:
    cert_field, key_field = f"{where}.client-certificate-data", f"{where}.client-key-data"
    cert = _text(user, "client-certificate-data", where)
    key = _text(user, "client-key-data", where)
    if not cert and not key:
        return None, None
    if not cert or not key:
        missing = key_field if cert else cert_field
        refuse("kubeconfig_key_mismatch", "Certificate and key belong together.", missing)
    return client_identity(
        decoded(cert, cert_field), decoded(key, key_field), cert_field, key_field, now
    )


# --- shape -----------------------------------------------------------------------------------


def _loaded(text: str) -> Entry:
    if len(text) > MAX_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise KubeconfigError("kubeconfig_too_large", "A kubeconfig has at most 1 MiB.")
    try:
        document = strict_yaml.load(
            text, max_bytes=MAX_BYTES, max_depth=_MAX_DEPTH, max_nodes=_MAX_NODES
        )
    except KubeCarrierError as error:
        # The parser's words may quote a line of the file, which may be a key.
        raise KubeconfigError(
            "kubeconfig_invalid", "The text is no YAML that the portal accepts.", reason=error.code
        ) from None
    if not isinstance(document, dict):
        raise KubeconfigError("kubeconfig_invalid", "A kubeconfig is a YAML mapping.")
    return document


def _named(top: Entry, plural: str, singular: str) -> dict[str, tuple[Entry, str]]:
    """`[{name, <singular>: {...}}]` → name to (mapping, its path)."""
    entries = top.get(plural) or []
    if not isinstance(entries, list):
        raise KubeconfigError("kubeconfig_wrong_type", "Expected a list.", field=plural)
    found: dict[str, tuple[Entry, str]] = {}
    for index, entry in enumerate(entries):
        where = f"{plural}[{index}]"
        name, body = _entry(entry, singular, where)
        if name in found:
            refuse("kubeconfig_duplicate_name", f"{name[:80]!r} is there twice.", f"{where}.name")
        found[name] = (body, f"{where}.{singular}")
    return found


def _entry(entry: Any, singular: str, where: str) -> tuple[str, Entry]:
    if not isinstance(entry, dict):
        raise KubeconfigError("kubeconfig_wrong_type", "Expected a mapping.", field=where)
    _check_fields(entry, {"name", singular}, where)
    name, body = _text(entry, "name", where), entry.get(singular) or {}
    if not name:
        refuse("kubeconfig_no_name", "The entry has no name.", f"{where}.name")
    if not isinstance(body, dict):
        raise KubeconfigError(
            "kubeconfig_wrong_type", "Expected a mapping.", field=f"{where}.{singular}"
        )
    return name, body


def _check_fields(entry: Entry, allowed: set[str], where: str) -> None:
    """Empty values of refused fields are allowed: tools write `exec: null`."""
    for name, value in entry.items():
        field = f"{where}.{name}".lstrip(".") if isinstance(name, str) else where
        if name in allowed or (name in _REFUSED and value in (None, "", [], {})):
            continue
        if name in _REFUSED:
            code, why = _REFUSED[name]
            refuse(code, f"`{name}` {why}; the portal does not do that.", field, _HINTS.get(code))
        refuse("kubeconfig_unknown_field", f"{str(name)[:80]!r} is no known field.", field[:200])


def _target(
    entries: dict[str, tuple[Entry, str]], name: str, singular: str, where: str
) -> tuple[Entry, str]:
    if name not in entries:
        refuse(
            f"kubeconfig_unknown_{singular}",
            f"There is no {singular} named {name[:80]!r}.",
            f"{where}.{singular}",
        )
    return entries[name]


def _text(entry: Entry, name: str, where: str) -> str:
    """A string, "" when absent. A number is refused: its spelling is lost (`0123`)."""
    value = entry.get(name)
    if value is not None and not isinstance(value, str):
        field = f"{where}.{name}".lstrip(".")
        raise KubeconfigError("kubeconfig_wrong_type", "Expected a string.", field=field)
    return value or ""
