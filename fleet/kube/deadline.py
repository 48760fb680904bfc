"""A total deadline for a call, enforced where the bytes arrive.

A read time-out starts again with every byte, so a server that drips one byte
per second can hold a call for hours, in the headers as well as in the body.
Here each receive and send of the TLS socket gets the smaller of the read
time-out and what is left of the call's budget. A call runs in one thread from
beginning to end, hence the thread-local.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_current = threading.local()


@contextmanager
def deadline(total_seconds: float, read_seconds: float) -> Iterator[None]:
    """Every TLS socket used by this thread inside the block obeys both limits."""
    outer = getattr(_current, "limits", None)
    _current.limits = (time.monotonic() + total_seconds, read_seconds)
    try:
        yield
    finally:
        _current.limits = outer


def remaining_seconds() -> float:
    """What is left of the call; raises TimeoutError when nothing is."""
    end, _ = _current.limits
    left = float(end - time.monotonic())
    if left <= 0:
        raise TimeoutError("the call's total budget is used up")
    return left


class DeadlineSocket(ssl.SSLSocket):
    """An SSL socket whose every operation is limited by the thread's current deadline."""

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        self._limit()
        return super().recv_into(*args, **kwargs)

    def send(self, *args: Any, **kwargs: Any) -> int:
        self._limit()
        return super().send(*args, **kwargs)

    def _limit(self) -> None:
        limits = getattr(_current, "limits", None)
        if limits is not None:
            self.settimeout(min(limits[1], remaining_seconds()))
