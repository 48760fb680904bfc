"""Plans of a config copy: every combination of facts, and that each start comes to rest."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from fleet.choices import Propagation
from fleet.configs.changes import merge
from fleet.configs.content import Content, Override, packed, unpacked
from fleet.reconcilers.configcopy_plan import Facts, State, Step, plan, state_of

OURS = Facts(present=True, owned=True)
WAITS = replace(OURS, held=True, propagation=Propagation.INBOX)


@pytest.mark.parametrize(
    ("facts", "state", "step"),
    [
        (Facts(present=False), State.ABSENT, Step.CREATE),
        (replace(OURS, terminating=True, equal=True), State.TERMINATING, Step.WAIT),
        (Facts(present=True, equal=True), State.FOREIGN, Step.LEAVE),
        (Facts(present=True, adopt=True), State.OUTDATED, Step.APPLY),
        (Facts(present=True, adopt=True, frozen=True), State.OUTDATED, Step.REPLACE),
        (Facts(present=True, adopt=True, equal=True, marked=True), State.UNMARKED, Step.APPLY),
        (replace(OURS, equal=True, marked=True), State.CURRENT, Step.NOTHING),
        (replace(OURS, equal=True), State.UNMARKED, Step.APPLY),
        (replace(OURS, own_write=True), State.OUTDATED, Step.APPLY),
        (replace(OURS, own_write=True, frozen=True), State.OUTDATED, Step.REPLACE),
        (replace(OURS, decided=True), State.OUTDATED, Step.APPLY),
        (OURS, State.CHANGED, Step.CORRECT),
        (replace(OURS, propagation=Propagation.TWO_WAY), State.CHANGED, Step.TAKE_OVER),
        (replace(OURS, propagation=Propagation.INBOX), State.CHANGED, Step.ASK),
        (replace(WAITS, rest_equal=True), State.HELD, Step.HOLD),
        (WAITS, State.PARTLY, Step.APPLY_REST),
        (replace(WAITS, own_write=True), State.PARTLY, Step.APPLY_REST),
        (replace(WAITS, propagation=Propagation.TWO_WAY), State.PARTLY, Step.APPLY_REST),
        (replace(WAITS, propagation=Propagation.ONE_WAY), State.CHANGED, Step.CORRECT),
        (replace(WAITS, frozen=True), State.CHANGED, Step.ASK),
        (replace(WAITS, decided=True), State.OUTDATED, Step.APPLY),
        (replace(WAITS, equal=True), State.UNMARKED, Step.APPLY),
        (replace(WAITS, owned=False), State.FOREIGN, Step.LEAVE),
    ],
)
def test_plan(facts: Facts, state: State, step: Step) -> None:
    assert (state_of(facts), plan(facts)) == (state, step)


def _after(facts: Facts, step: Step) -> Facts:
    """What the next look sees after a step that went well."""
    written = Facts(present=True, owned=True, equal=True, marked=True, own_write=True)
    match step:
        case Step.CREATE | Step.APPLY | Step.CORRECT:
            return written
        case Step.REPLACE | Step.WAIT:
            return Facts(present=False)
        case Step.APPLY_REST:
            return replace(facts, own_write=True, marked=True, rest_equal=True)
        case Step.TAKE_OVER:  # what stands there is wanted now
            return replace(facts, equal=True)
        case _:
            return facts


@pytest.mark.parametrize("propagation", list(Propagation))
def test_from_every_start_it_comes_to_rest(propagation: Propagation) -> None:
    names = (
        *("terminating", "owned", "equal", "marked", "own_write", "frozen", "decided", "adopt"),
        *("held", "rest_equal"),
    )
    for flags in product([False, True], repeat=len(names)):
        given: Any = dict(zip(names, flags, strict=True))
        facts = Facts(True, propagation=propagation, **given)
        steps = []
        for _ in range(4):
            step = plan(facts)
            if step in {Step.NOTHING, Step.LEAVE, Step.ASK, Step.HOLD}:
                break
            steps.append(step)
            facts = _after(facts, step)
        else:
            raise AssertionError((flags, steps))
        if not facts.owned:
            assert steps == []


BASE = {"a": b"1", "b": b"1"}


@pytest.mark.parametrize(
    ("there", "here", "later", "take", "lost"),
    [
        ({"a": b"2", "b": b"1"}, BASE, False, {"a": b"2"}, {}),
        ({"a": b"2", "b": b"1"}, {"a": b"1", "b": b"3"}, False, {"a": b"2"}, {}),
        ({"a": b"1"}, BASE, False, {"b": None}, {}),
        ({**BASE, "c": b"1"}, BASE, False, {"c": b"1"}, {}),
        ({**BASE, "a": b"2"}, {**BASE, "a": b"3"}, True, {"a": b"2"}, {"a": b"3"}),
        ({**BASE, "a": b"2"}, {**BASE, "a": b"3"}, False, {}, {"a": b"2"}),
        ({"b": b"1"}, {**BASE, "a": b"3"}, False, {}, {"a": None}),
        ({"b": b"1"}, {**BASE, "a": b"3"}, True, {"a": None}, {"a": b"3"}),
        ({**BASE, "a": b"2"}, {**BASE, "a": b"2"}, True, {}, {}),
        ({**BASE, "a": b"*** (0a1b2c3d)"}, BASE, True, {}, {}),
    ],
)
def test_three_states_meet(there: Any, here: Any, later: bool, take: Any, lost: Any) -> None:
    merged = merge(BASE, there, here, there_is_later=later)
    assert (merged.take, merged.lost) == (take, lost)


def test_a_change_in_a_cluster_stays_in_its_override() -> None:
    content = Content({"a": b"1", "b": b"1"}, {"one": Override({"a": b"own"}, frozenset({"b"}))})
    changed = content.changed("one", {"a": b"2", "b": b"back", "c": b"new"})
    assert changed.on("one") == {"a": b"2", "b": b"back", "c": b"new"}
    assert changed.on("two") == {"a": b"1", "b": b"1", "c": b"new"}
    assert content.changed("one", {"a": None}).on("one") == {}


def test_sealed_values_come_back_as_they_were() -> None:
    content = Content({"a": bytes(range(256))}, {"one": Override({"b": b""}, frozenset({"a"}))})
    assert unpacked(packed(content), {"one": ["a"]}) == content
    assert packed(Content()) == ""
