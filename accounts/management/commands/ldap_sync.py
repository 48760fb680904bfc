"""`manage.py ldap_sync`: compare the directory with the people here, now."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.ldap.config import enabled
from accounts.services.ldap_sync import sync_now
from kubecarrier.lib.errors import KubeCarrierError


class Command(BaseCommand):
    """The nightly pass by hand."""

    help = "End the access of people who are gone from the LDAP directory, and read groups again."

    def handle(self, *args: Any, **options: Any) -> None:
        if not enabled():
            raise CommandError("No directory is configured (KUBECARRIER_LDAP_URL).")
        try:
            result = sync_now()
        except KubeCarrierError as error:
            hint = f" {error.hint}" if error.hint else ""
            raise CommandError(f"{error.message}{hint} ({error.code})") from error
        for name in result.ended:
            self.stdout.write(f"access ended: {name}")
        self.stdout.write(
            f"{result.people} people in the directory, {result.refreshed} of them known here, "
            f"access of {len(result.ended)} ended."
        )
