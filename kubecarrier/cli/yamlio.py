"""YAML in and out, with scalars as Helm and kubectl read them.

PyYAML's own rules turn `12:30` into 750 and a date into an object, let the
last of two equal keys win, and leave `y` unquoted, which Go reads as a
boolean. Reading and writing share one table here, so that a text that would
be read as something else is quoted when written. Import this module inside
commands: PyYAML costs 50 ms.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

import yaml
from yaml.constructor import ConstructorError
from yaml.emitter import Emitter
from yaml.nodes import MappingNode, Node, ScalarNode
from yaml.representer import SafeRepresenter
from yaml.resolver import BaseResolver
from yaml.serializer import Serializer

from kubecarrier.cli.clean import escape_unsafe, is_unsafe
from kubecarrier.cli.errors import CliError

_MAX_NODES = 200_000
_TRUE = frozenset(["y", "yes", "true", "on"])
_INT = re.compile(r"^[-+]?(0b[01_]+|0o[0-7_]+|0x[0-9a-fA-F_]+|0|0[0-7_]+|[1-9][0-9_]*)$")
_FLOAT = re.compile(
    r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$|^[-+]?\.(inf|Inf|INF)$|^\.(nan|NaN|NAN)$"
)
_BOOL = re.compile(
    r"^(y|Y|yes|Yes|YES|n|N|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$"
)
_NULL = re.compile(r"^(~|null|Null|NULL|)$")
_BASES = {"0b": 2, "0o": 8, "0x": 16}


class _Resolver(BaseResolver):
    """Which plain scalars are not text."""


for _tag, _pattern, _first in (
    ("bool", _BOOL, "yYnNtTfFoO"),
    ("int", _INT, "-+0123456789"),
    ("float", _FLOAT, "-+.0123456789"),
    ("null", _NULL, "~nN\0"),
    ("merge", re.compile("^<<$"), "<"),
):
    _Resolver.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}",
        _pattern,
        [*_first.replace("\0", ""), *([""] * ("\0" in _first))],
    )


class Loader(yaml.SafeLoader):
    """Safe, without duplicate keys, NaN and infinities."""

    # Every class fills its own table of resolvers: ours instead of PyYAML's.
    yaml_implicit_resolvers = _Resolver.yaml_implicit_resolvers

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        """As PyYAML's, but keys are texts and stand once."""
        if isinstance(node, MappingNode):
            _check_keys(node)
        mapping = super().construct_mapping(node, deep=deep)
        return {key if isinstance(key, str) else _key_text(key): v for key, v in mapping.items()}

    def construct_number(self, node: ScalarNode) -> float | int | str:
        """An integer by its prefix; a float that overflows stays the text it was."""
        text = self.construct_scalar(node).replace("_", "")
        if not _INT.match(text):
            return _float(text, node)
        digits = text.lstrip("-+")
        value = int(digits, _BASES.get(digits[:2], 8 if digits[:1] == "0" else 10))
        return -value if text.startswith("-") else value

    def construct_boolean(self, node: ScalarNode) -> bool:
        """The single letters too, as Go does."""
        return self.construct_scalar(node).lower() in _TRUE


Loader.add_constructor("tag:yaml.org,2002:int", Loader.construct_number)
Loader.add_constructor("tag:yaml.org,2002:float", Loader.construct_number)
Loader.add_constructor("tag:yaml.org,2002:bool", Loader.construct_boolean)


class _Dumper(Emitter, Serializer, SafeRepresenter, _Resolver):
    """Block style, keys in their order, texts of several lines as blocks."""

    def __init__(self, stream: Any) -> None:
        Emitter.__init__(self, stream, allow_unicode=True, width=1000)
        Serializer.__init__(self)
        SafeRepresenter.__init__(self, default_flow_style=False, sort_keys=False)
        _Resolver.__init__(self)

    def ignore_aliases(self, data: Any) -> bool:
        """Never write anchors: what is read back must not depend on them."""
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """As PyYAML's."""
        super().increase_indent(flow, indentless)

    def represent_text(self, data: str) -> Node:
        """Quoted where a control character has to be escaped, a block where it has lines."""
        style = '"' if is_unsafe(data) else "|" if "\n" in data else None
        return self.represent_scalar("tag:yaml.org,2002:str", data, style=style)


_Dumper.add_representer(str, _Dumper.represent_text)


def load_all(text: str, where: str) -> list[Any]:
    """Every document of `text`, empty ones included as None.

    `where` names the source in errors: CliError `yaml_invalid`, which says
    which document (from 1) and line, and never quotes the text.
    """
    found: list[Any] = []
    try:
        for document in _documents(text):
            found.append(document)
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise _invalid(where, len(found) + 1, f"{error.problem or error.context}{line}") from None
    except (yaml.YAMLError, ValueError):
        raise _invalid(where, len(found) + 1, "not YAML") from None
    except RecursionError:
        raise _invalid(where, len(found) + 1, "nested too deeply") from None
    return found


def load(text: str, where: str) -> Any:
    """The one document of `text`; raises CliError `yaml_invalid`."""
    documents = load_all(text, where)
    if len(documents) > 1:
        raise _invalid(where, 2, "only one document is expected")
    return documents[0] if documents else None


def dump(value: Any) -> str:
    """`value` as YAML; control characters are escaped, so that a terminal is safe."""
    import io

    stream = io.StringIO()
    dumper = _Dumper(stream)
    dumper.open()
    dumper.represent(value)
    dumper.close()
    return escape_unsafe(stream.getvalue())


def _documents(text: str) -> Iterator[Any]:
    loader = Loader(text)
    while loader.check_data():  # type: ignore[no-untyped-call]
        document = loader.get_data()
        _check_size(document)
        yield document


def _check_size(document: Any) -> None:
    """Refuse what grows without measure once its aliases are written out."""
    waiting, seen = [document], 0
    while waiting:
        value = waiting.pop()
        seen += 1
        if seen > _MAX_NODES:
            raise ConstructorError(None, None, "too large", None)
        if isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


def _check_keys(node: MappingNode) -> None:
    keys = [key.value for key, _ in node.value if isinstance(key, ScalarNode) and key.value != "<<"]
    for key, _ in node.value:
        if isinstance(key, ScalarNode) and keys.count(key.value) > 1:
            raise ConstructorError(None, None, "a key stands twice in one mapping", key.start_mark)


def _key_text(key: object) -> str:
    if isinstance(key, bool):
        return "true" if key else "false"
    return "null" if key is None else str(key)


def _float(text: str, node: ScalarNode) -> float | str:
    if text.lower().strip("-+") in (".inf", ".nan"):
        raise ConstructorError(None, None, "NaN and infinity cannot be sent", node.start_mark)
    value = float(text)
    return str(node.value) if math.isinf(value) else value


def _invalid(where: str, index: int, why: str) -> CliError:
    return CliError(f"Document {index} of {where} cannot be read: {why}.", code="yaml_invalid")
