"""Users, tokens and the audit trail."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """The lowest app: it knows none of the others."""

    name = "accounts"

    def ready(self) -> None:
        from accounts import audited

        audited.register()
