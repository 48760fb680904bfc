"""Keyset pages: each costs the same, however deep, and nothing is counted."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

import orjson
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet

from kubecarrier.lib.errors import InvalidError

DEFAULT_LIMIT = 50
MAX_LIMIT = 500
_NUMBER = re.compile(r"[0-9]{1,3}")  # `str.isdigit` takes digits that `int` does not


def page(
    rows: QuerySet[Any], *, order: str, limit: int, token: str
) -> tuple[list[Any], str | None]:
    """One page in `order` (a column, "-" before it for descending) and the next token."""
    column = order.lstrip("-")
    step = "lt" if order.startswith("-") else "gt"
    if token:
        value, pk = _read(token, rows.model._meta.pk)
        after = Q(**{f"{column}__{step}": value}) | Q(**{column: value, f"pk__{step}": pk})
        # The first says where the index begins: databases do not see it in the alternative.
        rows = rows.filter(**{f"{column}__{step}e": value}).filter(after)
    pk_order = "-pk" if step == "lt" else "pk"
    found = list(rows.order_by(order, pk_order)[: limit + 1])
    if len(found) <= limit:
        return found, None
    last = found[limit - 1]
    return found[:limit], _write(getattr(last, column), last.pk)


def read_limit(text: str) -> int:
    """`limit=` as a number between 1 and 500; raises InvalidError."""
    if not text:
        return DEFAULT_LIMIT
    if not _NUMBER.fullmatch(text) or not 1 <= int(text) <= MAX_LIMIT:
        raise InvalidError(
            "limit_invalid", f"limit is a number from 1 to {MAX_LIMIT}.", field="limit"
        )
    return int(text)


def _write(value: Any, pk: Any) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([value, str(pk)], default=str)).decode()


def _read(token: str, key: Any) -> tuple[Any, Any]:
    try:
        found = orjson.loads(base64.urlsafe_b64decode(token))
        match found:
            case [str(value), str(pk)] if "\0" not in value:
                return value, key.to_python(pk)
        raise ValueError(token)
    except (ValueError, ValidationError, binascii.Error) as error:
        raise InvalidError(
            "continue_invalid", "This continue token is not one of ours.", field="continue"
        ) from error
