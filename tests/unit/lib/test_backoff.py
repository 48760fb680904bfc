"""How long a failing row waits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubecarrier.lib.backoff import BASE_SECONDS, CAP_SECONDS, JITTER, delay_seconds


@pytest.mark.parametrize(
    ("failures", "middle"), [(-1, 2), (0, 2), (1, 4), (2, 8), (5, 64), (8, 300), (10**9, 300)]
)
def test_doubles_up_to_its_cap(failures: int, middle: float) -> None:
    for _ in range(50):
        assert middle * (1 - JITTER) <= delay_seconds(failures) <= middle * (1 + JITTER)


def test_a_smaller_cap() -> None:
    assert delay_seconds(20, cap_seconds=10) <= 12


def test_rows_that_fail_together_do_not_come_back_together() -> None:
    assert len({delay_seconds(5) for _ in range(20)}) > 10


@given(st.integers(-(10**20), 10**20), st.floats(1, 10_000))
def test_always_positive_and_bounded(failures: int, cap: float) -> None:
    seconds = delay_seconds(failures, cap_seconds=cap)
    assert 0 < seconds <= max(cap, BASE_SECONDS, CAP_SECONDS) * (1 + JITTER)
