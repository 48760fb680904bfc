"""JSON in: bounded in size and depth, without duplicate keys, NaN or Infinity."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from itertools import chain
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from kubecarrier.lib import strict_yaml

MAX_BYTES = 4 * 1024 * 1024
MAX_DEPTH = 64
_INTEGER_MIN, _INTEGER_MAX = -(2**63), 2**63 - 1
_LONGEST_INTEGER = 20
_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")  # no database stores these


class StrictJSONParser(BaseParser):
    """Refuses what a lenient parser would silently bend."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        raw = stream.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            raise ParseError(f"The body is larger than {MAX_BYTES} bytes.", code="body_too_large")
        try:
            parsed = json.loads(
                raw,
                object_pairs_hook=_unique,
                parse_constant=_no_constant,
                parse_int=_integer,
                parse_float=_number,
            )
        except RecursionError as error:
            raise ParseError("The JSON is nested too deeply.", code="json_too_deep") from error
        except (ValueError, UnicodeDecodeError) as error:
            raise ParseError(f"Not valid JSON: {str(error)[:200]}", code="json_invalid") from error
        _check(parsed)
        return parsed


class MergePatchParser(StrictJSONParser):
    """RFC 7386 bodies."""

    media_type = "application/merge-patch+json"


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _integer(text: str) -> int:
    """What fits 64 bits: neither databases nor Helm nor other clients keep more."""
    value = int(text) if len(text) <= _LONGEST_INTEGER else _INTEGER_MAX + 1
    if not _INTEGER_MIN <= value <= _INTEGER_MAX:
        raise ValueError("a number is larger than 64 bits")
    return value


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a number is too large")
    return value


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _check(value: Any) -> None:
    """Breadth first, so that depth costs no recursion; keys are looked at as well."""
    level = [value]
    for _ in range(MAX_DEPTH):
        if any(_UNSTORABLE.search(item) for item in level if isinstance(item, str)):
            raise ParseError("A text holds NUL or half a character.", code="json_invalid")
        level = [
            inner
            for item in level
            if isinstance(item, dict | list)
            for inner in (chain(item, item.values()) if isinstance(item, dict) else item)
        ]
        if not level:
            return
    raise ParseError("The JSON is nested too deeply.", code="json_too_deep")


class StrategicMergePatchParser(StrictJSONParser):
    """Kubernetes' own patch for its built-in kinds."""

    media_type = "application/strategic-merge-patch+json"


class JsonPatchParser(StrictJSONParser):
    """RFC 6902 bodies."""

    media_type = "application/json-patch+json"


class YamlParser(BaseParser):
    """YAML, or the JSON that it includes, without surprises."""

    media_type = "application/yaml"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        raw = stream.read(MAX_BYTES + 1)
        parsed = strict_yaml.load(raw, max_bytes=MAX_BYTES, max_depth=MAX_DEPTH)
        _check(parsed)
        return parsed


class ApplyPatchParser(YamlParser):
    """The body of a server-side apply."""

    media_type = "application/apply-patch+yaml"
