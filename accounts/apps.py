"""Users, tokens and the audit trail."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """The lowest app: it knows none of the others."""

    name = "accounts"

    def ready(self) -> None:
        from accounts import audited
        from accounts.services.causes import last_person
        from kubecarrier.lib import causes

        audited.register()
        causes.register(last_person)
