"""A real Kubernetes control plane on a plain machine, for the demo and the tests.

Everything here runs as ordinary processes: no container engine, no virtual machine.
The binaries are built once from Go modules (see `build`) and then reused.
"""

from tools.controlplane.binaries import Binaries, binaries
from tools.controlplane.build import ensure_binaries
from tools.controlplane.cluster import ControlPlane, start_all, stop_all
from tools.controlplane.errors import BuildError, ControlPlaneError
from tools.controlplane.etcd import Etcd

__all__ = [
    "Binaries",
    "BuildError",
    "ControlPlane",
    "ControlPlaneError",
    "Etcd",
    "binaries",
    "ensure_binaries",
    "start_all",
    "stop_all",
]
