"""`manage.py worker`: the worker group of one queue."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from kubecarrier.lib.tasks import Queue

_VARIABLE = "Q_CLUSTER_NAME"  # read by django-q2 at its import


class Command(BaseCommand):
    """Runs until SIGTERM; running tasks are waited for."""

    help = "Run the worker group of one queue."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--queue", choices=[Queue.DEFAULT, Queue.HELM], default=Queue.DEFAULT)

    def handle(self, *args: Any, queue: str, **options: Any) -> None:
        """Start again with the environment that the queue library wants, if it is not set."""
        if os.environ.get(_VARIABLE, Queue.DEFAULT) != queue:
            os.environ[_VARIABLE] = queue
            os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606
        from kubecarrier import tasks

        tasks.serve(queue)
