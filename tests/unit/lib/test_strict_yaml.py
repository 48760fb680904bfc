"""The YAML reader: what it means, what it refuses, and that nothing else can happen."""

from __future__ import annotations

import math

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from kubecarrier.lib.strict_yaml import HELM, YamlCode, YamlError, dump, load

# Expected values were taken from sigs.k8s.io/yaml 1.6.0, the reader inside Helm and kubectl.
SCALARS: list[tuple[str, object]] = [
    ("on", True),
    ("off", False),
    ("yes", True),
    ("N", False),
    ("tRUE", "tRUE"),
    ("022", 18),
    ("0o22", 18),
    ("+022", 18),
    ("0x1F", 31),
    ("-0b11", -3),
    ("089", 89.0),
    ("09.5", 9.5),
    ("1_000", 1000),
    ("_1", "_1"),
    ("0x", "0x"),
    ("0o8", "0o8"),
    ("1e3", 1000.0),
    (".5", 0.5),
    ("5.", 5.0),
    ("._5", "._5"),
    ("e3", "e3"),
    ("12:30:45", "12:30:45"),
    ("2024-01-01", "2024-01-01"),
    ("2024-01-01T00:00:00Z", "2024-01-01T00:00:00Z"),
    ("1.2.3", "1.2.3"),
    ("~", None),
    ("NULL", None),
    ("", None),
    ("nULL", "nULL"),
    ("18446744073709551615", 18446744073709551615),
    ("'on'", "on"),
    ('"022"', "022"),
    ("!!str 022", "022"),
    ("!!int 022", 18),
]


@pytest.mark.parametrize(("text", "expected"), SCALARS, ids=[text for text, _ in SCALARS])
def test_scalars_mean_what_they_mean_to_helm(text: str, expected: object) -> None:
    loaded = load(f"a: {text}\n")
    assert loaded == {"a": expected}
    assert isinstance(loaded, dict)
    assert type(loaded["a"]) is type(expected)


REFUSED: list[tuple[str, str, str]] = [
    ("duplicate key", "a: 1\nb: 2\na: 3\n", YamlCode.DUPLICATE_KEY),
    ("duplicate key in flow", "{a: 1, 'a': 2}", YamlCode.DUPLICATE_KEY),
    ("anchor", "a: &x 1\n", YamlCode.ALIAS),
    ("anchor on a key", "&x a: 1\n", YamlCode.ALIAS),
    ("alias", "a: &x [1]\nb: *x\n", YamlCode.ALIAS),
    ("merge key", "a:\n  <<: {b: 1}\n", YamlCode.ALIAS),
    ("too deep", "[" * 200 + "]" * 200, YamlCode.TOO_DEEP),
    ("far too deep", "[" * 100_000, YamlCode.TOO_DEEP),
    ("deep mappings", "{a: " * 5000, YamlCode.TOO_DEEP),
    ("too many nodes", "[" + "1," * 5000 + "1]", YamlCode.TOO_LARGE),
    ("too many bytes", "a: " + "x" * 20_000, YamlCode.TOO_LARGE),
    ("NaN", "a: .nan", YamlCode.INVALID),
    ("infinity", "a: -.INF", YamlCode.INVALID),
    ("float overflow", "a: 1e400", YamlCode.INVALID),
    ("huge integer", "a: 18446744073709551616", YamlCode.INVALID),
    ("integer of 9000 digits", "a: " + "9" * 9000, YamlCode.INVALID),
    ("integer key", "8080: x", YamlCode.INVALID),
    ("boolean key", "on: x", YamlCode.INVALID),
    ("null key", "~: x", YamlCode.INVALID),
    ("list as key", "? [a]\n: 1\n", YamlCode.INVALID),
    ("two documents", "a: 1\n---\nb: 2\n", YamlCode.INVALID),
    ("python tag", "a: !!python/object/apply:os.system [ls]", YamlCode.INVALID),
    ("binary tag", "a: !!binary aGk=", YamlCode.INVALID),
    ("wrong int tag", "a: !!int x", YamlCode.INVALID),
    ("syntax", "a: [1", YamlCode.INVALID),
    ("tab", "a:\n\t- b", YamlCode.INVALID),
    ("control character", "a: \x07", YamlCode.INVALID),
    ("lone surrogate", "a: \ud800", YamlCode.INVALID),
]


