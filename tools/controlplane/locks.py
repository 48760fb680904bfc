"""A lock between processes, released by the kernel even when its holder is killed."""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def file_lock(path: Path, *, when_busy: Callable[[], None]) -> Iterator[None]:
    """Hold an exclusive lock on `path` (created when missing, never deleted).

    `when_busy` is called once if another process holds the lock: it says so and returns
    to wait for the lock, or raises to give up.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            when_busy()
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
