"""A form out of a schema: what is there can be changed, what could be there can be added.

Works without JavaScript: the whole document travels with the form, every field is
named by its JSON pointer, and adding and removing are buttons that ask the server.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from fleet.live.schemas import Schema
from kubecarrier.lib import strict_yaml
from kubecarrier.lib.errors import KubeCarrierError

Json = dict[str, Any]
Pointer = tuple[str, ...]

FIELD = "p:"
_DEPTH = 16
_TEXT_LENGTH = 60
# Written by the server, or by the address: no field of a form.
_HIDDEN = frozenset({("apiVersion",), ("kind",), ("status",)})
_METADATA = ("name", "generateName", "namespace", "labels", "annotations")
_SCALARS = frozenset({"string", "integer", "number", "boolean"})


@dataclass(frozen=True, slots=True)
class FormNode:
    """One field, or a group of them. `sort` chooses the widget."""

    pointer: str
    label: str
    sort: str
    description: str = ""
    required: bool = False
    value: Any = ""
    choices: tuple[str, ...] = ()
    children: tuple[FormNode, ...] = ()
    addable: tuple[tuple[str, str], ...] = ()
    removable: bool = False
    read_only: bool = False
    error: str = ""
    missing: bool = False

    @property
    def multiline(self) -> bool:
        return "\n" in str(self.value)


@dataclass
class SchemaForm:
    """A document and its schema; `errors` by pointer."""

    schema: Schema
    document: Json
    fresh: bool = False
    errors: dict[str, str] = field(default_factory=dict)

    # --- rendering -----------------------------------------------------------------------

    def root(self) -> FormNode:
        """The whole document: its parts, and what parts it could have."""
        return self._object(self.schema.root, self.document, (), 0)

    def _node(
        self, raw: Any, value: Any, pointer: Pointer, *, required: bool, removable: bool, depth: int
    ) -> FormNode:
        schema = self.schema.resolved(raw)
        sort = _sort(schema, depth)
        common: Json = {
            "pointer": pointer_text(pointer),
            "label": pointer[-1],
            "description": "" if pointer[0] == "metadata" else _sentence(schema.get("description")),
            "required": required,
            "removable": removable,
            "missing": value is None,
            "error": self.errors.get(pointer_text(pointer), ""),
            "read_only": not self.fresh
            and pointer in {("metadata", "name"), ("metadata", "namespace")},
        }
        match sort:
            case "object":
                inner = self._object(schema, value or {}, pointer, depth)
                return FormNode(sort=sort, children=inner.children, addable=inner.addable, **common)
            case "map":
                items = value if isinstance(value, dict) else {}
                below = schema.get("additionalProperties")
                children = tuple(
                    self._node(
                        below, one, (*pointer, key), required=False, removable=True, depth=depth + 1
                    )
                    for key, one in items.items()
                )
                return FormNode(sort=sort, children=children, **common)
            case "array":
                listed = value if isinstance(value, list) else []
                children = tuple(
                    self._node(
                        schema.get("items"), one, (*pointer, str(position)),
                        required=False, removable=True, depth=depth + 1,
                    )
                    for position, one in enumerate(listed)
                )  # fmt: skip
                return FormNode(sort=sort, children=children, **common)
            case "yaml":
                text = strict_yaml.dump(value).strip() if value not in (None, {}, []) else ""
                return FormNode(sort=sort, value=text, **common)
            case _:
                default = schema.get("default")
                shown = (
                    default if value is None and required and default not in (None, {}) else value
                )
                choices = tuple(str(one) for one in schema.get("enum") or ())
                if sort == "boolean":
                    choices = ("true", "false")
                return FormNode(sort=sort, value=_text(shown), choices=choices, **common)

    def _object(self, raw: Any, value: Any, pointer: Pointer, depth: int) -> FormNode:
        """What is there and what has to be there; the rest can be added."""
        schema = self.schema.resolved(raw)
        properties: Json = schema.get("properties") or {}
        needed = set(schema.get("required") or ())
        value = value if isinstance(value, dict) else {}
        names = self._names(properties, pointer)
        shown = [name for name in names if name in value or name in needed]
        if pointer == ("metadata",):
            shown = [
                n
                for n in names
                if n in value
                or n in {"labels", "annotations"}
                or (self.fresh and n in {"name", "namespace"})
            ]
            needed = {"name"}
        fixed = needed | {"metadata"} if not pointer else needed
        children = tuple(
            self._node(
                properties.get(name, {}), value.get(name), (*pointer, name), required=name in needed,
                removable=name in value and name not in fixed and pointer != ("metadata",),
                depth=depth + 1,
            )
            for name in sorted(
                shown,
                key=lambda one: (
                    bool(pointer) and self._grouped(properties.get(one), depth),
                    bool(pointer) and one not in needed,
                    names.index(one),
                ),
            )
        )  # fmt: skip
        addable = tuple(
            (name, _sentence(self.schema.resolved(properties[name]).get("description")))
            for name in names
            if name not in shown and pointer != ("metadata",) and name in properties
        )
        return FormNode("", "", "object", children=children, addable=addable)

    def _grouped(self, raw: Any, depth: int) -> bool:
        """Whether a field holds others: those come after the plain ones."""
        return _sort(self.schema.resolved(raw), depth + 1) in {"object", "map", "array", "yaml"}

    def _names(self, properties: Json, pointer: Pointer) -> list[str]:
        if pointer == ("metadata",):
            return [name for name in _METADATA if name in properties or not properties]
        found = [name for name in properties if (*pointer, name) not in _HIDDEN]
        return sorted(found, key=lambda name: name != "metadata") if not pointer else found

    # --- reading -------------------------------------------------------------------------

    def take(self, posted: Mapping[str, Any]) -> None:
        """Every field that was sent goes into the document; what cannot be read is an error of it."""
        for name, text in posted.items():
            if name.startswith(FIELD):
                pointer = pointer_of(name.removeprefix(FIELD))
                try:
                    self._take(pointer, str(text))
                except ValueError as error:
                    self.errors[pointer_text(pointer)] = str(error)

    def _take(self, pointer: Pointer, text: str) -> None:
        schema = self._schema_at(pointer)
        sort = _sort(schema, len(pointer))
        present = _get(self.document, pointer)
        needed = pointer[-1] in (self._schema_at(pointer[:-1]).get("required") or ())
        if text == "" and (sort != "string" or present is None or needed or schema.get("enum")):
            if isinstance(_get(self.document, pointer[:-1]), list):
                raise ValueError(_("Fill it in, or remove it."))
            _remove(self.document, pointer)
            return
        _set(self.document, pointer, _read(sort, text.replace("\r\n", "\n")))

    def add(self, pointer: Pointer, key: str) -> None:
        """A property, a map's key, or (with an empty key) one more item of a list."""
        schema = self._schema_at(pointer)
        sort = _sort(schema, len(pointer))
        if sort == "array":
            listed = _get(self.document, pointer)
            size = len(listed) if isinstance(listed, list) else 0
            if not isinstance(listed, list):
                _set(self.document, pointer, [])
            _set(self.document, (*pointer, str(size)), self._empty(schema.get("items"), 0))
            return
        key = key.strip()
        if not key:
            self.errors[pointer_text(pointer)] = _("Name what to add.")
            return
        below = self._schema_at((*pointer, key))
        if not isinstance(_get(self.document, pointer), dict):
            _set(self.document, pointer, {})
        if _get(self.document, (*pointer, key)) is None:
            _set(self.document, (*pointer, key), self._empty(below, 0))

    def remove(self, pointer: Pointer) -> None:
        """Take a field, an item or a key away."""
        _remove(self.document, pointer)

    def _empty(self, raw: Any, depth: int) -> Any:
        """The least that a field can hold: its default, or its required fields."""
        schema = self.schema.resolved(raw)
        if (default := schema.get("default")) not in (None, {}):
            return default
        match _sort(schema, 0):
            case "object":
                properties = schema.get("properties") or {}
                needed = schema.get("required") or () if depth < _DEPTH else ()
                return {name: self._empty(properties.get(name), depth + 1) for name in needed}
            case "map" | "yaml":
                return {}
            case "array":
                return []
            case "boolean":
                return False
            case "integer" | "number":
                return 0
            case _:
                return (schema.get("enum") or [""])[0]

    def _schema_at(self, pointer: Pointer) -> Json:
        schema = self.schema.resolved(self.schema.root)
        for step in pointer:
            properties = schema.get("properties") or {}
            below = properties.get(step)
            if below is None:
                below = schema.get("items") or schema.get("additionalProperties")
            schema = self.schema.resolved(below)
        return schema


