"""A form out of a schema: what it shows, what it reads back, what it adds and removes."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.forms.schema_form import FormNode, SchemaForm, pointer_of, pointer_text
from fleet.live.schemas import Schema

Json = dict[str, Any]

TREE = {
    "type": "object",
    "properties": {"below": {"allOf": [{"$ref": "#/components/schemas/Tree"}]}},
}
SPEC = {
    "type": "object",
    "required": ["mode", "count"],
    "properties": {
        "count": {"type": "integer", "description": "How many."},
        "mode": {"type": "string", "enum": ["Fast", "Slow"], "default": "Slow"},
        "on": {"type": "boolean"},
        "port": {"x-kubernetes-int-or-string": True},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        "names": {"type": "array", "items": {"type": "string"}},
        "items": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["key"],
                "properties": {"key": {"type": "string"}},
            },
        },
        "any": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        "tree": {"$ref": "#/components/schemas/Tree"},
    },
}
ROOT = {
    "type": "object",
    "properties": {"metadata": {"type": "object"}, "spec": SPEC, "status": {"type": "object"}},
}


def form(spec: Json | None = None, **more: Any) -> SchemaForm:
    document = {"apiVersion": "a/v1", "kind": "A", "metadata": {"name": "x"}, "spec": spec or {}}
    return SchemaForm(Schema(ROOT, {"Tree": TREE}), document, **more)


def found(node: FormNode, pointer: str) -> FormNode | None:
    if node.pointer == pointer:
        return node
    return next((one for child in node.children if (one := found(child, pointer))), None)


def test_what_is_there_and_what_could_be() -> None:
    root = form({"on": True}).root()
    assert [one.label for one in root.children] == ["metadata", "spec"]
    spec = found(root, "/spec")
    assert spec is not None
    assert [one.label for one in spec.children] == ["mode", "count", "on"] or {
        one.label for one in spec.children
    } == {"mode", "count", "on"}
    assert "names" in {name for name, _ in spec.addable}
    mode = found(root, "/spec/mode")
    assert mode is not None
    assert (mode.sort, mode.required, mode.choices, mode.value) == (
        "enum",
        True,
        ("Fast", "Slow"),
        "Slow",
    )


@pytest.mark.parametrize(
    ("pointer", "text", "wanted"),
    [
        ("/spec/count", "3", {"count": 3}),
        ("/spec/on", "false", {"on": False}),
        ("/spec/port", "80", {"port": 80}),
        ("/spec/port", "http", {"port": "http"}),
        ("/spec/mode", "Fast", {"mode": "Fast"}),
        ("/spec/any", "a: [1, yes]", {"any": {"a": [1, True]}}),
        ("/spec/labels/a.b~1c", "x", {"labels": {"a.b/c": "x"}}),
        ("/spec/count", "", {}),
    ],
)
def test_what_is_read(pointer: str, text: str, wanted: Json) -> None:
    one = form()
    one.take({f"p:{pointer}": text})
    assert (one.document["spec"], one.errors) == (wanted, {})


@pytest.mark.parametrize(
    ("pointer", "text"),
    [("/spec/count", "many"), ("/spec/any", "a: 1\na: 2"), ("/spec/any", "a: &x 1\nb: *x")],
)
def test_what_cannot_be_read_is_an_error_of_its_field(pointer: str, text: str) -> None:
    one = form({"any": {"a": 1}})
    before = copy.deepcopy(one.document)
    one.take({f"p:{pointer}": text})
    assert list(one.errors) == [pointer]
    assert one.document == before


def test_adding_and_removing() -> None:
    one = form()
    one.add(("spec",), "items")
    one.add(("spec", "items"), "")
    assert one.document["spec"]["items"] == [{"key": ""}]  # what is required is there at once
    one.add(("spec",), "labels")
    one.add(("spec", "labels"), " a/b ")
    assert one.document["spec"]["labels"] == {"a/b": ""}
    one.add(("spec", "labels"), "  ")
    assert one.errors
    one.remove(("spec", "items", "0"))
    one.remove(("spec", "nothing", "here"))
    assert one.document["spec"]["items"] == []


def test_a_type_that_contains_itself_ends() -> None:
    deep: Json = {}
    for _ in range(60):
        deep = {"below": deep}
    one = form({"tree": deep})
    assert one.root().children
    expanded = one.schema.expanded()
    assert expanded["properties"]["spec"]["properties"]["tree"]["type"] == "object"


@given(steps=st.lists(st.text(min_size=1, max_size=4), max_size=5))
def test_pointers_go_there_and_back(steps: list[str]) -> None:
    assert pointer_of(pointer_text(tuple(steps))) == tuple(steps)


@given(
    posted=st.dictionaries(
        st.text(max_size=12).map(lambda t: f"p:/{t}"), st.text(max_size=8), max_size=5
    )
)
def test_no_post_breaks_it(posted: dict[str, str]) -> None:
    one = form({"names": ["a"], "items": [{"key": "b"}]})
    one.take(posted)
    one.root()
