"""Users, roles, bindings, tokens and the audit trail."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AccountsConfig(AppConfig):
    """The lowest app: it knows none of the others."""

    name = "accounts"

    def ready(self) -> None:
        from accounts import audited, checks, deriving, owning, reach
        from accounts.following import BINDING_TASK
        from accounts.models import Binding
        from accounts.services import prune, seals
        from accounts.services.causes import last_person
        from accounts.services.ldap_rechecks import ldap_rechecks_due
        from accounts.services.ldap_sync import sync_due
        from accounts.services.rechecks import rechecks_due
        from kubecarrier.lib import causes, schedules, sweeps
        from kubecarrier.lib.schedules import Job
        from kubecarrier.lib.tasks import task_entry

        assert checks.TAG  # noqa: S101 - importing them registers them
        sweeps.register_chore(sweeps.Chore(rechecks_due, "accounts.tasks.recheck_identities"))
        sweeps.register_chore(sweeps.Chore(ldap_rechecks_due, "accounts.tasks.recheck_directory"))
        sweeps.register_chore(sweeps.Chore(sync_due, "accounts.tasks.sync_ldap"))
        audited.register()
        causes.register(last_person)
        schedules.register(Job("audit seals", seals.SEAL_SECONDS, task_entry(seals.seal_all)))
        schedules.register(
            Job("audit prune", prune.PRUNE_SECONDS, task_entry(prune.prune_by_policy))
        )
        reach.register()
        deriving.register()
        owning.register()
        sweeps.register(sweeps.Sweep(Binding, BINDING_TASK, "default"))
        # Django's own way to fill tables: the built-in roles are there once the tables are.
        post_migrate.connect(_fill, sender=self)


def _fill(**_: Any) -> None:
    from accounts import builtin_rows

    builtin_rows.ensure()
