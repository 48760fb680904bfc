"""`manage.py up`: the whole portal on one machine."""

from __future__ import annotations

import socket
import sys
from argparse import ArgumentParser
from functools import partial
from typing import Any

from django.core.checks import run_checks
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection

from kubecarrier import checks, heartbeats, supervisor
from kubecarrier.lib.tasks import Queue
from kubecarrier.management.commands.web import listen
from kubecarrier.supervisor import Program

# With the supervisor's patience a group is killed 27 s after its last beat, and works again
# some seconds later: within 45 s even on a busy machine.
_SILENT_SECONDS = 15.0


class Command(BaseCommand):
    """Migrates the database, then runs web, workers and controller until SIGTERM or Ctrl-C."""

    help = "Run the web server, the workers and the controller on this machine."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *args: Any, host: str, port: int, **options: Any) -> None:
        try:
            listener = listen(host, port)
        except OSError as error:
            raise CommandError(f"cannot listen on {host}:{port}: {error.strerror}") from error
        with listener:
            self._check()
            self._migrate()
            connection.close()
            self._say(f"listening on http://{host}:{listener.getsockname()[1]}")
            supervisor.supervise(programs(listener), self._say)

    def _check(self) -> None:
        """Our own checks: an error in the settings is better told before anything runs."""
        for message in run_checks(tags=[checks.TAG]):
            if message.is_serious():
                raise CommandError(f"{message.msg} {message.hint or ''} ({message.id})")
            self._say(f"warning: {message.msg} {message.hint or ''} ({message.id})")

    def _migrate(self) -> None:
        try:
            call_command("migrate", interactive=False, verbosity=0)
        except DatabaseError as error:
            raise CommandError(f"the database cannot be used: {error}") from error
        self._say("database: migrated")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def programs(listener: socket.socket) -> list[Program]:
    """What runs; the web stops first so that nothing new is asked for, the workers last."""
    workers = [
        Program(
            f"worker {queue}",
            _manage("worker", "--queue", queue),
            environment={"Q_CLUSTER_NAME": queue},
            alive=partial(alive, heartbeats.worker_name(queue)),
            stop_seconds=15,
            order=2,
        )
        for queue in (Queue.DEFAULT, Queue.HELM)
    ]
    descriptor = listener.fileno()
    web = Program(
        "web", _manage("web", "--fd", str(descriptor)), descriptors=[descriptor], stop_seconds=8
    )
    return [web, *workers, Program("controller", _manage("controller"), stop_seconds=8, order=1)]


def alive(name: str) -> bool | None:
    """Whether that heartbeat is fresh; None when the database does not answer."""
    try:
        return heartbeats.is_fresh(name, within_seconds=_SILENT_SECONDS)
    except DatabaseError:
        return None
    finally:
        connection.close()


def _manage(*arguments: str) -> list[str]:
    return [sys.executable, sys.argv[0], *arguments]
