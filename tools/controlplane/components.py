"""The command lines of one control plane, and why each unusual option is there."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools.controlplane.ports import LOOPBACK

_SERVICE_RANGE: Final = "10.0.0.0/16"
_POD_RANGE: Final = "10.244.0.1/16"
#: Who did what: everything, except what the control plane's own parts read all the time.
AUDIT_POLICY: Final = """\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: None
    verbs: [get, list, watch]
    users: ["system:apiserver", "system:kube-controller-manager", "system:kube-scheduler", kwok]
  - level: None
    resources: [{group: coordination.k8s.io, resources: [leases]}]
    users: ["system:apiserver", kwok]
  - level: Metadata
"""


@dataclass(frozen=True, slots=True)
class Files:
    """Where one cluster keeps its files."""

    root: Path

    @property
    def pki(self) -> Path:
        return self.root / "pki"

    @property
    def audit_log(self) -> Path:
        return self.root / "audit.log"

    @property
    def audit_policy(self) -> Path:
        return self.root / "audit-policy.yaml"

    @property
    def kwok_config(self) -> Path:
        return self.root / "kwok.yaml"

    @property
    def pod_log(self) -> Path:
        """What `kubectl logs` answers for every container."""
        return self.root / "pod.log"

    @property
    def ports(self) -> Path:
        """JSON: the ports of the API server and of kwok, for the next run."""
        return self.root / "ports.json"

    def kubeconfig(self, who: str) -> Path:
        return self.root / f"{who}.kubeconfig"

    def log(self, component: str) -> Path:
        return self.root / f"{component}.log"


#: From the program and the files of a cluster to a command line.
type Command = Callable[[Path, Files], list[str]]


def api_server(program: Path, files: Files, *, name: str, etcd_url: str, port: int) -> list[str]:
    pki = files.pki
    return [
        str(program),
        f"--etcd-servers={etcd_url}",
        f"--etcd-prefix=/{name}",
        f"--bind-address={LOOPBACK}",
        f"--secure-port={port}",
        f"--advertise-address={LOOPBACK}",
        "--endpoint-reconciler-type=none",  # it refuses to publish a loopback address
        f"--tls-cert-file={pki / 'server.crt'}",
        f"--tls-private-key-file={pki / 'server.key'}",
        f"--client-ca-file={pki / 'ca.crt'}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={pki / 'service-account.key'}",
        f"--service-account-signing-key-file={pki / 'service-account.key'}",
        f"--service-cluster-ip-range={_SERVICE_RANGE}",
        "--authorization-mode=RBAC",
        f"--audit-policy-file={files.audit_policy}",
        f"--audit-log-path={files.audit_log}",
        # Host names of fake nodes resolve nowhere; kwok answers on the address.
        "--kubelet-preferred-address-types=InternalIP",
    ]


def controller_manager(program: Path, files: Files) -> list[str]:
    return [
        str(program),
        f"--kubeconfig={files.kubeconfig('controller-manager')}",
        f"--service-account-private-key-file={files.pki / 'service-account.key'}",
        f"--root-ca-file={files.pki / 'ca.crt'}",
        "--leader-elect=false",
        "--secure-port=0",
        # The node life cycle must run (it removes the not-ready taint), but a paused API
        # server must not cost the fake nodes their pods.
        "--node-monitor-grace-period=3600s",
    ]


def scheduler(program: Path, files: Files) -> list[str]:
    kubeconfig = files.kubeconfig("scheduler")
    return [str(program), f"--kubeconfig={kubeconfig}", "--leader-elect=false", "--secure-port=0"]


def kwok(program: Path, files: Files, *, port: int) -> list[str]:
    return [
        str(program),
        f"--kubeconfig={files.kubeconfig('kwok')}",
        f"--config={files.kwok_config}",
        "--manage-all-nodes=true",
        f"--node-ip={LOOPBACK}",
        f"--node-port={port}",
        f"--server-address={LOOPBACK}:{port}",
        f"--cidr={_POD_RANGE}",
        "--node-lease-duration-seconds=40",
    ]
