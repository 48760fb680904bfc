"""Wake-ups of this app's reconcilers: nothing in, one call."""

from __future__ import annotations

from fleet.reconcilers.catalogue import CatalogueReconciler
from fleet.reconcilers.cluster import ClusterReconciler
from fleet.reconcilers.cluster_grant import ClusterGrantReconciler
from fleet.reconcilers.configcopy import ConfigCopyReconciler, settle_quiet
from fleet.reconcilers.configitem import ConfigItemReconciler
from fleet.reconcilers.drain import NodeDrainReconciler
from fleet.reconcilers.kubeconfig import KubeconfigReconciler
from fleet.reconcilers.project import ProjectReconciler
from fleet.reconcilers.projectcopy import ProjectCopyReconciler
from fleet.services.rotations import rotate_due
from kubecarrier.lib.batches import run_batches
from kubecarrier.lib.reconcile import run_due
from kubecarrier.lib.tasks import task_entry


@task_entry
def probe_clusters() -> None:
    """Probe every cluster that is due."""
    run_due(ClusterReconciler(), budget_seconds=60)


@task_entry
def reconcile_config_copies() -> None:
    """Settle the quiet copies in SQL, then work on those that are left."""
    settle_quiet()
    run_batches(ConfigCopyReconciler(), budget_seconds=60)


@task_entry
def summarize_config_items() -> None:
    """Bring every due config item's status up to date."""
    run_due(ConfigItemReconciler(), budget_seconds=60)


@task_entry
def read_catalogues() -> None:
    """Read what every due cluster serves."""
    run_due(CatalogueReconciler(), budget_seconds=60)


@task_entry
def drain_nodes() -> None:
    """Go on with every drain that is due."""
    run_due(NodeDrainReconciler(), budget_seconds=60)


@task_entry
def reconcile_project_copies() -> None:
    """Bring every due project to its clusters."""
    run_due(ProjectCopyReconciler(), budget_seconds=60)


@task_entry
def summarize_projects() -> None:
    """Bring every due project's status up to date."""
    run_due(ProjectReconciler(), budget_seconds=60)


@task_entry
def reconcile_grants() -> None:
    """Put into the clusters, and take back from them, what bindings say."""
    run_due(ClusterGrantReconciler(), budget_seconds=60)


@task_entry
def rotate_credentials() -> None:
    """Renew the portal's own credentials that are old; end those that were replaced."""
    rotate_due()


@task_entry
def reconcile_kubeconfigs() -> None:
    """See whether people's kubeconfigs work, and end those whose time or right is over."""
    run_due(KubeconfigReconciler(), budget_seconds=60)
