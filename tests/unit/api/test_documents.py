"""Documents: patched by RFC 7386, sparse, tagged, paged, parsed and explained."""

from __future__ import annotations

import base64
import io
import json
import uuid
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import models
from hypothesis import given
from hypothesis import strategies as st
from rest_framework import serializers
from rest_framework.exceptions import ParseError

from kubecarrier.api import documents, paging
from kubecarrier.api.explain import spec_schema
from kubecarrier.api.parsers import MAX_BYTES, StrictJSONParser
from kubecarrier.lib.errors import InvalidError

# The table of examples in RFC 7386, appendix A: original, patch, result.
RFC_7386 = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    (["a", "b"], ["c", "d"], ["c", "d"]),
    ({"a": "b"}, ["c"], ["c"]),
    ({"a": "foo"}, None, None),
    ({"a": "foo"}, "bar", "bar"),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3)
    ),
    max_leaves=10,
)


@pytest.mark.parametrize(("target", "patch", "result"), RFC_7386)
def test_merge_patch(target: Any, patch: Any, result: Any) -> None:
    before = json.dumps([target, patch])
    assert documents.merge_patch(target, patch) == result
    assert json.dumps([target, patch]) == before


@given(plain, plain)
def test_patching_twice_is_patching_once(target: Any, patch: Any) -> None:
    once = documents.merge_patch(target, patch)
    assert documents.merge_patch(once, patch) == once


DOCUMENT = {
    "apiVersion": "v",
    "kind": "K",
    "metadata": {"name": "n", "labels": {"a": "b"}},
    "spec": {"a": {"b": 1, "c": 2}, "d": [1]},
}
HEAD = {"apiVersion": "v", "kind": "K"}


@pytest.mark.parametrize(
    ("paths", "rest"),
    [
        ([], {"metadata": {"name": "n"}}),
        (["spec.a.b"], {"metadata": {"name": "n"}, "spec": {"a": {"b": 1}}}),
        (["spec.a.b", "spec.d"], {"metadata": {"name": "n"}, "spec": {"a": {"b": 1}, "d": [1]}}),
        (["spec.a.b", "spec.a"], {"metadata": {"name": "n"}, "spec": {"a": {"b": 1, "c": 2}}}),
        (["metadata.labels"], {"metadata": {"name": "n", "labels": {"a": "b"}}}),
        (["nope", "nope.deep", "metadata.name.deeper", ""], {"metadata": {"name": "n"}}),
    ],
)
def test_sparse(paths: list[str], rest: dict[str, Any]) -> None:
    before = json.dumps(DOCUMENT)
    assert documents.sparse(DOCUMENT, paths) == {**HEAD, **rest}
    assert json.dumps(DOCUMENT) == before


class TestTags:
    ROW: Any = SimpleNamespace(pk=uuid.UUID(int=5), generation=7)

    def test_round_trip(self) -> None:
        assert documents.generation_of_etag(self.ROW, documents.etag(self.ROW)) == 7

    def test_of_another_row_of_the_same_name(self) -> None:
        other: Any = SimpleNamespace(pk=uuid.uuid4(), generation=7)
        assert documents.generation_of_etag(self.ROW, documents.etag(other)) == -1

    def test_star_is_any(self) -> None:
        assert documents.generation_of_etag(self.ROW, " * ") is None

    @given(st.text())
    def test_anything_else_is_none_of_ours(self, header: str) -> None:
        if header.strip() != "*":
            assert documents.generation_of_etag(self.ROW, header) == -1


KEY = models.UUIDField()


class TestPaging:
    @pytest.mark.parametrize(("text", "limit"), [("", 50), ("1", 1), ("500", 500), ("007", 7)])
    def test_limits(self, text: str, limit: int) -> None:
        assert paging.read_limit(text) == limit

    @given(st.text(min_size=1).filter(lambda text: not (text.isascii() and text.isdigit())))
    def test_no_limits(self, text: str) -> None:
        with pytest.raises(InvalidError):
            paging.read_limit(text)

    @pytest.mark.parametrize(
        "text", ["0", "501", "0501", "00005000000", "9" * 5000, "²", "٣", "-1", "1.0", " 1"]
    )
    def test_odd_limits(self, text: str) -> None:
        with pytest.raises(InvalidError) as caught:
            paging.read_limit(text)
        assert caught.value.field == "limit"

    @given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), st.uuids())
    def test_tokens_round_trip(self, value: str, pk: uuid.UUID) -> None:
        assert paging._read(paging._write(value, pk), KEY) == (value, pk)

    def test_tokens_of_numbered_rows(self) -> None:
        token = paging._write("2030-01-01", 7)
        assert paging._read(token, models.BigAutoField()) == ("2030-01-01", 7)

    @pytest.mark.parametrize(
        "value", [5, None, [], [1, 2], ["a"], ["a", "b"], ["a", "b", "c"], {"a": 1, "b": 2}, "ab"]
    )
    def test_tokens_of_other_shapes(self, value: Any) -> None:
        token = base64.urlsafe_b64encode(json.dumps(value).encode()).decode()
        with pytest.raises(InvalidError) as caught:
            paging._read(token, KEY)
        assert caught.value.code == "continue_invalid"

    @given(st.text(min_size=1))
    def test_anything_else_is_refused(self, token: str) -> None:
        with pytest.raises(InvalidError):
            paging._read(token, KEY)


