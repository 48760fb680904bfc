"""Clusters and what runs the fleet."""

from django.apps import AppConfig


class FleetConfig(AppConfig):
    """Knows accounts and the lib, never apps or monitoring."""

    name = "fleet"

    def ready(self) -> None:
        from fleet.choices import PROBE_TASK
        from fleet.models import Cluster
        from kubecarrier.lib import sweeps

        sweeps.register(sweeps.Sweep(Cluster, PROBE_TASK, "default"))
