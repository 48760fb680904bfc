"""The controller's loops, from start to a clean stop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

import structlog
from django.db import DatabaseError

from kubecarrier import heartbeats
from kubecarrier.controller.database import Threads
from kubecarrier.controller.sweeping import sweep

log = structlog.get_logger(__name__)
_SWEEP_SECONDS = 1.0
_CLEAN_SECONDS = 600.0


async def run() -> None:
    """Until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    name = heartbeats.controller_name()
    threads = Threads("controller", 1)
    loops = [
        every(_SWEEP_SECONDS, threads, sweep),
        every(heartbeats.BEAT_SECONDS, threads, lambda: heartbeats.beat(name)),
        every(_CLEAN_SECONDS, threads, heartbeats.forget_old),
    ]
    running = [asyncio.create_task(each) for each in loops]
    try:
        await stop.wait()
    finally:
        await cancel(running)
        await _quietly(threads, lambda: heartbeats.forget(name))
        threads.close()


async def every(seconds: float, threads: Threads, function: Callable[[], object]) -> None:
    """Call `function` in a thread again and again; a database that is away is waited for."""
    away = False
    while True:
        try:
            await threads.call(function)
            away = False
        except DatabaseError as error:
            if not away:
                log.warning("database away", error=type(error).__name__)
            away = True
        except Exception:
            log.exception("controller loop failed")
        await asyncio.sleep(seconds)


async def cancel(running: list[asyncio.Task[None]]) -> None:
    """End the tasks and wait for it."""
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)


async def _quietly(threads: Threads, function: Callable[[], object]) -> None:
    """At the end nobody is left to tell."""
    try:
        await threads.call(function)
    except DatabaseError:
        log.warning("database away at the end")
