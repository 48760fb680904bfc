"""Wake-ups of this app's reconcilers: nothing in, one call."""

from __future__ import annotations

from apps.reconcilers.application import ApplicationReconciler
from apps.reconcilers.release import ReleaseReconciler, settle_quiet
from apps.reconcilers.repository import RepositoryReconciler
from kubecarrier.lib.reconcile import run_due
from kubecarrier.lib.tasks import task_entry


@task_entry
def reconcile_releases() -> None:
    """Settle the quiet releases in SQL, then work on those that are left."""
    settle_quiet()
    run_due(ReleaseReconciler(), budget_seconds=120)


@task_entry
def summarize_applications() -> None:
    """Bring every due application's status up to date."""
    run_due(ApplicationReconciler(), budget_seconds=60)


@task_entry
def refresh_repositories() -> None:
    """Refresh every due repository."""
    run_due(RepositoryReconciler(), budget_seconds=60)
