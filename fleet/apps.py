"""Clusters and what runs the fleet."""

from django.apps import AppConfig


class FleetConfig(AppConfig):
    """Knows accounts and the lib, never apps or monitoring."""

    name = "fleet"

    def ready(self) -> None:
        from fleet.models import Cluster
        from fleet.services.clusters import PROBE_TASK
        from kubecarrier.lib import sweeps

        sweeps.register(sweeps.Sweep(Cluster, PROBE_TASK, "default"))
