"""`manage.py web`: the admin, the API and the live pages, served by uvicorn."""

from __future__ import annotations

import socket
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

_GRACE_SECONDS = 4  # for open requests and streams at the end


class Command(BaseCommand):
    """Runs until SIGTERM."""

    help = "Serve the portal's pages and API."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--fd", type=int, help="an open listening socket to use instead")

    def handle(self, *args: Any, host: str, port: int, fd: int | None, **options: Any) -> None:
        import uvicorn

        try:
            listener = socket.socket(fileno=fd) if fd is not None else listen(host, port)
        except OSError as error:
            raise CommandError(f"{host}:{port}: {error.strerror or error}") from error
        config = uvicorn.Config(
            "kubecarrier.asgi:application",
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # kubecarrier.request_context reads them, from trusted proxies
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
        uvicorn.Server(config).run(sockets=[listener])


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; raises OSError when the port is taken or the name unknown.

    Held open over restarts of the web process, so that callers wait instead of
    being refused.
    """
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
    except OSError:
        listener.close()
        raise
    return listener