@pytest.mark.parametrize(
    ("text", "code"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_refused(text: str, code: str) -> None:
    with pytest.raises(YamlError) as caught:
        load(text, max_bytes=200_000 if len(text) > 30_000 else 20_000, max_nodes=4000)
    assert caught.value.code == code


def test_not_utf8() -> None:
    with pytest.raises(YamlError, match="UTF-8"):
        load(b"a: \xff")


def test_position_is_told() -> None:
    with pytest.raises(YamlError) as caught:
        load("a: 1\nb:\n  c: 1\n  c: 2\n")
    assert caught.value.data == {"line": 4, "column": 3}


def test_alias_bomb_is_counted_also_where_aliases_are_taken() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    with pytest.raises(YamlError) as caught:
        load("\n".join(lines), dialect=HELM)
    assert caught.value.code == YamlCode.TOO_LARGE


def test_alias_into_itself() -> None:
    with pytest.raises(YamlError):
        load("a: &a [*a]", dialect=HELM)


def test_deep_aliases_count_their_depth() -> None:
    text = "a: &a [[[[1]]]]\nb: [[[*a]]]\n"
    assert load(text, max_depth=8, dialect=HELM)
    with pytest.raises(YamlError) as caught:
        load(text, max_depth=7, dialect=HELM)
    assert caught.value.code == YamlCode.TOO_DEEP


def test_helm_dialect() -> None:
    text = "base: &b {x: 1, w: {z: 2}}\nc:\n  <<: *b\n  x: 3\n8080: a\non: b\nd: 1\nd: 2\n"
    loaded = load(text, dialect=HELM)
    assert loaded == {
        "base": {"x": 1, "w": {"z": 2}},
        "c": {"x": 3, "w": {"z": 2}},
        "8080": "a",
        "true": "b",
        "d": 2,
    }


def test_aliased_collections_are_copies() -> None:
    loaded = load("a: &x [1]\nb: *x\n", dialect=HELM)
    assert isinstance(loaded, dict)
    assert loaded["a"] == loaded["b"]
    assert loaded["a"] is not loaded["b"]


def test_byte_order_mark_and_empty() -> None:
    assert load("\ufeffa: 1") == {"a": 1}
    assert load("") is None
    assert load("# nothing\n") is None


def test_dump_quotes_what_helm_would_change() -> None:
    texts = ["on", "y", "022", "0o17", "089", "1e3", "1_000", ".5", "~", "", "<<", "null", "-1"]
    assert load(dump({"a": texts})) == {"a": texts}
    for text in texts:
        assert f"'{text}'" in dump({"a": text})


def test_dump_style_is_stable() -> None:
    data = {"b": {"c": [1, {"d": "x\ny\n"}]}, "a": True, "long": "word " * 100}
    text = dump(data)
    assert text.startswith("b:\n  c:\n  - 1\n  - d: |\n      x\n      y\na: true\n")
    assert dump(load(text)) == text
    assert len(text.splitlines()) == 8


@pytest.mark.parametrize(
    "data",
    [{"a": math.nan}, {"a": math.inf}, {1: "a"}, {"a": object()}, {"a": b"x"}, {"a": (1,)}],
    ids=["nan", "inf", "key", "object", "bytes", "tuple"],
)
def test_dump_refuses(data: object) -> None:
    with pytest.raises(YamlError):
        dump(data)


def test_dump_never_recurses_too_deep() -> None:
    data: object = 1
    for _ in range(100_000):
        data = [data]
    with pytest.raises(YamlError) as caught:
        dump(data)
    assert caught.value.code == YamlCode.TOO_DEEP


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=20,
)


@given(JSON)
def test_round_trip(data: object) -> None:
    assert load(dump(data)) == data


@given(st.text(alphabet="ab01:-[]{},&*!|>'\"#\n ?<%~.\t\\", max_size=60) | st.text(max_size=40))
def test_any_text_loads_or_is_refused(text: str) -> None:
    try:
        loaded = load(text, max_bytes=1000, max_depth=10, max_nodes=100)
    except YamlError as exc:
        assert exc.code in set(YamlCode)
    else:
        assert load(dump(loaded)) == loaded


@given(st.binary(max_size=60))
def test_any_bytes_load_or_are_refused(data: bytes) -> None:
    try:
        load(data, dialect=HELM)
    except YamlError as exc:
        assert exc.code in set(YamlCode)


@given(st.text(alphabet="abc: \n-[]{}0123", max_size=50))
def test_structure_equals_pyyaml(text: str) -> None:
    """Where PyYAML's base loader (no typing) and this one both read, the shape is the same."""
    try:
        mine = load(text)
    except YamlError:
        return
    assert _shape(mine) == _shape(yaml.load(text, Loader=yaml.CBaseLoader))  # noqa: S506


def _shape(value: object) -> object:
    if isinstance(value, dict):
        return {key: _shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_shape(item) for item in value]
    return "scalar"