class TestParser:
    def parse(self, text: str | bytes) -> Any:
        return StrictJSONParser().parse(
            io.BytesIO(text.encode() if isinstance(text, str) else text)
        )

    @given(plain)
    def test_what_is_json_is_read(self, value: Any) -> None:
        text = json.dumps(value)
        if "\\u0000" not in text and not any(0xD800 <= ord(c) < 0xE000 for c in str(value)):
            integers = [n for n in _leaves(value) if isinstance(n, int)]
            if all(-(2**63) <= n < 2**63 for n in integers):
                assert self.parse(text) == value

    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("[" * 100_000, "json_too_deep"),
            ("[" * 65 + "]" * 65, "json_too_deep"),
            ('{"a": 1, "a": 1}', "json_invalid"),
            ('[{"a": {"b": 1, "b": 2}}]', "json_invalid"),
            ("NaN", "json_invalid"),
            ("[Infinity]", "json_invalid"),
            ("1e999", "json_invalid"),
            (str(2**63), "json_invalid"),
            ("1" * 10_000, "json_invalid"),
            ('"\\ud83d"', "json_invalid"),
            ('{"a\\u0000": 1}', "json_invalid"),
            (b"\xff", "json_invalid"),
            ("", "json_invalid"),
            (b" " * (MAX_BYTES + 1), "body_too_large"),
        ],
        ids=range(14),
    )
    def test_refused(self, text: str | bytes, code: str) -> None:
        with pytest.raises(ParseError) as caught:
            self.parse(text)
        assert caught.value.get_codes() == code
        assert len(str(caught.value.detail)) < 300

    def test_the_limits_themselves_pass(self) -> None:
        self.parse("[" * 63 + "1" + "]" * 63)
        assert self.parse(str(2**63 - 1)) == 2**63 - 1
        assert self.parse('"\\ud83d\\ude00"') == "😀"
        self.parse(b" " * (MAX_BYTES - 2) + b"{}")


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for inner in value.values() for leaf in _leaves(inner)]
    if isinstance(value, list):
        return [leaf for inner in value for leaf in _leaves(inner)]
    return [value]


class InnerSerializer(serializers.Serializer[Any]):
    """Inside."""

    name = serializers.CharField()


class SpecSerializer(serializers.Serializer[Any]):
    """A spec."""

    text = serializers.CharField(help_text="Says what.")
    number = serializers.IntegerField(required=False, default=3)
    flag = serializers.BooleanField(required=False, default=False)
    choice = serializers.ChoiceField(choices=["a", "b"], required=False)
    secret = serializers.CharField(write_only=True, required=False)
    names = serializers.ListField(child=serializers.CharField(), required=False, default=list)
    anything = serializers.DictField(required=False)
    inner = InnerSerializer(many=True, required=False)


class TestExplain:
    def test_each_form(self) -> None:
        schema = spec_schema(SpecSerializer)
        assert schema["required"] == ["text"]
        assert schema["additionalProperties"] is False
        fields = schema["properties"]
        assert fields["text"] == {"type": "string", "description": "Says what."}
        assert fields["number"] == {"type": "integer", "default": 3}
        assert fields["flag"] == {"type": "boolean", "default": False}
        assert fields["choice"]["enum"] == ["a", "b"]
        assert fields["secret"]["writeOnly"] is True
        assert fields["names"] == {"type": "array", "items": {"type": "string"}}
        assert fields["anything"] == {"type": "object", "additionalProperties": {}}
        assert fields["inner"]["type"] == "array"
        assert fields["inner"]["items"]["properties"] == {"name": {"type": "string"}}

    def test_no_spec(self) -> None:
        assert spec_schema(None) == {"type": "object", "properties": {}}
