"""Step by step through a login by the directory: `manage.py ldap_check jane`."""

from __future__ import annotations

import getpass
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.services.ldap_checks import ldap_steps
from kubecarrier.lib.errors import KubeCarrierError


class Command(BaseCommand):
    """Changes nothing, and stores nothing."""

    help = (
        "Try the configured directory: servers, the portal's account, a person, groups, mappings."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Somebody to look for; the password only from the terminal."""
        parser.add_argument("name", nargs="?", default="", help="how that person logs in")
        parser.add_argument(
            "--password", action="store_true", help="ask for the password, and try it"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """One line a step; ends with an error where one of them failed."""
        password = getpass.getpass() if options["password"] else ""
        failed = False
        try:
            for step in ldap_steps(username=options["name"], password=password):
                failed = failed or not step.fine
                self.stdout.write(f"{'ok  ' if step.fine else 'FAIL'} {step.what}: {step.said}")
        except KubeCarrierError as error:
            raise CommandError(f"{error.code}: {error.message}") from error
        if failed:
            raise CommandError("Nobody can log in like that; docs/login.md says what to look at.")
