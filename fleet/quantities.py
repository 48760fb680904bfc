"""Kubernetes quantities as exact numbers.

Source of the rules: the `Quantity` grammar of apimachinery's
`pkg/api/resource`: a signed decimal, then a binary suffix (Ki..Ei), a decimal
suffix (n u m, nothing, k M G T P E) or a decimal exponent (e3, E-3).
Rounding goes up, as the scheduler's does (`MilliValue`, `Value`).
"""

from __future__ import annotations

import math
import re
from fractions import Fraction

from kubecarrier.lib.errors import InvalidError

_FORM = re.compile(
    r"([+-]?)(\d+\.?\d*|\.\d+)(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?\d{1,3}))?", re.ASCII
)
_BINARY = {
    suffix: Fraction(1024**power)
    for power, suffix in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), 1)
}
_DECIMAL_POWERS = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_DECIMAL = {suffix: Fraction(10) ** power for suffix, power in _DECIMAL_POWERS.items()}
_FACTORS = {**_BINARY, **_DECIMAL}
_MAX_LENGTH = 64


class QuantityError(InvalidError):
    """Code `quantity_invalid`."""


def parse_quantity(text: str | float) -> Fraction:
    """Exact value of a quantity; JSON numbers are taken as they are written."""
    written = str(text)
    match = _FORM.fullmatch(written) if len(written) <= _MAX_LENGTH else None
    if match is None or isinstance(text, bool):
        raise QuantityError("quantity_invalid", f"{written[:40]!r} is no Kubernetes quantity.")
    sign, number, suffix, exponent = match.groups()
    factor = _FACTORS[suffix] if suffix else Fraction(10) ** int(exponent or 0)
    value = Fraction(number) * factor
    return -value if sign == "-" else value


def cpu_millicores(text: str | float) -> int:
    """`250m` → 250, `2` → 2000; rounded up."""
    return math.ceil(parse_quantity(text) * 1000)


def bytes_of(text: str | float) -> int:
    """`1Gi` → 1073741824, `1e3` → 1000; rounded up."""
    return math.ceil(parse_quantity(text))


def format_cpu(millicores: int) -> str:
    """1500 → `1500m`, 2000 → `2`: the canonical form, which parses back to the same number."""
    return str(millicores // 1000) if millicores % 1000 == 0 else f"{millicores}m"


def format_bytes(count: int) -> str:
    """Largest binary suffix that is exact (`1Gi`, `1536Mi`), else plain bytes; parses back."""
    for suffix, factor in reversed(_BINARY.items()):
        if count and count % factor == 0:
            return f"{count // int(factor)}{suffix}"
    return str(count)
