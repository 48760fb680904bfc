"""A spec's serializer as JSON schema, for `explain` and for form builders."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.fields import _UnvalidatedField, empty

_TYPES: list[tuple[type[serializers.Field[Any, Any, Any, Any]], str]] = [
    (serializers.BooleanField, "boolean"),
    (serializers.IntegerField, "integer"),
    (serializers.ListField, "array"),
    (serializers.DictField, "object"),
    (serializers.JSONField, "object"),
]


def spec_schema(serializer: Any) -> dict[str, Any]:
    """Draft 2020-12 properties of a serializer class (or None: no spec)."""
    if serializer is None:
        return {"type": "object", "properties": {}}
    return _object(serializer())


def _object(serializer: Any) -> dict[str, Any]:
    fields = serializer.fields
    return {
        "type": "object",
        "description": (type(serializer).__doc__ or "").strip(),
        "properties": {name: _field(field) for name, field in fields.items()},
        "required": [name for name, field in fields.items() if field.required],
        "additionalProperties": False,
    }


def _field(field: Any) -> dict[str, Any]:
    if isinstance(field, serializers.BaseSerializer) and hasattr(field, "fields"):
        found = _object(field)
    elif isinstance(field, serializers.ListSerializer):
        found = {"type": "array", "items": _field(field.child)}
    elif type(field) is serializers.Field or isinstance(field, _UnvalidatedField):
        found = {}  # anything
    else:
        found = {"type": _type(field)}
    if isinstance(field, serializers.ChoiceField):
        found["enum"] = list(field.choices)
    if isinstance(field, serializers.ListField | serializers.DictField) and field.child is not None:
        key = "items" if isinstance(field, serializers.ListField) else "additionalProperties"
        found[key] = _field(field.child)
    if field.help_text:
        found["description"] = str(field.help_text)
    if field.default is not empty and not callable(field.default):
        found["default"] = field.default
    if field.write_only:
        found["writeOnly"] = True
    return found


def _type(field: Any) -> str:
    for kind, name in _TYPES:
        if isinstance(field, kind):
            return name
    return "string"
