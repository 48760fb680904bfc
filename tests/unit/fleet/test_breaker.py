"""The circuit breaker: silence opens it, one call tries, an answer closes it."""

from __future__ import annotations

import pytest

from fleet.kube.breaker import OPEN_SECONDS, OPENS_AFTER, Breaker
from fleet.kube_errors import CircuitOpen


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def opened(clock: Clock) -> Breaker:
    breaker = Breaker("one:6443", clock=clock)
    for _ in range(OPENS_AFTER):
        breaker.enter()
        breaker.unanswered()
    return breaker


def test_silence_in_a_row_opens_it(opened: Breaker) -> None:
    with pytest.raises(CircuitOpen) as caught:
        opened.enter()
    assert "one:6443 did not answer 3 times in a row" in caught.value.message


def test_an_answer_between_keeps_it_closed(clock: Clock) -> None:
    breaker = Breaker("one:6443", clock=clock)
    for _ in range(3 * OPENS_AFTER):
        breaker.enter()
        breaker.unanswered()
        breaker.enter()
        breaker.answered()
    breaker.enter()


def test_one_call_tries_and_the_others_wait(opened: Breaker, clock: Clock) -> None:
    clock.now += OPEN_SECONDS
    opened.enter()
    for _ in range(5):
        with pytest.raises(CircuitOpen):
            opened.enter()
    opened.unanswered()
    clock.now += OPEN_SECONDS - 1
    with pytest.raises(CircuitOpen):
        opened.enter()
    clock.now += 1
    opened.enter()
    opened.answered()
    opened.enter()
    opened.enter()


def test_a_try_that_never_ends_does_not_hold_it_open(opened: Breaker, clock: Clock) -> None:
    """Its thread may have been killed: another one tries later."""
    clock.now += OPEN_SECONDS
    opened.enter()
    clock.now += OPEN_SECONDS
    opened.enter()
