"""What applications do when a cluster changes: told to `fleet` by registration."""

from apps import placing
from kubecarrier.lib import placed
from kubecarrier.lib.placed import PlacedKind


def register() -> None:
    """Called once at start."""
    placed.register(
        PlacedKind(
            name="Application",
            cluster_changed=placing.place_cluster,
            cluster_renamed=placing.rename_cluster,
            reachability_changed=placing.wake_cluster,
            cluster_removing=placing.forget_cluster,
        )
    )
