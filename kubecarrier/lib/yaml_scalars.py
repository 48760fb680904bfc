"""What an unquoted word in YAML is: text, a number, a boolean or nothing.

Scalars mean what they mean to Helm and kubectl. Both read YAML through
sigs.k8s.io/yaml (go-yaml 2), whose rules are neither YAML 1.1 nor 1.2, and
people expect that a values file does the same here as with `helm -f`:

- `on`, `off`, `yes`, `no`, `y`, `n` (and capitals) are booleans, because to
  keep `off` as text would turn it into a true value in a template;
- `022` and `0o22` are 18, `0x1F` is 31, `0b11` is 3, `1_000` is 1000, but
  `089` is the float 89;
- `12:30:45` and `2024-01-01` stay the text that was written;
- an integer outside 64 bits is refused: Helm would round it to a float;
- NaN and infinities are refused: they do not exist in JSON.
"""

from __future__ import annotations

import math
import re
from typing import Final

_TRUE_WORDS: Final = ("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON")
_FALSE_WORDS: Final = ("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF")
_TRUE: Final = frozenset(_TRUE_WORDS)
_FALSE: Final = frozenset(_FALSE_WORDS)
_NULL: Final = frozenset(["", "~", "null", "Null", "NULL"])
_NOT_FINITE: Final = frozenset(
    sign + dot for sign in ("", "+", "-") for dot in (".inf", ".Inf", ".INF")
) | frozenset([".nan", ".NaN", ".NAN"])
_WORDS: Final = _TRUE | _FALSE | _NULL
_NUMBER_START: Final = frozenset("+-.0123456789")
# go-yaml strips underscores, then asks strconv.ParseInt with base 0.
_INT: Final = re.compile(
    r"[-+]?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)", re.ASCII
)
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII)
_INT_MIN: Final = -(2**63)
_INT_MAX: Final = 2**64 - 1
_LONGEST_NUMBER: Final = 100


def plain_value(text: str) -> str | int | float | bool | None:
    """What an unquoted scalar means to Helm. Raises ValueError if it has no JSON form."""
    if text in _WORDS:
        return None if text in _NULL else text in _TRUE
    if text[0] not in _NUMBER_START:
        return text
    if text in _NOT_FINITE:
        raise ValueError(f"{text} is not a number that JSON knows.")
    return _number(text)


def _number(text: str) -> str | int | float:
    digits = text.replace("_", "") if text[0] != "." else text
    if _INT.fullmatch(digits):
        return _integer(digits)
    if _FLOAT.fullmatch(digits):
        return _float(digits)
    return text


def _integer(digits: str) -> int:
    if len(digits) > _LONGEST_NUMBER:
        raise ValueError("The integer does not fit 64 bits: put it in quotes.")
    value = _integer_value(digits)
    if not _INT_MIN <= value <= _INT_MAX:
        raise ValueError("The integer does not fit 64 bits: put it in quotes.")
    return value


def _integer_value(digits: str) -> int:
    unsigned = digits.lstrip("+-")
    if len(unsigned) > 1 and unsigned[0] == "0" and unsigned[1].isdigit():
        return int(digits, 8)
    return int(digits, 0)


def _float(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise ValueError("The number is too large: put it in quotes.")
    return value
