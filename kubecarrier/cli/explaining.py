"""`explain`: the JSON schema of a kind's spec as text."""

from __future__ import annotations

import textwrap

from kubecarrier.cli.answers import Document
from kubecarrier.cli.errors import CliError, ExitCode
from kubecarrier.cli.kinds import Kind

_WIDTH = 78
_DEEPEST_REFERENCE = 16


def explained(kind: Kind, path: str) -> str:
    """The field at `path` (dotted, from the spec; a leading `spec` may be left out)."""
    schema = kind.schema
    keys = [key for key in path.split(".") if key]
    if keys[:1] == ["spec"] and "spec" not in _properties(schema, schema):
        keys = keys[1:]
    found = schema
    for key in keys:
        found = _step(kind, schema, found, key)
    return "\n".join(_text(kind, schema, _resolved(schema, found), ["spec", *keys]))


def _step(kind: Kind, root: Document, schema: Document, key: str) -> Document:
    properties = _properties(root, schema)
    if key in properties:
        return properties[key]
    free = _resolved(root, schema).get("additionalProperties")
    if isinstance(free, dict):
        return free
    raise CliError(
        f"{kind.kind} has no field “{key}” there.",
        code="field_unknown",
        exit_code=ExitCode.NOT_FOUND,
        hint=f"There are {', '.join(properties) or 'no fields'}.",
    )


def _resolved(root: Document, schema: Document) -> Document:
    """`schema` with its local `$ref` followed, and a list as what it holds."""
    for _ in range(_DEEPEST_REFERENCE):
        reference = schema.get("$ref")
        if not isinstance(reference, str) or not reference.startswith("#/"):
            return schema
        target: object = root
        for key in reference[2:].split("/"):
            target = target.get(key) if isinstance(target, dict) else None
        schema = target if isinstance(target, dict) else {}
    return schema


def _properties(root: Document, schema: Document) -> dict[str, Document]:
    """The fields of an object, of the items of a list, or of the values of a mapping."""
    schema = _resolved(root, schema)
    for key in ("items", "additionalProperties"):
        inner = schema.get(key)
        if isinstance(inner, dict) and "properties" not in schema:
            schema = _resolved(root, inner)
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return {}
    return {name: field for name, field in properties.items() if isinstance(field, dict)}


def _text(kind: Kind, root: Document, schema: Document, path: list[str]) -> list[str]:
    lines = [f"KIND:     {kind.kind}", f"FIELD:    {'.'.join(path)} <{_type(root, schema)}>", ""]
    description = str(schema.get("description") or "")
    if len(path) == 1:
        description = kind.description or description
    lines += ["DESCRIPTION:", *_wrapped(description or "<none>", 4)]
    for label, key in (("DEFAULT", "default"), ("ONE OF", "enum")):
        if key in schema:
            lines += ["", f"{label}: {_plain(schema[key])}"]
    fields = _properties(root, schema)
    if fields:
        required = schema.get("required") or []
        lines += ["", "FIELDS:"]
        for name, field in fields.items():
            lines += _field(root, name, field, name in required)
    return lines


def _field(root: Document, name: str, field: Document, required: bool) -> list[str]:
    resolved = _resolved(root, field)
    marks = [f"<{_type(root, field)}>"]
    marks += ["-required-"] if required else []
    marks += ["-write only-"] if resolved.get("writeOnly") else []
    choices = resolved.get("enum")
    lines = [f"  {name}   {' '.join(marks)}"]
    lines += [f"    one of {_plain(choices)}"] if choices else []
    return [
        *lines,
        *_wrapped(str(field.get("description") or resolved.get("description") or ""), 4),
    ]


def _type(root: Document, schema: Document) -> str:
    schema = _resolved(root, schema)
    name = schema.get("type")
    word = "|".join(map(str, name)) if isinstance(name, list) else str(name or "any")
    if word == "array":
        inner = schema.get("items")
        return f"[]{_type(root, inner) if isinstance(inner, dict) else 'any'}"
    free = schema.get("additionalProperties")
    if word == "object" and isinstance(free, dict):
        return f"map[string]{_type(root, free)}"
    return word


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _wrapped(text: str, indent: int) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=" " * indent, subsequent_indent=" " * indent)
