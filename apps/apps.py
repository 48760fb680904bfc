"""Repositories, charts, applications and their releases."""

from django.apps import AppConfig


class AppsConfig(AppConfig):
    """Knows fleet, accounts and the lib."""

    name = "apps"
    verbose_name = "Applications"

    def ready(self) -> None:
        from apps import placed

        placed.register()
