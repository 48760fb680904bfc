"""The controller's loops, from start to a clean stop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from functools import partial

import structlog
from django.db import DatabaseError

from kubecarrier import heartbeats
from kubecarrier.controller.database import Threads
from kubecarrier.controller.holding import Holding
from kubecarrier.controller.running import cancelled
from kubecarrier.controller.sharing import ROUND_SECONDS
from kubecarrier.controller.sweeping import sweep
from kubecarrier.lib import schedules
from kubecarrier.lib.watching import watchers

log = structlog.get_logger(__name__)
_SWEEP_SECONDS = 1.0
_CLEAN_SECONDS = 600.0


async def run(name: str | None = None) -> None:
    """Until SIGTERM or SIGINT; `name` is the heartbeat's and the leases' holder."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    name = name or heartbeats.controller_name()
    threads = Threads("controller", 1)
    slow = Threads("jobs", 1)  # what takes seconds must not hold back the sweep
    holding = Holding(name, watchers())
    jobs: list[tuple[float, Callable[[], Awaitable[object]]]] = [
        (heartbeats.BEAT_SECONDS, partial(threads.call, partial(heartbeats.beat, name))),
        (_SWEEP_SECONDS, partial(threads.call, sweep)),
        (ROUND_SECONDS, holding.round),
        (_CLEAN_SECONDS, partial(threads.call, heartbeats.forget_old)),
        *((job.seconds, partial(slow.call, job.run)) for job in schedules.jobs()),
    ]
    running = [asyncio.create_task(every(seconds, job)) for seconds, job in jobs]
    try:
        await stop.wait()
    finally:
        await cancelled(running)
        await _quietly(holding.close)
        await _quietly(partial(threads.call, partial(heartbeats.forget, name)))
        threads.close()
        slow.close()


async def every(seconds: float, job: Callable[[], Awaitable[object]]) -> None:
    """Do `job` again and again; a database that is away is waited for, said once."""
    away = False
    while True:
        try:
            await job()
            away = False
        except DatabaseError as error:
            if not away:
                log.warning("database away", error=type(error).__name__)
            away = True
        except Exception:
            log.exception("controller loop failed")
        await asyncio.sleep(seconds)


async def _quietly(job: Callable[[], Awaitable[object]]) -> None:
    """At the end nobody is left to tell: leases and heartbeats run out by themselves."""
    try:
        await job()
    except DatabaseError:
        log.warning("database away at the end")
