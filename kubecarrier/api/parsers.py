"""JSON in: bounded in size and depth, without duplicate keys, NaN or Infinity."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

MAX_BYTES = 4 * 1024 * 1024
MAX_DEPTH = 64


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
            parsed = json.loads(raw, object_pairs_hook=_unique, parse_constant=_no_constant)
        except RecursionError as error:
            raise ParseError("The JSON is nested too deeply.", code="json_too_deep") from error
        except (ValueError, UnicodeDecodeError) as error:
            raise ParseError(f"Not valid JSON: {str(error)[:200]}", code="json_invalid") from error
        if _too_deep(parsed):
            raise ParseError("The JSON is nested too deeply.", code="json_too_deep")
        return parsed


class MergePatchParser(StrictJSONParser):
    """RFC 7386 bodies."""

    media_type = "application/merge-patch+json"


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _too_deep(value: Any) -> bool:
    """Breadth first, so that depth costs no recursion."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for item in level
            if isinstance(item, dict | list)
            for inner in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return False
    return True
