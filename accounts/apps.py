"""Users, tokens and the audit trail."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """The lowest app: it knows none of the others."""

    name = "accounts"

    def ready(self) -> None:
        from accounts import audited
        from accounts.services import prune, seals
        from accounts.services.causes import last_person
        from kubecarrier.lib import causes, schedules
        from kubecarrier.lib.schedules import Job
        from kubecarrier.lib.tasks import task_entry

        audited.register()
        causes.register(last_person)
        schedules.register(Job("audit seals", seals.SEAL_SECONDS, task_entry(seals.seal_all)))
        schedules.register(
            Job("audit prune", prune.PRUNE_SECONDS, task_entry(prune.prune_by_policy))
        )
