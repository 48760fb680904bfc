"""Conditions: merged with their times, summarised into Ready."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubecarrier.lib.conditions import Condition, Status, StoredCondition, merge, summarize

T0 = datetime(2026, 1, 1, tzinfo=UTC)
T1 = T0 + timedelta(minutes=1)


def condition(
    type_: str, status: Status = Status.TRUE, reason: str = "Why", message: str = "m"
) -> Condition:
    return Condition(type_, status, reason, message)


def test_a_new_one_begins_now() -> None:
    merged = merge({}, [condition("A")], now=T0, generation=3)
    assert merged == {
        "A": StoredCondition(
            status="True",
            reason="Why",
            message="m",
            lastTransitionAt=T0.isoformat(),
            observedGeneration=3,
        )
    }


def test_since_moves_with_the_status_only() -> None:
    first = merge({}, [condition("A")], now=T0, generation=1)
    second = merge(first, [condition("A", reason="Else", message="n")], now=T1, generation=2)
    assert second["A"]["lastTransitionAt"] == T0.isoformat()
    assert (second["A"]["reason"], second["A"]["message"]) == ("Else", "n")
    assert second["A"]["observedGeneration"] == 2
    third = merge(second, [condition("A", Status.UNKNOWN)], now=T1, generation=2)
    assert third["A"]["lastTransitionAt"] == T1.isoformat()


def test_what_was_not_seen_stays_and_the_input_is_not_changed() -> None:
    first = merge({}, [condition("A"), condition("B")], now=T0, generation=1)
    copy = {name: dict(value) for name, value in first.items()}
    second = merge(first, [condition("B", Status.FALSE)], now=T1, generation=2)
    assert second["A"] == first["A"]
    assert {name: dict(value) for name, value in first.items()} == copy


TRUE, FALSE, UNKNOWN = Status.TRUE, Status.FALSE, Status.UNKNOWN


@pytest.mark.parametrize(
    ("seen", "expected", "reason"),
    [
        ({"A": TRUE, "B": TRUE}, TRUE, "B"),
        ({"A": TRUE, "B": FALSE}, FALSE, "B"),
        ({"A": UNKNOWN, "B": FALSE}, FALSE, "B"),
        ({"A": UNKNOWN, "B": TRUE}, UNKNOWN, "A"),
        ({"A": TRUE}, UNKNOWN, "NotObserved"),
        ({}, UNKNOWN, "NotObserved"),
        ({"A": TRUE, "B": TRUE, "Bad": TRUE}, FALSE, "Bad"),
        ({"A": FALSE, "B": TRUE, "Bad": TRUE}, FALSE, "Bad"),
        ({"A": TRUE, "B": TRUE, "Bad": FALSE}, TRUE, "B"),
        ({"A": TRUE, "B": TRUE, "Bad": UNKNOWN}, TRUE, "B"),
    ],
)
def test_ready(seen: dict[str, Status], expected: Status, reason: str) -> None:
    listed = [condition(name, status, reason=name) for name, status in seen.items()]
    ready = summarize(listed, needed=("A", "B"), harmful=("Bad",))
    assert (ready.type, ready.status, ready.reason) == ("Ready", expected, reason)


@given(st.dictionaries(st.sampled_from(["A", "B", "Bad"]), st.sampled_from(list(Status))))
def test_ready_is_never_true_while_something_needed_is_not(seen: dict[str, Status]) -> None:
    listed = [condition(name, status) for name, status in seen.items()]
    ready = summarize(listed, needed=("A", "B"), harmful=("Bad",))
    good = seen.get("A") == seen.get("B") == TRUE and seen.get("Bad") != TRUE
    assert (ready.status is TRUE) == good
