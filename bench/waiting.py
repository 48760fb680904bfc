"""Waiting for something, with an end."""

from __future__ import annotations

import time
from collections.abc import Callable

from tools.controlplane import ControlPlaneError


def wait(
    found: Callable[[], object], *, what: str, seconds: float = 300.0, every: float = 0.05
) -> None:
    """Until `found` answers something true; raises ControlPlaneError, which ends the run."""
    ends_at = time.monotonic() + seconds
    while not found():
        if time.monotonic() > ends_at:
            raise ControlPlaneError(f"{what}: not within {seconds:.0f} s")
        time.sleep(every)
