"""Read and write YAML without surprises: bounded, no aliases, no lost keys.

PyYAML's loaders expand aliases (a 430-byte file becomes gigabytes on dump),
let the last of two equal keys win silently, recurse with the input's nesting
and type scalars by rules that differ from Helm's. This module walks libyaml's
event stream with its own stack, so every budget is counted while reading.

Scalars mean what they mean to Helm and kubectl: see `yaml_scalars`.

`dump` quotes every text that Helm would read as something else, so that
`load(dump(x)) == x` here and in Helm.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import yaml

from kubecarrier.lib.errors import InvalidError
from kubecarrier.lib.yaml_scalars import plain_value

DEFAULT_MAX_BYTES: Final = 1024 * 1024
DEFAULT_MAX_DEPTH: Final = 100
DEFAULT_MAX_NODES: Final = 200_000


class YamlCode(StrEnum):
    """Why a document was refused."""

    INVALID = "yaml_invalid"
    DUPLICATE_KEY = "yaml_duplicate_key"
    ALIAS = "yaml_alias"
    TOO_DEEP = "yaml_too_deep"
    TOO_LARGE = "yaml_too_large"


class YamlError(InvalidError):
    """Refused YAML; `data` has `line` and `column`, both from 1, where known."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """What is tolerated beyond the strict reading.

    `aliases`: anchors, aliases and merge keys, expanded within the budgets.
    `duplicate_keys`: the last one wins. `scalar_keys`: a number or boolean as
    a key becomes its text, as sigs.k8s.io/yaml does.
    """

    aliases: bool = False
    duplicate_keys: bool = False
    scalar_keys: bool = False


STRICT: Final = Dialect()
# What Helm itself accepts in a chart's own files.
HELM: Final = Dialect(aliases=True, duplicate_keys=True, scalar_keys=True)

_TAGS: Final[dict[str, type | tuple[type, ...]]] = {
    "tag:yaml.org,2002:int": int,
    "tag:yaml.org,2002:float": (int, float),
    "tag:yaml.org,2002:bool": bool,
    "tag:yaml.org,2002:null": type(None),
}
_STR_TAGS: Final = frozenset(["!", "tag:yaml.org,2002:str"])
_COLLECTION_TAGS: Final = frozenset([None, "!", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"])


def load(
    text: str | bytes,
    *,
    max_bytes: int = DEFAULT_MAX_BYTES,
    max_depth: int = DEFAULT_MAX_DEPTH,
    max_nodes: int = DEFAULT_MAX_NODES,
    dialect: Dialect = STRICT,
) -> object:
    """One document as dicts, lists, str, int, float, bool and None.

    Empty text is None. Raises `YamlError`. `max_bytes` counts UTF-8,
    `max_depth` collections inside one another, `max_nodes` scalars, keys and
    collections together (aliases counted as often as they are expanded).
    """
    builder = _Builder(max_depth=max_depth, max_nodes=max_nodes, dialect=dialect)
    try:
        for event in yaml.parse(_decoded(text, max_bytes), Loader=yaml.CSafeLoader):
            builder.take(event)
    except yaml.MarkedYAMLError as exc:
        raise _error(
            YamlCode.INVALID, f"Not valid YAML: {exc.problem}.", exc.problem_mark
        ) from None
    except yaml.YAMLError as exc:
        raise _error(YamlCode.INVALID, f"Not valid YAML: {_short(exc)}.", None) from None
    return builder.result


def _short(exc: Exception) -> str:
    return str(exc).splitlines()[0][:200] if str(exc) else type(exc).__name__


def _error(code: YamlCode, message: str, mark: Any) -> YamlError:
    if mark is None:
        return YamlError(code, message)
    line, column = int(mark.line) + 1, int(mark.column) + 1
    return YamlError(code, f"{message} (line {line}, column {column})", line=line, column=column)


def _decoded(text: str | bytes, max_bytes: int) -> str:
    try:
        raw = text if isinstance(text, bytes) else text.encode()
        if len(raw) > max_bytes:
            raise _error(YamlCode.TOO_LARGE, f"The document is over {max_bytes} bytes.", None)
        return raw.decode("utf-8-sig")
    except UnicodeError:
        raise _error(YamlCode.INVALID, "The document is not UTF-8 text.", None) from None


@dataclass(slots=True)
class _Frame:
    """An open collection. `key` waits for its value; `weight` counts nodes below."""

    container: dict[str, object] | list[object]
    mark: Any
    anchor: str | None
    key: str | None = None
    merges: list[dict[str, object]] = field(default_factory=list)
    merging: bool = False
    weight: int = 1
    height: int = 1


@dataclass(frozen=True, slots=True)
class _Anchored:
    value: object
    weight: int
    height: int


@dataclass(slots=True)
class _Builder:
    max_depth: int
    max_nodes: int
    dialect: Dialect
    result: object = None
    documents: int = 0
    nodes: int = 0
    stack: list[_Frame] = field(default_factory=list)
    anchors: dict[str, _Anchored] = field(default_factory=dict)

    def take(self, event: Any) -> None:
        """One event of the stream; scalars first, as they are most of it."""
        kind = type(event)
        if kind is yaml.ScalarEvent:
            self._scalar(event)
        elif kind is yaml.MappingStartEvent:
            self._open(event, {})
        elif kind is yaml.SequenceStartEvent:
            self._open(event, [])
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            self._close()
        elif kind is yaml.AliasEvent:
            self._alias(event)
        elif kind is yaml.DocumentStartEvent:
            self._document(event)

    def _document(self, event: Any) -> None:
        self.documents += 1
        if self.documents > 1:
            raise _error(YamlCode.INVALID, "More than one document.", event.start_mark)

    def _count(self, weight: int, mark: Any) -> None:
        self.nodes += weight
        if self.nodes > self.max_nodes:
            raise _error(YamlCode.TOO_LARGE, f"More than {self.max_nodes} values.", mark)

    def _check_anchor(self, event: Any) -> None:
        if event.anchor is not None and not self.dialect.aliases:
            raise _error(YamlCode.ALIAS, "Anchors and aliases are not accepted.", event.start_mark)

    def _scalar(self, event: Any) -> None:
        self._check_anchor(event)
        self._count(1, event.start_mark)
        frame = self.stack[-1] if self.stack else None
        if frame is not None and _wants_key(frame):
            self._key(frame, event)
            return
        value = _resolved(event)
        if event.anchor is not None:
            self.anchors[event.anchor] = _Anchored(value, 1, 0)
        self._place(value, weight=1, height=0, mark=event.start_mark)

    def _key(self, frame: _Frame, event: Any) -> None:
        if event.implicit[0] and event.value == "<<":
            self._merge_key(frame, event)
            return
        key = self._key_text(_resolved(event), event)
        if event.anchor is not None:
            self.anchors[event.anchor] = _Anchored(key, 1, 0)
        if not self.dialect.duplicate_keys and key in frame.container:
            message = f"The key {key[:80]!r} stands twice in one mapping."
            raise _error(YamlCode.DUPLICATE_KEY, message, event.start_mark)
        frame.key = key
        frame.weight += 1

    def _merge_key(self, frame: _Frame, event: Any) -> None:
        if not self.dialect.aliases:
            raise _error(YamlCode.ALIAS, "Merge keys (<<) are not accepted.", event.start_mark)
        frame.merging = True

    def _key_text(self, value: object, event: Any) -> str:
        if isinstance(value, str):
            return value
        if self.dialect.scalar_keys and isinstance(value, int | float):
            return str(value).lower() if isinstance(value, bool) else str(value)
        message = f"The key {event.value[:80]!r} is not text: put it in quotes."
        raise _error(YamlCode.INVALID, message, event.start_mark)

    def _open(self, event: Any, container: dict[str, object] | list[object]) -> None:
        self._check_anchor(event)
        self._count(1, event.start_mark)
        if event.tag not in _COLLECTION_TAGS:
            raise _error(
                YamlCode.INVALID, f"The tag {event.tag[:80]!r} is not accepted.", event.start_mark
            )
        if self.stack and _wants_key(self.stack[-1]):
            raise _error(YamlCode.INVALID, "A key must be text.", event.start_mark)
        if len(self.stack) >= self.max_depth:
            raise _too_deep(self.max_depth, event.start_mark)
        self.stack.append(_Frame(container, event.start_mark, event.anchor))

    def _close(self) -> None:
        frame = self.stack.pop()
        if isinstance(frame.container, dict):
            for source in frame.merges:
                for key, value in source.items():
                    frame.container.setdefault(key, value)
        if frame.anchor is not None:
            self.anchors[frame.anchor] = _Anchored(frame.container, frame.weight, frame.height)
        self._place(frame.container, frame.weight, frame.height, frame.mark)

    def _alias(self, event: Any) -> None:
        if not self.dialect.aliases:
            raise _error(YamlCode.ALIAS, "Anchors and aliases are not accepted.", event.start_mark)
        target = self.anchors.get(event.anchor)
        if target is None:
            raise _error(YamlCode.INVALID, "An alias without its anchor.", event.start_mark)
        self._count(target.weight, event.start_mark)
        if len(self.stack) + target.height > self.max_depth:
            raise _too_deep(self.max_depth, event.start_mark)
        frame = self.stack[-1] if self.stack else None
        if frame is not None and _wants_key(frame):
            frame.key = self._alias_key(target, event)
            return
        self._place(_copied(target.value), target.weight, target.height, event.start_mark)

    def _alias_key(self, target: _Anchored, event: Any) -> str:
        if isinstance(target.value, str):
            return target.value
        raise _error(YamlCode.INVALID, "A key must be text.", event.start_mark)

    def _place(self, value: object, weight: int, height: int, mark: Any) -> None:
        if not self.stack:
            self.result = value
            return
        frame = self.stack[-1]
        frame.weight += weight
        frame.height = max(frame.height, height + 1)
        if frame.merging:
            frame.merges.extend(_merge_sources(value, mark))
            frame.merging = False
        elif isinstance(frame.container, dict):
            frame.container[frame.key or ""] = value
            frame.key = None
        else:
            frame.container.append(value)


def _wants_key(frame: _Frame) -> bool:
    return type(frame.container) is dict and frame.key is None and not frame.merging


def _too_deep(max_depth: int, mark: Any) -> YamlError:
    return _error(YamlCode.TOO_DEEP, f"Nested deeper than {max_depth} levels.", mark)


def _merge_sources(value: object, mark: Any) -> list[dict[str, object]]:
    """The mappings behind `<<`: one, or a list in which the first wins."""
    listed = value if isinstance(value, list) else [value]
    sources = [source for source in listed if isinstance(source, dict)]
    if len(sources) == len(listed):
        return sources
    raise _error(YamlCode.INVALID, "A merge key needs a mapping.", mark)


def _copied(value: object) -> object:
    """A copy, so that two places never share a mapping. Depth is bounded by `load`."""
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_copied(item) for item in value]
    return value


def _resolved(event: Any) -> object:
    if event.implicit[0]:
        try:
            return plain_value(event.value)
        except ValueError as exc:
            raise _error(YamlCode.INVALID, str(exc), event.start_mark) from None
    if event.implicit[1] or event.tag in _STR_TAGS:
        return event.value
    return _tagged(event)


def _tagged(event: Any) -> object:
    expected = _TAGS.get(event.tag)
    if expected is None:
        raise _error(
            YamlCode.INVALID, f"The tag {event.tag[:80]!r} is not accepted.", event.start_mark
        )
    try:
        value = plain_value(event.value)
    except ValueError as exc:
        raise _error(YamlCode.INVALID, str(exc), event.start_mark) from None
    if not isinstance(value, expected):
        raise _error(YamlCode.INVALID, "The value does not fit its tag.", event.start_mark)
    return value


# -- writing -----------------------------------------------------------------


class _Dumper(yaml.CSafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_str(dumper: Any, text: str) -> Any:
    tag = "tag:yaml.org,2002:str"
    if "\n" in text:
        return dumper.represent_scalar(tag, text, style="|")
    return dumper.represent_scalar(tag, text, style=None if _is_plain_text(text) else "'")


def _is_plain_text(text: str) -> bool:
    try:
        return text != "<<" and isinstance(plain_value(text), str)
    except ValueError:
        return False


_Dumper.add_representer(str, _represent_str)


def dump(data: object, *, max_depth: int = 2 * DEFAULT_MAX_DEPTH) -> str:
    """Block-style YAML, keys in their order, ending in a newline.

    Raises `YamlError` for what YAML in Helm cannot carry: keys that are not
    text, floats that are not finite, other types, deeper than `max_depth`.
    """
    _check_dumpable(data, max_depth)
    text: str = yaml.dump(
        data,
        Dumper=_Dumper,
        sort_keys=False,
        default_flow_style=False,
        allow_unicode=True,
        width=2**31 - 1,
    )
    return text.removesuffix("...\n")


def _check_dumpable(data: object, max_depth: int) -> None:
    todo: list[tuple[object, int]] = [(data, 0)]
    while todo:
        value, depth = todo.pop()
        if depth > max_depth:
            raise YamlError(YamlCode.TOO_DEEP, f"Nested deeper than {max_depth} levels.")
        todo.extend((child, depth + 1) for child in _children(value))


def _children(value: object) -> list[object]:
    if isinstance(value, dict):
        return [*value.values(), *(_checked_key(key) for key in value)]
    if isinstance(value, list):
        return value
    if isinstance(value, float) and not math.isfinite(value):
        raise YamlError(YamlCode.INVALID, "NaN and infinities have no JSON form.")
    if value is not None and type(value) not in (str, int, float, bool):
        raise YamlError(YamlCode.INVALID, f"{type(value).__name__} has no YAML form here.")
    return []


def _checked_key(key: object) -> object:
    if type(key) is not str:
        raise YamlError(YamlCode.INVALID, f"The key {str(key)[:80]!r} is not text.")
    return key
