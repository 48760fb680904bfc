"""A file that never touches a disk, for programs and libraries that take paths only."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class MemoryFile:
    """`path` works in this process and in a child that inherits `descriptors`."""

    path: str
    descriptors: tuple[int, ...]


@contextmanager
def memory_file(content: bytes) -> Iterator[MemoryFile]:
    """An anonymous file (Linux: memfd_create(2)), gone with the block and with the process.

    Where the system has no such thing, a temporary file with mode 0600 that is
    removed at the end of the block.
    """
    if hasattr(os, "memfd_create"):
        with _anonymous(content) as file:
            yield file
    else:
        with _temporary(content) as file:
            yield file


@contextmanager
def _anonymous(content: bytes) -> Iterator[MemoryFile]:
    descriptor = os.memfd_create("kubecarrier", os.MFD_CLOEXEC)
    try:
        os.fchmod(descriptor, 0o600)
        with open(descriptor, "wb", closefd=False) as stream:
            stream.write(content)
        yield MemoryFile(f"/proc/self/fd/{descriptor}", (descriptor,))
    finally:
        os.close(descriptor)


@contextmanager
def _temporary(content: bytes) -> Iterator[MemoryFile]:
    descriptor, path = tempfile.mkstemp(prefix="kubecarrier-")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
        yield MemoryFile(path, ())
    finally:
        Path(path).unlink(missing_ok=True)
