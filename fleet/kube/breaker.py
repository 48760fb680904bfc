"""A circuit breaker per API server and process: who did not answer three times is left alone for a while.

Only silence counts. A refused connection, a wrong certificate or an error is an
answer: it costs nothing to ask again. After OPEN_SECONDS one call is let
through; while it runs, and for as long again if it is not answered, the others
are turned away at once and keep their slots for clusters that answer.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from fleet.kube_errors import CircuitOpen

OPENS_AFTER: Final = 3
OPEN_SECONDS: Final = 15.0


class Breaker:
    """Closed, open, or half open while one call tries; safe to share by threads."""

    def __init__(self, where: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._where = where
        self._clock = clock
        self._lock = threading.Lock()
        self._unanswered = 0
        self._tries_at = 0.0

    def enter(self) -> None:
        """Before a call; raises CircuitOpen when none is to be made now."""
        with self._lock:
            if self._unanswered < OPENS_AFTER:
                return
            left = self._tries_at - self._clock()
            if left > 0:
                raise CircuitOpen(
                    f"{self._where} did not answer {self._unanswered} times in a row; "
                    f"it is asked again in {left:.0f} s.",
                    retry_after_seconds=left,
                )
            self._tries_at = self._clock() + OPEN_SECONDS  # this call is the one that tries

    def answered(self) -> None:
        """Anything at all came back."""
        with self._lock:
            self._unanswered = 0

    def unanswered(self) -> None:
        """The time of a call was used up."""
        with self._lock:
            self._unanswered += 1
            self._tries_at = self._clock() + OPEN_SECONDS


@lru_cache(maxsize=512)
def breaker_of(host: str, port: int) -> Breaker:
    """One per server, whoever calls it."""
    return Breaker(f"{host}:{port}")


os.register_at_fork(after_in_child=breaker_of.cache_clear)  # a lock may be held by another thread