def _sort(schema: Json, depth: int) -> str:
    """Which widget: object, map, array, yaml, enum, text, string, integer, number, boolean."""
    if depth > _DEPTH or schema.get("x-kubernetes-preserve-unknown-fields"):
        return "yaml"
    if (
        schema.get("x-kubernetes-int-or-string")
        or schema.get("oneOf")
        or schema.get("format") == "int-or-string"
    ):
        return "any"
    kind = schema.get("type")
    if kind == "object" or "properties" in schema:
        if schema.get("properties"):
            return "object"
        return "map" if isinstance(schema.get("additionalProperties"), dict) else "yaml"
    if kind == "array":
        return "array"
    if schema.get("enum"):
        return "enum"
    return str(kind) if kind in _SCALARS else "yaml"


def _read(sort: str, text: str) -> Any:
    """A field's text as a value; raises ValueError with a sentence for people."""
    match sort:
        case "integer":
            try:
                return int(text)
            except ValueError:
                raise ValueError(_("Write a whole number.")) from None
        case "number":
            try:
                return float(text)
            except ValueError:
                raise ValueError(_("Write a number.")) from None
        case "boolean":
            return text == "true"
        case "any":
            return int(text) if text.lstrip("-").isdecimal() else text
        case "yaml" | "object" | "map" | "array":
            try:
                return strict_yaml.load(text)
            except KubeCarrierError as error:
                raise ValueError(error.message) from error
        case _:
            return text


