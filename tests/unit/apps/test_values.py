"""Values: reading, layering as Helm does, paths, and schemas that want to harm."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps import values
from apps.values import Layer, ValuesCode, ValuesError
from apps.values_schema import MAX_ISSUES, SchemaCode, SchemaError, SchemaIssue, validate
from kubecarrier.lib import strict_yaml
from kubecarrier.lib.errors import InvalidError
from kubecarrier.lib.strict_yaml import YamlCode, YamlError

# -- reading -----------------------------------------------------------------------------

REFUSED: list[tuple[str, str, str]] = [
    ("not a mapping: list", "- a", ValuesCode.NOT_A_MAPPING),
    ("not a mapping: text", "a", ValuesCode.NOT_A_MAPPING),
    ("not a mapping: number", "5", ValuesCode.NOT_A_MAPPING),
    ("duplicate keys", "a: 1\na: 2", YamlCode.DUPLICATE_KEY),
    ("aliases", "a: &x 1\nb: *x", YamlCode.ALIAS),
    ("huge integer", "a: 99999999999999999999999", YamlCode.INVALID),
    ("NaN", "a: .NaN", YamlCode.INVALID),
    ("over 1 MiB", "a: " + "x" * 2**20, YamlCode.TOO_LARGE),
    ("10k deep", '{"a":' * 10_000, YamlCode.TOO_DEEP),
    ("two documents", "a: 1\n---\nb: 1", YamlCode.INVALID),
]


@pytest.mark.parametrize(
    ("text", "code"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_refused(text: str, code: str) -> None:
    with pytest.raises((YamlError, ValuesError)) as caught:
        values.parse_values(text)
    assert isinstance(caught.value, InvalidError)
    assert caught.value.code == code


def test_empty_values_and_exactly_one_mebibyte() -> None:
    assert values.parse_values("") == {}
    assert values.parse_values("# nothing") == {}
    assert values.parse_values("a: " + "x" * (2**20 - 3))


def test_dates_and_booleans_reach_helm_as_written() -> None:
    """Helm reads `off` as false; as text it would be a true value in a template."""
    loaded = values.parse_values("d: 2024-01-01\nt: 12:30:45\nb: off\nq: 'off'\nm: 022\n")
    assert loaded == {"d": "2024-01-01", "t": "12:30:45", "b": False, "q": "off", "m": 18}
    assert values.parse_values(strict_yaml.dump(loaded)) == loaded


# -- layers --------------------------------------------------------------------------------

MERGES: list[tuple[str, list[dict[str, Any]], dict[str, Any]]] = [
    ("nothing", [], {}),
    ("one", [{"a": 1}], {"a": 1}),
    ("scalars are replaced", [{"a": 1}, {"a": 2}], {"a": 2}),
    ("maps merge deeply", [{"a": {"b": 1, "c": {"d": 1}}}, {"a": {"c": {"e": 2}}}],
     {"a": {"b": 1, "c": {"d": 1, "e": 2}}}),
    ("lists are replaced", [{"a": [1, 2, 3]}, {"a": [4]}], {"a": [4]}),
    ("a map over a scalar", [{"a": 1}, {"a": {"b": 1}}], {"a": {"b": 1}}),
    ("a scalar over a map", [{"a": {"b": 1}}, {"a": 1}], {"a": 1}),
    ("an empty map changes nothing", [{"a": {"b": 1}}, {"a": {}}], {"a": {"b": 1}}),
    ("null deletes a scalar", [{"a": 1, "b": 2}, {"a": None}], {"b": 2}),
    ("null deletes a map", [{"a": {"b": 1}}, {"a": None}], {}),
    ("null deletes inside", [{"a": {"b": 1, "c": 2}}, {"a": {"b": None}}], {"a": {"c": 2}}),
    ("a null of the defaults vanishes", [{"a": None, "b": {"c": None}}], {"b": {}}),
    ("a null without a default stays", [{}, {"a": None}], {"a": None}),
    ("a null over a null vanishes at the top", [{"a": None}, {"a": None}], {}),
    ("a null over a null stays further down", [{"a": {"b": None}}, {"a": {"b": None}}],
     {"a": {"b": None}}),
    ("set again above a null", [{"a": 1}, {"a": None}, {"a": 3}], {"a": 3}),
    ("a map above a null merges with the default",
     [{"a": {"b": 1}}, {"a": None}, {"a": {"c": 2}}], {"a": {"b": 1, "c": 2}}),
    ("a null in the middle survives an empty layer", [{"a": 1}, {"a": None}, {}], {}),
    ("false and zero are values", [{"a": True, "b": 1}, {"a": False, "b": 0}],
     {"a": False, "b": 0}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("layers", "expected"), [row[1:] for row in MERGES], ids=[row[0] for row in MERGES]
)
def test_merge_as_helm_coalesces(layers: list[dict[str, Any]], expected: dict[str, Any]) -> None:
    before = json.dumps(layers)
    merged = values.merge([Layer(str(n), layer) for n, layer in enumerate(layers)])
    assert merged.values == expected
    assert json.dumps(layers) == before


def test_origins() -> None:
    layers = [
        Layer("chart", {"a": 1, "b": {"c": 1, "d": [1], "e": {}}, "x.y": 1}),
        Layer("project", {"b": {"c": 2}, "n": {"m": 1}}),
        Layer("cluster", {"b": {"d": [2, 3]}}),
    ]
    assert values.merge(layers).origins == {
        "a": "chart",
        "b.c": "project",
        "b.d": "cluster",
        "b.e": "chart",
        r"x\.y": "chart",
        "n.m": "project",
    }


def test_nulls_are_kept_for_helm() -> None:
    layers = [Layer("a", {"x": 1, "y": {"z": 1}}), Layer("b", {"x": None, "y": {"z": None}})]
    merged = values.merge(layers, keep_nulls=True)
    assert merged.values == {"x": None, "y": {"z": None}}
    assert merged.origins == {"x": "b", "y.z": "b"}


def test_merged_values_are_copies() -> None:
    layer: dict[str, Any] = {"a": {"b": [{"c": 1}]}}
    merged: Any = values.merge([Layer("a", layer)]).values
    merged["a"]["b"][0]["c"] = 2
    assert layer == {"a": {"b": [{"c": 1}]}}


def _deep(levels: int) -> dict[str, Any]:
    deep: dict[str, Any] = {"a": 1}
    for _ in range(levels):
        deep = {"a": deep}
    return deep


@pytest.mark.parametrize(
    "call",
    [
        lambda deep: values.merge([Layer("a", deep)]),
        values.flatten,
        lambda deep: values.set_path(deep, "a", 1),
        lambda deep: validate(deep, {}),
    ],
    ids=["merge", "flatten", "set_path", "validate"],
)
def test_deep_values_never_recurse(call: Any) -> None:
    with pytest.raises(YamlError) as caught:
        call(_deep(50_000))
    assert caught.value.code == YamlCode.TOO_DEEP
    call(_deep(90))


# -- paths ---------------------------------------------------------------------------------


def test_set_path() -> None:
    before = {"a": {"b": [{"c": 1}]}, "s": 1}
    assert values.set_path(before, "a.b[0].c", 2) == {"a": {"b": [{"c": 2}]}, "s": 1}
    assert values.set_path(before, "a.b[1].d", 2)["a"] == {"b": [{"c": 1}, {"d": 2}]}
    assert values.set_path(before, "s.t", 2)["s"] == {"t": 2}
    assert values.set_path({}, "x[0][0]", 1) == {"x": [[1]]}
    assert values.set_path({}, r"x\.y.z", 1) == {"x.y": {"z": 1}}
    assert before == {"a": {"b": [{"c": 1}]}, "s": 1}


@pytest.mark.parametrize(
    "path",
    ["", ".", "a.", ".a", "a..b", "[0]", "a[", "a[]", "a[x]", "a[-1]", "a]", "a[0]b", "a.[0]",
     "a\\", "a[99999999]", "b[5]", "b.x", "m[0]", "a" + ".a" * 200],
)  # fmt: skip
def test_bad_path(path: str) -> None:
    with pytest.raises(ValuesError) as caught:
        values.set_path({"b": [1], "m": {"x": 1}}, path, 1)
    assert caught.value.code == ValuesCode.PATH


def test_flatten() -> None:
    nested = {"a": {"b": [1, {"c": None}], "d": {}, "e": []}, "f.g": True}
    assert values.flatten(nested) == {
        "a.b[0]": 1,
        "a.b[1].c": None,
        "a.d": {},
        "a.e": [],
        r"f\.g": True,
    }
    assert values.flatten({}) == {}


KEYS = st.text(min_size=1, max_size=5)
TREES = st.dictionaries(
    KEYS,
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
        max_leaves=10,
    ),
    max_size=4,
)


@given(TREES)
def test_flatten_and_set_path_are_inverse(tree: dict[str, object]) -> None:
    rebuilt: values.Values = {}
    for path, value in values.flatten(tree).items():
        rebuilt = values.set_path(rebuilt, path, value)
    assert rebuilt == tree


@given(TREES, TREES)
def test_merge_has_an_origin_for_every_leaf(
    low: dict[str, object], high: dict[str, object]
) -> None:
    merged = values.merge([Layer("low", low), Layer("high", high)])
    assert set(merged.origins.values()) <= {"low", "high"}
    for path, value in values.flatten(merged.values).items():
        assert any(path == known or path.startswith(f"{known}[") for known in merged.origins), value
    assert (
        values.merge([Layer("low", low), Layer("low", {})]).values
        == values.merge([Layer("low", low)]).values
    )


@given(st.text(max_size=60))
def test_any_text_is_values_or_refused(text: str) -> None:
    try:
        loaded = values.parse_values(text)
    except (YamlError, ValuesError):
        return
    assert values.parse_values(strict_yaml.dump(loaded)) == loaded


# -- schemas --------------------------------------------------------------------------------


def test_a_violation_has_path_and_rule_and_no_value() -> None:
    schema = {
        "type": "object",
        "properties": {
            "a": {"properties": {"b": {"items": {"type": "integer"}}}},
            "password": {"type": "string", "pattern": "^[a-z]+$", "maxLength": 3},
        },
        "required": ["z"],
        "additionalProperties": False,
    }
    issues = validate({"a": {"b": [1, "x"]}, "password": "S3CRET-CANARY", "q": 1}, schema)
    found = {(issue.path, issue.rule) for issue in issues}
    assert {
        ("a.b[1]", "type"),
        ("password", "pattern"),
        ("password", "maxLength"),
        ("", "required"),
        ("", "additionalProperties"),
    } == found
    assert "CANARY" not in str(issues)
    assert isinstance(issues[0], SchemaIssue)


def test_valid_and_bounded() -> None:
    assert validate({"a": 1}, {"properties": {"a": {"type": "integer"}}}) == []
    many = validate({"a": ["x"] * 5000}, {"properties": {"a": {"items": False}}})
    assert len(many) == MAX_ISSUES


BOMB = {
    "$defs": {
        **{f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(40)},
        "d40": {"type": "object"},
    },
    "$ref": "#/$defs/d0",
}
C = SchemaCode
BAD_SCHEMAS: list[tuple[str, str, dict[str, Any]]] = [
    ("remote $ref", C.REFERENCE, {"$ref": "http://127.0.0.1:9/x.json"}),
    ("remote $ref inside", C.REFERENCE, {"properties": {"a": {"$ref": "https://x.test/y"}}}),
    ("file $ref", C.REFERENCE, {"$ref": "file:///etc/passwd"}),
    ("relative $ref", C.REFERENCE, {"$ref": "other.json#/a"}),
    ("remote $dynamicRef", C.REFERENCE, {"$dynamicRef": "http://x.test/y"}),
    ("a document inside", C.REFERENCE, {"properties": {"a": {"$id": "http://x.test/y"}}}),
    ("remote $schema", C.INVALID, {"$schema": "http://127.0.0.1:9/meta.json"}),
    ("recursive $ref", C.INVALID, {"$ref": "#"}),
    ("recursive $ref in two steps", C.INVALID,
     {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}),
    ("recursive allOf", C.INVALID, {"allOf": [{"$ref": "#"}]}),
    ("recursive $dynamicRef", C.INVALID, {"$dynamicAnchor": "x", "$dynamicRef": "#x"}),
    ("recursive $recursiveRef", C.INVALID, {"$recursiveRef": "#"}),
    ("missing $ref", C.INVALID, {"$ref": "#/$defs/none"}),
    ("doubling $ref", C.TOO_COMPLEX, BOMB),
    ("doubling with the values' depth", C.TOO_COMPLEX,
     {"properties": {"a": {"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}}, "required": ["z"]}),
    ("doubling by $dynamicRef", C.TOO_COMPLEX,
     {"$dynamicAnchor": "x", "properties": {"a": {"allOf": [{"$dynamicRef": "#x"}] * 2}}}),
    ("doubling by a pattern of names", C.TOO_COMPLEX,
     {"patternProperties": {"a": {"$ref": "#"}, ".": {"$ref": "#"}}}),
    ("deep schema", C.TOO_COMPLEX, {"not": _deep(5000)}),
    ("unknown type", C.INVALID, {"type": "nonsense"}),
    ("broken pattern", C.INVALID, {"pattern": "("}),
    ("look-around, which Helm refuses too", C.INVALID, {"pattern": "^(?=a)b"}),
    ("giant pattern", C.INVALID, {"pattern": "((a{1000}){1000}){1000}"}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "schema"), [row[1:] for row in BAD_SCHEMAS], ids=[row[0] for row in BAD_SCHEMAS]
)
def test_bad_schema(code: str, schema: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def no_network(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("a schema reached for the network")

    monkeypatch.setattr(socket, "socket", no_network)
    with pytest.raises(SchemaError) as caught:
        validate(_deep(80), schema)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "pattern", ["^(a+)+$", "^(a|aa)+$", "(a*)*b", "^(([a-z])+.)+[A-Z]([a-z])+$"]
)
def test_catastrophic_patterns_are_linear(pattern: str) -> None:
    issues = validate({"a": "a" * 200_000 + "!"}, {"properties": {"a": {"pattern": pattern}}})
    assert [issue.rule for issue in issues] == ["pattern"]


def test_honest_recursion_is_accepted() -> None:
    """A tree whose nodes hold nodes, as in the schema of a schema."""
    schema = {
        "$defs": {
            "node": {
                "type": "object",
                "properties": {
                    "name": {"type": "string"},
                    "children": {"type": "array", "items": {"$ref": "#/$defs/node"}},
                    "other": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
                },
            }
        },
        "$ref": "#/$defs/node",
    }
    tree: dict[str, Any] = {"name": 5}
    for _ in range(20):
        tree = {"children": [tree, {"name": "x"}], "other": None}
    (issue,) = validate(tree, schema)
    assert issue.path.endswith("children[0].name")


@given(TREES, st.recursive(
    st.booleans() | st.just({"$ref": "#"}) | st.just({"type": "string"}),
    lambda inner: st.dictionaries(
        st.sampled_from(["not", "if", "additionalProperties", "items", "propertyNames"]), inner
    ) | st.dictionaries(
        st.sampled_from(["allOf", "anyOf", "oneOf"]), st.lists(inner, min_size=1, max_size=3)
    ),
    max_leaves=8,
))  # fmt: skip
def test_any_schema_is_used_or_refused(tree: dict[str, object], schema: Any) -> None:
    if not isinstance(schema, dict):
        return
    try:
        validate(tree, schema)
    except SchemaError as exc:
        assert exc.code in set(SchemaCode)
