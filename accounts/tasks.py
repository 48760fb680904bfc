"""What the queue runs of this app."""

from __future__ import annotations

from accounts.services.rechecks import recheck_due
from kubecarrier.lib.tasks import task_entry


@task_entry
def recheck_identities() -> None:
    """Ask the provider about everybody who is due."""
    recheck_due()
