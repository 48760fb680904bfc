"""Wake-ups of this app's reconcilers: nothing in, one call."""

from __future__ import annotations

from fleet.reconcilers.cluster import ClusterReconciler
from kubecarrier.lib.reconcile import run_due
from kubecarrier.lib.tasks import task_entry


@task_entry
def probe_clusters() -> None:
    """Probe every cluster that is due."""
    run_due(ClusterReconciler(), budget_seconds=60)
