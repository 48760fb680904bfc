"""Selectors by Kubernetes' rules, placements, and the labels they read."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubecarrier.lib.errors import InvalidError
from kubecarrier.lib.placement import (
    Placement,
    check_labels,
    is_label_key,
    is_label_value,
    parse_selector,
    resolve,
)

LABELS = {"env": "prod", "tier": "web", "empty": "", "x.io/y": "1", "in": "x"}

MATCHES = [
    ("", True),
    ("  ", True),
    ("env=prod", True),
    ("env==prod", True),
    ("env = prod", True),
    (" env =prod , tier= web ", True),
    ("env=test", False),
    ("env=Prod", False),
    ("env!=test", True),
    ("env != prod", False),
    ("absent!=x", True),  # not equal also where the key is absent
    ("absent=x", False),
    ("empty=", True),
    ("empty= ,env=prod", True),
    ("env=", False),
    ("absent=", False),
    ("env", True),
    ("absent", False),
    ("empty", True),
    ("!absent", True),
    ("! absent", True),
    ("!env", False),
    ("env in (prod)", True),
    ("env in(prod,test)", True),
    ("env in ( test , prod )", True),
    ("env in (test)", False),
    ("absent in (a)", False),
    ("empty in (,a)", True),
    ("env notin (test)", True),
    ("env notin (prod)", False),
    ("absent notin (a)", True),
    ("x.io/y=1", True),
    ("x.io/y in (1,2),env,!gone", True),
    ("in in (x)", True),
    ("env=prod,tier=db", False),
    ("env in (prod),tier notin (db,cache)", True),
]


@pytest.mark.parametrize(("text", "expected"), MATCHES)
def test_matches(text: str, expected: bool) -> None:
    assert parse_selector(text).matches(LABELS) is expected


@pytest.mark.parametrize(
    "text",
    [
        ",", "a,", ",a", "a,,b", "=", "=a", "!", "!=a", "!a=b", "a==b==c", "a=b=c", "a||b", "a=b||c=d",
        "a>1", "a<1", "a b", "a=b c", "a in", "a in b", "a in (", "a in b)", "a in ()", "a in ( )", "a in ((b))",
        "a notin ()", "in (a)", "a in (b) c", "a IN (b)", "xin(a)", "/a", "a/", "a//b", "A.B/c", "-a", "a-", "a=-b",
        "a=b-", "a=ü", "ü=a", "a='b'", "a=\"b\"", "a" * 64, "a=" + "b" * 64, "p" * 254 + "/a", "a\nb", "a=b\n;c",
        "a=b;", "a in (b", "()", "a=b)", "a\0", "a=%27",
    ],
)  # fmt: skip
def test_refused(text: str) -> None:
    with pytest.raises(InvalidError) as caught:
        parse_selector(text, where="spec.x")
    assert (caught.value.code, caught.value.field) == ("selector_invalid", "spec.x")
    assert len(caught.value.message) < 150


@given(st.text(max_size=60))
def test_any_text_is_a_selector_or_refused(text: str) -> None:
    try:
        parse_selector(text).matches(LABELS)
    except InvalidError as error:
        assert error.code == "selector_invalid"


@pytest.mark.parametrize(
    ("key", "valid"),
    [
        ("a", True), ("A_b.c-d", True), ("5", True), ("x.io/a", True), ("a" * 63, True), ("p" * 253 + "/a", True),
        ("", False), ("a\n", False), ("\na", False), ("a ", False), ("a/b/c", False), ("X.io/a", False),
        (".a", False), ("a_", False), ("a" * 64, False), ("p" * 254 + "/a", False), ("é", False), ("x.io/", False),
    ],
)  # fmt: skip
def test_label_keys(key: str, valid: bool) -> None:
    assert is_label_key(key) is valid


@pytest.mark.parametrize(
    ("value", "valid"),
    [
        ("", True),
        ("a", True),
        ("A_b.c-1", True),
        ("a" * 63, True),
        ("a" * 64, False),
        ("a\n", False),
        ("-a", False),
    ],
)
def test_label_values(value: str, valid: bool) -> None:
    assert is_label_value(value) is valid


@pytest.mark.parametrize(
    "labels", [[], "a", None, {"a b": "c"}, {"a": 1}, {1: "a"}, {"a": "b c"}, {"a": None}]
)
def test_bad_labels(labels: Any) -> None:
    with pytest.raises(InvalidError) as caught:
        check_labels(labels)
    assert caught.value.code == "labels_invalid"


CLUSTERS = {
    "one": {"env": "prod", "region": "eu"},
    "two": {"env": "prod", "region": "us"},
    "three": {"env": "test"},
}


@pytest.mark.parametrize(
    ("placement", "expected"),
    [
        (Placement(), set()),
        (Placement(clusters=("one", "gone")), {"one"}),
        (Placement(selector="*"), {"one", "two", "three"}),
        (Placement(selector="env=prod"), {"one", "two"}),
        (Placement(clusters=("three",), selector="region=eu"), {"one", "three"}),
        (Placement(selector="*", exclude=("two", "gone")), {"one", "three"}),
        (Placement(clusters=("one",), exclude=("one",)), set()),
        (Placement(selector="!region"), {"three"}),
    ],
)
def test_resolve(placement: Placement, expected: set[str]) -> None:
    assert resolve(placement, CLUSTERS) == expected


def test_a_renamed_cluster_keeps_its_places() -> None:
    placement = Placement(("one", "two"), "env=prod", ("one",), {"one": {"values": {}}, "two": {}})
    renamed = placement.renamed("one", "first")
    assert renamed == Placement(
        ("first", "two"), "env=prod", ("first",), {"first": {"values": {}}, "two": {}}
    )
    assert placement.clusters == ("one", "two")


names = st.lists(st.sampled_from(["one", "two", "three", "gone"]), unique=True).map(tuple)


@given(st.builds(Placement, names, st.sampled_from(["", "*", "env=prod"]), names))
def test_renaming_changes_no_choice(placement: Placement) -> None:
    """The renamed placement on the renamed fleet chooses the same clusters."""
    fleet = {"first" if name == "one" else name: labels for name, labels in CLUSTERS.items()}
    before = {"first" if name == "one" else name for name in resolve(placement, CLUSTERS)}
    assert resolve(placement.renamed("one", "first"), fleet) == before


@pytest.mark.parametrize(
    "stored", [{}, {"clusters": None, "selector": None, "exclude": None, "overrides": None}]
)
def test_an_empty_column_is_nowhere(stored: dict[str, Any]) -> None:
    assert Placement.of(stored) == Placement()


def test_stored_and_back() -> None:
    placement = Placement(("one",), "a=b", ("two",), {"one": {"values": {"a": 1}}})
    assert Placement.of(placement.stored()) == placement
