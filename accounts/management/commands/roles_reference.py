"""`manage.py roles_reference`: docs/roles.md out of the catalogue of permissions."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from accounts.roles_text import reference


class Command(BaseCommand):
    """Prints the reference; a test keeps the file in docs/ equal to it."""

    help = "Print the reference of permissions and built-in roles (docs/roles.md)."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(reference(), ending="")