def pointer_text(pointer: Pointer) -> str:
    """RFC 6901."""
    return "".join(f"/{step.replace('~', '~0').replace('/', '~1')}" for step in pointer)


def pointer_of(text: str) -> Pointer:
    """RFC 6901, the other way."""
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in text.split("/")[1:])


def _get(value: Any, pointer: Pointer) -> Any:
    for step in pointer:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def _set(document: Json, pointer: Pointer, value: Any) -> None:
    """Maps on the way are made; a list grows by one item at most."""
    parent: Any = document
    for position, step in enumerate(pointer[:-1]):
        below = _get(parent, (step,))
        if not isinstance(below, dict | list):
            below = {}
            _put(parent, step, below)
        parent = below
        if position > 100:
            return
    _put(parent, pointer[-1], value)


def _put(parent: Any, step: str, value: Any) -> None:
    if isinstance(parent, dict):
        parent[step] = value
    elif isinstance(parent, list) and step.isdecimal():
        position = int(step)
        if position < len(parent):
            parent[position] = value
        elif position == len(parent):
            parent.append(value)


def _remove(document: Json, pointer: Pointer) -> None:
    parent = _get(document, pointer[:-1])
    step = pointer[-1]
    if isinstance(parent, dict):
        parent.pop(step, None)
    elif isinstance(parent, list) and step.isdecimal() and int(step) < len(parent):
        del parent[int(step)]


def _sentence(text: Any) -> str:
    return " ".join(str(text or "").split())[:600]


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
