"""The way from the event loop to the database: a few threads with connections of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.db import close_old_connections, connections
from django.db.backends.base.base import BaseDatabaseWrapper

P = ParamSpec("P")
T = TypeVar("T")


class Threads:
    """Runs blocking functions; `size` bounds how many at once, so that a slow one holds few."""

    def __init__(self, name: str, size: int) -> None:
        self._connections: list[BaseDatabaseWrapper] = []
        self._pool = ThreadPoolExecutor(size, thread_name_prefix=name, initializer=self._begin)

    def _begin(self) -> None:
        """In each thread: its connections are closed by `close`, from outside of it."""
        for connection in connections.all():
            connection.inc_thread_sharing()
            self._connections.append(connection)

    async def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The function's result; a connection that broke meanwhile is replaced first."""

        def run() -> T:
            close_old_connections()
            return function(*args, **kwargs)

        return await asyncio.get_running_loop().run_in_executor(self._pool, run)

    def close(self) -> None:
        """Running calls end, waiting ones are dropped, connections are closed."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        with ThreadPoolExecutor(1) as last:  # Django refuses to close on an event loop
            for connection in self._connections:
                last.submit(connection.close)
