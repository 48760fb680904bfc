"""What config items and projects do when a cluster changes: told by registration, as the higher apps do it."""

from fleet.configs import placing
from fleet.projects import copies as project_copies
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
    placed.register(
        PlacedKind(
            name="Project",
            cluster_changed=project_copies.place_cluster,
            cluster_renamed=project_copies.rename_cluster,
            reachability_changed=project_copies.wake_cluster,
            cluster_removing=project_copies.forget_cluster,
        )
    )
