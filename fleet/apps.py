"""Clusters and what runs the fleet."""

from django.apps import AppConfig


class FleetConfig(AppConfig):
    """Knows accounts and the lib, never apps or monitoring."""

    name = "fleet"

    def ready(self) -> None:
        from fleet import placed, places, reach
        from fleet.choices import (
            CATALOGUE_TASK,
            CONFIG_SUMMARY_TASK,
            CONFIG_TASK,
            DRAIN_TASK,
            GRANT_TASK,
            KUBECONFIG_TASK,
            PROBE_TASK,
            PROJECT_COPY_TASK,
            PROJECT_TASK,
        )
        from fleet.configs import bounds as config_bounds
        from fleet.grants import deriving, kubeconfigs
        from fleet.inventory import watching as inventory_watching
        from fleet.models import (
            Catalogue,
            Cluster,
            ClusterGrant,
            ConfigCopy,
            ConfigItem,
            Kubeconfig,
            NodeDrain,
            Project,
            ProjectCopy,
        )
        from fleet.queries import operation_cause
        from fleet.services.rotations import ROTATION_TASK, rotations_due
        from fleet.watching import configs as config_watching
        from fleet.watching import grants as grant_watching
        from fleet.watching import projects as project_watching
        from kubecarrier.lib import causes, sweeps

        causes.register(operation_cause)
        reach.register()
        deriving.register()
        kubeconfigs.register()
        placed.register()
        places.register()
        config_bounds.register()
        config_watching.register()
        grant_watching.register()
        inventory_watching.register()
        project_watching.register()
        sweeps.register_chore(sweeps.Chore(rotations_due, ROTATION_TASK))
        sweeps.register(sweeps.Sweep(Cluster, PROBE_TASK, "default"))
        sweeps.register(sweeps.Sweep(ClusterGrant, GRANT_TASK, "default"))
        sweeps.register(sweeps.Sweep(ConfigItem, CONFIG_SUMMARY_TASK, "default"))
        sweeps.register(sweeps.Sweep(ConfigCopy, CONFIG_TASK, "default"))
        sweeps.register(sweeps.Sweep(Catalogue, CATALOGUE_TASK, "default"))
        sweeps.register(sweeps.Sweep(Kubeconfig, KUBECONFIG_TASK, "default"))
        sweeps.register(sweeps.Sweep(NodeDrain, DRAIN_TASK, "default"))
        sweeps.register(sweeps.Sweep(Project, PROJECT_TASK, "default"))
        sweeps.register(sweeps.Sweep(ProjectCopy, PROJECT_COPY_TASK, "default"))
