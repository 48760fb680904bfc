"""Fields of a kind out of its schemas."""

from __future__ import annotations

from typing import Any

import pytest

from fleet.schema_fields import field_at, root_of
from kubecarrier.lib.errors import NotFoundError

Json = dict[str, Any]
_GVK = "x-kubernetes-group-version-kind"
SCHEMAS: dict[str, Json] = {
    "io.cert-manager.v1.Certificate": {
        "type": "object",
        "description": "A certificate.",
        _GVK: [{"group": "cert-manager.io", "version": "v1", "kind": "Certificate"}],
        "required": ["spec"],
        "properties": {
            "metadata": {"allOf": [{"$ref": "#/components/schemas/Meta"}], "default": {}},
            "spec": {
                "type": "object",
                "description": "What is wished.",
                "required": ["issuer"],
                "properties": {
                    "dnsNames": {"type": "array", "items": {"type": "string"}},
                    "issuer": {"$ref": "#/components/schemas/Issuer", "description": "Who signs."},
                    "selector": {"type": "object", "additionalProperties": {"type": "string"}},
                },
            },
        },
    },
    "Meta": {
        "type": "object",
        "properties": {"port": {"x-kubernetes-int-or-string": True}, "name": {"type": "string"}},
    },
    "Issuer": {
        "type": "object",
        "description": "An issuer.",
        "required": ["name"],
        "properties": {
            "name": {"type": "string", "enum": ["a", "b"], "default": "a"},
            "parents": {"type": "array", "items": {"$ref": "#/components/schemas/Issuer"}},
        },
    },
}


def root() -> Json:
    found = root_of(SCHEMAS, "cert-manager.io", "v1", "Certificate")
    assert found
    return found


def test_types_and_descriptions() -> None:
    spec = field_at(SCHEMAS, root(), ["spec"], depth=2)
    assert (spec.type, spec.description, spec.required) == ("object", "What is wished.", True)
    assert [(one.name, one.type, one.required) for one in spec.fields] == [
        ("dnsNames", "[]string", False),
        ("issuer", "object", True),
        ("selector", "map[string]string", False),
    ]
    issuer = spec.fields[1]
    assert issuer.description == "Who signs."  # what stands beside a reference wins
    name, parents = issuer.fields
    assert (name.enum, name.default, name.required) == (["a", "b"], "a", True)
    assert (parents.type, parents.more, parents.fields) == ("[]object", True, [])


def test_items_need_no_name_in_a_path() -> None:
    found = field_at(SCHEMAS, root(), ["spec", "issuer", "parents", "parents", "name"], depth=1)
    assert found.type == "string"


def test_a_type_that_contains_itself_ends() -> None:
    spec = field_at(SCHEMAS, root(), ["spec"], depth=12)
    assert spec.fields[1].fields[1].more


def test_a_wide_kind_is_bounded() -> None:
    wide = {f"f{number}": {"type": "string"} for number in range(1000)}
    found = field_at({}, {"type": "object", "properties": wide}, [], depth=3)
    assert found.more
    assert found.fields == []


def test_a_reference_by_allof_and_odd_types() -> None:
    metadata = field_at(SCHEMAS, root(), ["metadata"], depth=1)
    assert [(one.name, one.type) for one in metadata.fields] == [
        ("name", "string"),
        ("port", "int-or-string"),
    ]


def test_what_is_missing_says_what_is_there() -> None:
    with pytest.raises(NotFoundError) as caught:
        field_at(SCHEMAS, root(), ["spec", "x"], depth=1)
    assert "dnsNames" in str(caught.value.hint)
    assert root_of(SCHEMAS, "", "v1", "Pod") is None
