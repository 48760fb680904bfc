"""What config items do when a cluster changes: told by registration, as the higher apps do it."""

from fleet import config_placing as placing
from kubecarrier.lib import placed
from kubecarrier.lib.placed import PlacedKind


def register() -> None:
    """Called once at start."""
    placed.register(
        PlacedKind(
            name="ConfigItem",
            cluster_changed=placing.place_cluster,
            cluster_renamed=placing.rename_cluster,
            reachability_changed=placing.wake_cluster,
            cluster_removing=placing.forget_cluster,
        )
    )
