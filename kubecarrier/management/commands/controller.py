"""`manage.py controller`: sweeps, heartbeat and watches."""

from __future__ import annotations

import asyncio
from typing import Any

from django.core.management.base import BaseCommand

from kubecarrier.controller import loop


class Command(BaseCommand):
    """Runs until SIGTERM. Any number may run on any number of machines."""

    help = "Watch the clusters and wake the workers."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        asyncio.run(loop.run())
