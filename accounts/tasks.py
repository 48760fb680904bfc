"""What the queue runs of this app: nothing in, one call."""

from __future__ import annotations

from accounts.reconcilers.binding import BindingReconciler
from accounts.services.ldap_rechecks import ldap_recheck_due
from accounts.services.ldap_sync import sync_if_due
from accounts.services.rechecks import recheck_due
from kubecarrier.lib.reconcile import run_due
from kubecarrier.lib.tasks import task_entry


@task_entry
def recheck_identities() -> None:
    """Ask the provider about everybody who is due."""
    recheck_due()


@task_entry
def recheck_directory() -> None:
    """Ask the directory about everybody who is due."""
    ldap_recheck_due()


@task_entry
def sync_ldap() -> None:
    """Compare the directory with the people here."""
    sync_if_due()


@task_entry
def summarize_bindings() -> None:
    """Summarise every binding that is due."""
    run_due(BindingReconciler(), budget_seconds=60)
