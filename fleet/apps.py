"""Clusters and what runs the fleet."""

from django.apps import AppConfig


class FleetConfig(AppConfig):
    """Knows accounts and the lib, never apps or monitoring."""

    name = "fleet"

    def ready(self) -> None:
        from fleet.choices import PROBE_TASK
        from fleet.models import Cluster, Project
        from fleet.queries import operation_cause
        from kubecarrier.lib import causes, sweeps, whereabouts

        whereabouts.register(Cluster, whereabouts.of_cluster)
        whereabouts.register(Project, whereabouts.of_project)
        causes.register(operation_cause)
        sweeps.register(sweeps.Sweep(Cluster, PROBE_TASK, "default"))
