"""Small things about asyncio tasks."""

from __future__ import annotations

import asyncio
from collections.abc import Collection


async def cancelled(tasks: Collection[asyncio.Task[None]]) -> None:
    """Cancel the tasks and wait until they are over; their errors are theirs."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
