"""What of an object does not fit its schema."""

from __future__ import annotations

from typing import Any

import pytest

from fleet.live.checking import Misfit, misfits
from fleet.live.schemas import Schema

_REF = {"allOf": [{"$ref": "#/components/schemas/Spec"}], "default": {}}
_SPEC = {
    "type": "object",
    "required": ["image"],
    "properties": {
        "image": {"type": "string"},
        "replicas": {"type": "integer"},
        "ratio": {"type": "number"},
        "paused": {"type": "boolean"},
        "port": {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {}]},
        "policy": {"type": "string", "enum": ["Always", "Never"]},
        "env": {"type": "array", "items": {"$ref": "#/components/schemas/Env"}},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    },
}
_ENV = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}
_SCHEMA = Schema(
    {"type": "object", "properties": {"kind": {"type": "string"}, "spec": _REF}},
    {"Spec": _SPEC, "Env": _ENV},
)


@pytest.mark.parametrize(
    ("spec", "wanted"),
    [
        ({"image": "a", "replicas": 2, "ratio": 1, "paused": False, "port": 80}, []),
        ({"image": "a", "port": "http", "free": {"x": 1}, "labels": {"a": "b"}}, []),
        ({"image": "a", "replicas": None}, []),
        ({"image": "a", "replicas": "2"}, [(("spec", "replicas"), "integer", False)]),
        ({"image": "a", "replicas": True}, [(("spec", "replicas"), "integer", False)]),
        ({"image": "a", "port": True}, [(("spec", "port"), "integer or string", False)]),
        ({"image": "a", "policy": "Maybe"}, [(("spec", "policy"), "Always, Never", False)]),
        ({"image": "a", "replica": 2}, [(("spec", "replica"), "no field replica", True)]),
        ({"image": "a", "labels": {"a": 1}}, [(("spec", "labels", "a"), "string", False)]),
        ({"image": "a", "env": [{"name": "A"}, {}]}, [(("spec", "env", 1), "name", False)]),
        ({}, [(("spec",), "image", False)]),
        ([], [(("spec",), "object", False)]),
    ],
)
def test_misfits(spec: Any, wanted: list[tuple[Any, str, bool]]) -> None:
    found: list[Misfit] = list(misfits(_SCHEMA, {"kind": "Thing", "spec": spec}))
    assert [(one.path, one.dropped) for one in found] == [(path, d) for path, _text, d in wanted]
    assert all(text in one.message for one, (_path, text, _d) in zip(found, wanted, strict=True))


def test_a_type_that_contains_itself_ends() -> None:
    loop = {"type": "object", "properties": {"in": {"$ref": "#/components/schemas/Loop"}}}
    document: dict[str, Any] = {}
    for _level in range(90):
        document = {"in": document}
    assert list(misfits(Schema(loop, {"Loop": loop}), document)) == []
