"""A child that dies with its parent, so that nothing of a killed process goes on writing.

Linux only (prctl(2), PR_SET_PDEATHSIG); elsewhere the supervisor's own stop is all there is.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
_parent = 0


def die_with(parent_pid: int) -> None:
    """Called in the child: SIGKILL arrives when the parent's forking thread is gone.

    A parent that died before the call would never send it: the child leaves at once.
    """
    if _libc is None:
        return
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent_pid:
        os._exit(1)


def forks_die_with_us() -> None:
    """Every process forked from here on, by this one and by its forks, dies with its parent.

    Programs started by `subprocess` are not forks in this sense and are left alone.
    """
    os.register_at_fork(before=_note_parent, after_in_child=lambda: die_with(_parent))


def _note_parent() -> None:
    global _parent  # noqa: PLW0603 - read by the child right after the fork
    _parent = os.getpid()
