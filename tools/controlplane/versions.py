"""The pinned versions, in one place.

`gomod/*/go.mod` repeat the Kubernetes and etcd versions because Go wants them there;
a test compares the two, so that a binary never carries a version it was not built from.
"""

from typing import Final

KUBERNETES: Final = "1.37.2"
ETCD: Final = "3.7.3"
KWOK: Final = "0.8.0"
HELM: Final = "4.3.1"


def cache_key() -> str:
    """Name of the cache folder: changing any version builds into a fresh one."""
    return f"k8s{KUBERNETES}-etcd{ETCD}-kwok{KWOK}-helm{HELM}"
