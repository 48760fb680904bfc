"""The processes of one control plane, in the order they need each other."""

import json
from pathlib import Path
from typing import Final

from tools.controlplane import components, kubeconfig, kwok
from tools.controlplane.api import Api
from tools.controlplane.binaries import binaries
from tools.controlplane.certs import Authority, Pair, signing_key, write_private
from tools.controlplane.child import Child
from tools.controlplane.components import Files
from tools.controlplane.errors import ControlPlaneError
from tools.controlplane.etcd import Etcd
from tools.controlplane.ports import LOOPBACK, Port
from tools.controlplane.server import answers, start_server, wait_until

#: Generous: ten at once on two cores take about 8 s.
READY_SECONDS: Final = 90.0
#: Kubeconfig → user name in the audit log. All are administrators: the controllers run
#: without accounts of their own, so they need every right that one of them needs.
_USERS: Final = {
    "admin": "admin",
    "controller-manager": "system:kube-controller-manager",
    "scheduler": "system:kube-scheduler",
    "kwok": "kwok",
}


class Processes:
    """Starts and stops the programs of cluster `name`, whose files live in `files`."""

    def __init__(self, name: str, files: Files, authority: Authority, etcd: Etcd) -> None:
        self._name = name
        self._files = files
        self._authority = authority
        self._etcd = etcd
        saved = _load_ports(files.ports)
        self._port, self._kwok_port = Port(saved[0]), Port(saved[1])
        self._children: dict[str, Child] = {}
        self._started_before = False

    @property
    def server(self) -> str:
        return f"https://{LOOPBACK}:{self._port.number}"

    @property
    def pids(self) -> dict[str, int]:
        return {program: child.pid for program, child in self._children.items()}

    def api(self) -> Api:
        """Requests as the administrator, at the port of this moment."""
        pki = self._files.pki
        return Api(
            port=self._port.number,
            ca_pem=self._authority.pem,
            certificate=pki / "admin.crt",
            key=pki / "admin.key",
        )

    def api_server(self) -> Child:
        """The running API server; raises ControlPlaneError when there is none."""
        child = self._children.get("kube-apiserver")
        if child is None or not child.running:
            raise ControlPlaneError(f"the API server of {self._name} is not running")
        return child

    def start(self, *, nodes: int, controllers: bool) -> None:
        """Start all and wait until `nodes` are usable; a failure leaves nothing running.

        Does nothing if all run already; if one of them has crashed, all are started anew.
        """
        if self._children and all(child.running for child in self._children.values()):
            return
        self.stop()
        try:
            self._start_api_server()
            if controllers:
                self._start_plain("kube-controller-manager", components.controller_manager)
            if nodes:
                self._start_plain("kube-scheduler", components.scheduler)
                self._start_nodes(nodes)
        except BaseException:
            self.stop()
            raise
        self._started_before = True

    def stop(self) -> None:
        """End what `start` started; state stays in etcd, the ports stay reserved."""
        # Clients first: the API server would wait for their open watches.
        for program in reversed(self._children):
            self._children[program].terminate()
            self._children[program].wait()
        self._children.clear()
        self._port.hold()
        self._kwok_port.hold()

    def _start_api_server(self) -> None:
        files = self._files
        files.audit_policy.write_text(components.AUDIT_POLICY)
        signing_key(files.pki)
        _write_pair(files.pki, "server", self._authority.server())
        _write_pair(files.pki, "admin", self._authority.client("admin", ["system:masters"]))
        self._children["kube-apiserver"] = start_server(
            f"{self._name} kube-apiserver",
            self._api_server_command,
            ports=[self._port],
            movable=not self._started_before,
            ready=lambda: self.api().ready(),
            seconds=READY_SECONDS,
            log=files.log("kube-apiserver"),
        )
        self._save()

    def _api_server_command(self) -> list[str]:
        return components.api_server(
            binaries().kube_apiserver,
            self._files,
            name=self._name,
            etcd_url=self._etcd.url,
            port=self._port.number,
        )

    def _save(self) -> None:
        """Write what depends on the port, which is certain only now."""
        numbers = [self._port.number, self._kwok_port.number]
        self._files.ports.write_text(json.dumps(numbers))
        for who, user in _USERS.items():
            pair = self._authority.client(user, ["system:masters"])
            text = kubeconfig.with_certificate(
                name=self._name,
                server=self.server,
                ca_pem=self._authority.pem,
                user=user,
                pair=pair,
            )
            write_private(self._files.kubeconfig(who), text)

    def _start_plain(self, program: str, command: components.Command) -> None:
        """Start a program that listens nowhere; it retries by itself until it can work."""
        self._children[program] = Child(
            f"{self._name} {program}",
            command(binaries().path(program), self._files),
            log=self._files.log(program),
            cwd=self._files.root,
        )

    def _start_nodes(self, count: int) -> None:
        kwok.write_config(self._files, binaries().kwok_stages)
        self._children["kwok"] = child = start_server(
            f"{self._name} kwok",
            lambda: components.kwok(binaries().kwok, self._files, port=self._kwok_port.number),
            ports=[self._kwok_port],
            movable=not self._started_before,
            ready=lambda: answers(self._kwok_port),
            seconds=READY_SECONDS,
            log=self._files.log("kwok"),
        )
        api = self.api()
        kwok.create_nodes(api, self._name, count)
        kwok.create_volumes(api, self._name)
        wait_until(
            lambda: kwok.nodes_ready(api, count),
            seconds=READY_SECONDS,
            child=child,
            missed="had no usable nodes",
        )


def _write_pair(folder: Path, name: str, pair: Pair) -> None:
    (folder / f"{name}.crt").write_text(pair.certificate)
    write_private(folder / f"{name}.key", pair.key)


def _load_ports(file: Path) -> tuple[int, int]:
    """The two ports of an earlier run; zeros, meaning any, when there was none."""
    try:
        first, second = json.loads(file.read_text())
        return int(first), int(second)
    except (OSError, ValueError, TypeError):
        return 0, 0
