"""One real control plane: start, stop, pause it, and mint credentials for it."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

from tools.controlplane import kubeconfig
from tools.controlplane.api import Api
from tools.controlplane.binaries import binaries
from tools.controlplane.certs import Authority
from tools.controlplane.components import Files
from tools.controlplane.etcd import Etcd
from tools.controlplane.processes import Processes
from tools.controlplane.tool import run_tool


class ControlPlane:
    """A Kubernetes API server with its controllers, and `nodes` fake nodes that run pods.

    Files, certificates and ports live in `dir`/`name` and are used again by the next start.
    With nodes=0 there is neither scheduler nor kwok (pods stay Pending); with
    controllers=False there is only the API server, the cheapest cluster that answers.
    """

    def __init__(
        self,
        *,
        name: str,
        dir: Path,  # noqa: A002 -- the word the command line uses
        etcd: Etcd,
        nodes: int = 0,
        controllers: bool = True,
    ) -> None:
        if nodes and not controllers:
            raise ValueError("fake nodes need the controllers")
        self.name = name
        self._nodes = nodes
        self._controllers = controllers
        self._files = Files(Path(dir).absolute() / name)
        self._authority = Authority(self._files.pki, name)
        self._processes = Processes(name, self._files, self._authority, etcd)

    @property
    def server(self) -> str:
        """URL of the API server; known, and refusing connections, before the first start."""
        return self._processes.server

    @property
    def ca_pem(self) -> str:
        return self._authority.pem

    @property
    def kubeconfig(self) -> Path:
        """Administrator's kubeconfig (mode 0600); exists after the first start."""
        return self._files.kubeconfig("admin")

    @property
    def audit_log(self) -> Path:
        """JSON lines at level Metadata, appended to over restarts."""
        return self._files.audit_log

    @property
    def pod_log(self) -> Path:
        """What every container "wrote", in the format of container runtimes."""
        return self._files.pod_log

    @property
    def pids(self) -> dict[str, int]:
        """Process ids of what runs, by program name."""
        return self._processes.pids

    @property
    def api(self) -> Api:
        """Direct requests as the administrator."""
        return self._processes.api()

    def start(self) -> None:
        """Start everything and wait until nodes are usable; raises ControlPlaneError."""
        self._processes.start(nodes=self._nodes, controllers=self._controllers)

    def stop(self) -> None:
        """End what `start` started; a later start finds the same state on the same port."""
        self._processes.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def pause(self) -> None:
        """Freeze the API server: connections open (the kernel does that), nothing answers."""
        self._processes.api_server().freeze()

    def resume(self) -> None:
        self._processes.api_server().thaw()

    def crash(self) -> None:
        """Kill the API server without warning; `start` brings everything back."""
        self._processes.api_server().kill()

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Output of kubectl as the administrator; raises ControlPlaneError."""
        return run_tool(binaries().kubectl, *arguments, kubeconfig=self.kubeconfig, stdin=stdin)

    def helm(self, *arguments: str) -> str:
        """Output of helm as the administrator; raises ControlPlaneError."""
        return run_tool(binaries().helm, *arguments, kubeconfig=self.kubeconfig)

    def client_certificate(
        self,
        user: str,
        groups: Sequence[str] = (),
        days: float = 1.0,
        *,
        server: str | None = None,
    ) -> str:
        """Kubeconfig text with a new client certificate.

        `days` may be a fraction, or negative for one that has expired. `server` replaces
        the URL, e.g. by that of a proxy on the loopback address.
        """
        return kubeconfig.with_certificate(
            name=self.name,
            server=server or self.server,
            ca_pem=self.ca_pem,
            user=user,
            pair=self._authority.client(user, groups, days),
        )

    def token_for(
        self, service_account: str, namespace: str = "default", *, seconds: int = 3600
    ) -> str:
        """A token for the account, which is created when missing (its namespace is not).

        Kubernetes grants no less than 600 `seconds`.
        """
        accounts = f"/api/v1/namespaces/{namespace}/serviceaccounts"
        self.api.create(accounts, {"metadata": {"name": service_account}})
        request = {"spec": {"expirationSeconds": seconds}}
        answer = self.api.post(f"{accounts}/{service_account}/token", request)
        token: str = answer["status"]["token"]
        return token

    def token_kubeconfig(
        self, service_account: str, namespace: str = "default", *, server: str | None = None
    ) -> str:
        """Kubeconfig text that carries a token for the account (see `token_for`)."""
        return kubeconfig.with_token(
            name=self.name,
            server=server or self.server,
            ca_pem=self.ca_pem,
            user=service_account,
            token=self.token_for(service_account, namespace),
        )


def start_all(planes: Iterable[ControlPlane]) -> None:
    """Start several at once. If one fails, all are stopped and the first error is raised."""
    listed = list(planes)
    try:
        _in_parallel(ControlPlane.start, listed)
    except BaseException:
        stop_all(listed)
        raise


def stop_all(planes: Iterable[ControlPlane]) -> None:
    """Stop several at once."""
    _in_parallel(ControlPlane.stop, list(planes))


def _in_parallel(act: Callable[[ControlPlane], None], planes: list[ControlPlane]) -> None:
    with ThreadPoolExecutor(max_workers=max(len(planes), 1)) as pool:
        tasks = [pool.submit(act, plane) for plane in planes]
    # The block above has waited for all of them: an error leaves no start in flight.
    for task in tasks:
        task.result()
