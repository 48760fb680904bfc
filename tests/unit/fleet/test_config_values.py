"""Values, objects and secrets' types of config items; what a watch's event means."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.configs.content import as_document, is_masked, of_document, shown
from fleet.configs.object import (
    Wanted,
    author_of,
    is_marked,
    is_own_write,
    owner_of,
    values_of,
    without,
)
from fleet.configs.secret_types import TLS, certificate_end, check_values, docker_config
from fleet.watching.configs import suspects
from kubecarrier.lib.errors import InvalidError
from tests.unit.fleet import pki

KEY = b"key"
KEYS = st.from_regex(r"[-._a-zA-Z0-9]{1,20}", fullmatch=True).filter(lambda k: k not in {".", ".."})


@given(st.dictionaries(KEYS, st.binary(max_size=50), max_size=6))
def test_values_come_back_as_they_were(values: dict[str, bytes]) -> None:
    data, binary = as_document(values)
    assert of_document(data, binary, field="data") == values
    assert not any("\0" in text for text in data.values())


@pytest.mark.parametrize("kind", ["ConfigMap", "Secret"])
@given(values=st.dictionaries(KEYS, st.binary(max_size=50), max_size=6))
def test_what_we_write_is_known_to_be_ours(kind: str, values: dict[str, bytes]) -> None:
    wanted = Wanted(
        kind, "Opaque" if kind == "Secret" else "", "n", "x", "configitem/1", values, False
    )
    obj = wanted.document(values, key=KEY)
    assert (values_of(obj), owner_of(obj), is_marked(obj)) == (values, "configitem/1", True)
    assert is_own_write(obj, KEY)
    part = "data" if kind == "Secret" else "binaryData"
    changed = {**obj, part: {**obj.get(part, {}), "new": base64.b64encode(b"x\xff").decode()}}
    assert not is_own_write(changed, KEY)
    assert not is_own_write(obj, b"another key")


@given(st.dictionaries(KEYS, st.binary(min_size=1, max_size=50), min_size=1, max_size=4))
def test_a_mask_is_recognised_and_shows_nothing(values: dict[str, bytes]) -> None:
    for text in shown(values, secret=True, key=KEY).values():
        assert is_masked(text.encode())
        assert len(text) == len("*** (12345678)")


def test_masks_differ_with_their_values() -> None:
    one = shown({"a": b"1", "b": b"1", "c": b"2"}, secret=True, key=KEY)
    assert one["a"] == one["b"] != one["c"]


def test_author() -> None:
    def entry(manager: str, time: str) -> dict[str, str]:
        return {"manager": manager, "time": time}

    entries = [
        entry("kubectl-edit", "2026-01-01T00:00:01Z"),
        entry("kubecarrier", "2026-01-01T00:00:09Z"),
        entry("helm", "2026-01-01T00:00:05Z"),
    ]
    found = author_of({"metadata": {"managedFields": entries}})
    assert (found.manager, found.at) == ("helm", datetime(2026, 1, 1, 0, 0, 5, tzinfo=UTC))
    assert author_of({"metadata": {}}).manager == "unknown"


def test_a_key_is_taken_away_in_both_parts() -> None:
    patch = without("ConfigMap", ["a"], version="7")
    assert patch == {
        "data": {"a": None},
        "binaryData": {"a": None},
        "metadata": {"resourceVersion": "7"},
    }
    assert "binaryData" not in without("Secret", ["a"], version="7")


A, B = uuid4(), uuid4()
KNOWN = {("ConfigMap", "n", "a"): (A, "10"), ("Secret", "n", "b"): (B, "20")}


@pytest.mark.parametrize(
    ("last", "listed", "expected"),
    [
        ({("ConfigMap", "n", "a"): "10"}, {}, {}),  # our own write
        ({("ConfigMap", "n", "a"): "9"}, {}, {}),  # older than what we know
        ({("ConfigMap", "n", "a"): "11"}, {}, {A: "11"}),
        ({("ConfigMap", "n", "a"): "gone 12"}, {}, {A: "gone 12"}),
        ({("ConfigMap", "n", "other"): "11"}, {}, {}),
        ({("Secret", "n", "a"): "11"}, {}, {}),
        ({}, {"ConfigMap": frozenset({("n", "a")})}, {}),
        ({}, {"ConfigMap": frozenset()}, {A: "gone"}),
        ({}, {"ConfigMap": frozenset(), "Secret": frozenset()}, {A: "gone", B: "gone"}),
        ({("Secret", "n", "b"): "x1"}, {}, {B: "x1"}),  # versions need not be numbers
    ],
)
def test_what_an_event_means(last: Any, listed: Any, expected: Any) -> None:
    assert suspects(KNOWN, last, listed) == expected


def test_what_was_never_written_is_not_missed() -> None:
    known = {("ConfigMap", "n", "a"): (A, "")}
    assert suspects(known, {}, {"ConfigMap": frozenset()}) == {}


class TestTypes:
    def test_docker(self) -> None:
        text = docker_config("registry.example.org", "u", "p")
        check_values(
            "kubernetes.io/dockerconfigjson", {".dockerconfigjson": text.encode()}, field="f"
        )

    def test_a_certificate_must_fit_its_key(self) -> None:
        one, other = pki.identity("one"), pki.identity("other")
        good = {"tls.crt": one.cert.encode(), "tls.key": one.key.encode()}
        check_values(TLS, good, field="spec.data")
        with pytest.raises(InvalidError) as refused:
            check_values(TLS, {**good, "tls.key": other.key.encode()}, field="spec.data")
        assert (refused.value.code, refused.value.field) == (
            "tls_key_mismatch",
            "spec.data.tls.key",
        )

    def test_an_expired_certificate_is_shown_and_not_refused(self) -> None:
        old = pki.identity("old", ends=pki.NOW - timedelta(days=1))
        values = {"tls.crt": old.cert.encode(), "tls.key": old.key.encode()}
        check_values(TLS, values, field="f")
        assert certificate_end(TLS, values) == pki.NOW - timedelta(days=1)

    def test_only_tls_has_an_end(self) -> None:
        assert certificate_end("Opaque", {"tls.crt": b"x"}) is None
