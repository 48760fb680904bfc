"""How long a failing row waits before its next attempt."""

from __future__ import annotations

import random

BASE_SECONDS = 2.0
CAP_SECONDS = 300.0
JITTER = 0.2


def delay_seconds(failures: int, *, cap_seconds: float = CAP_SECONDS) -> float:
    """Capped exponential back-off with ±20 % jitter; 0 failures wait the base.

    Jitter keeps the rows of a cluster that came back from arriving together.
    """
    exponent = min(max(failures, 0), 16)
    full = min(cap_seconds, BASE_SECONDS * 2.0**exponent)
    return full * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - spreading load, no secret
