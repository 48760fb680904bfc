"""What is said of the age of the portal's own credential."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from fleet.credential_age import Age, stale_condition

NOW = datetime(2030, 1, 31, 12, tzinfo=UTC)


def age(days: float = 1, *, own: bool = True, error: str = "", left: int = 0) -> Age:
    return Age(own, NOW - timedelta(days=days), error, left)


@pytest.mark.parametrize(
    ("known", "days", "status", "reason"),
    [
        (age(), 30, "False", "Renewed"),
        (age(29), 30, "False", "Renewed"),
        (age(32), 30, "False", "Renewed"),  # a cluster may be down on the day
        (age(34), 30, "True", "RenewalOverdue"),
        (age(400), 0, "False", "NotRenewed"),
        (age(400, own=False), 30, "False", "NotRenewed"),
        (age(error="kube_forbidden: no"), 30, "True", "RenewalFailed"),
        (age(error="kube_forbidden: no"), 0, "True", "RenewalFailed"),
        (age(0.01, left=1), 30, "False", "Renewed"),  # something may still work with it
        (age(0.2, left=1), 30, "True", "OldTokenStands"),
        (age(0.2, left=1), 0, "True", "OldTokenStands"),
        (Age(True, None, "", 0), 30, "True", "RenewalOverdue"),
    ],
)
def test_stale(known: Age, days: int, status: str, reason: str) -> None:
    found = stale_condition(known, days, NOW)
    assert (found.status, found.reason) == (status, reason)
    assert found.message.endswith(".") or known.error
