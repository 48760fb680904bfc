"""`manage.py second_factor_remove NAME`: for somebody whose phone is lost."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from accounts.services.second_factors import factor_drop


class Command(BaseCommand):
    """Whoever may run commands here is an administrator already."""

    help = "Remove the second factor of a local account and end its sessions."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")

    def handle(self, *args: Any, username: str, **options: Any) -> None:
        user = User.objects.filter(username=username).first()
        if user is None:
            raise CommandError(f"There is no account “{username}”.")
        self.stdout.write("removed" if factor_drop(user=user) else "there was none")
