"""Kubernetes quantities, against the canonical forms and an independent reading."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.quantities import (
    QuantityError,
    bytes_of,
    cpu_millicores,
    format_bytes,
    format_cpu,
    parse_quantity,
)


@pytest.mark.parametrize(
    ("text", "millicores"),
    [
        ("250m", 250),
        ("2", 2000),
        ("0.5", 500),
        (".5", 500),
        ("1.", 1000),
        ("0.1m", 1),
        ("1u", 1),
        ("100000000n", 100),
        ("1e3m", None),
        ("1k", 1_000_000),
        (2, 2000),
        (0.25, 250),
        ("0", 0),
        ("-1", -1000),
        ("+1", 1000),
    ],
)
def test_cpu(text: str | float, millicores: int | None) -> None:
    if millicores is None:
        with pytest.raises(QuantityError):
            cpu_millicores(text)
    else:
        assert cpu_millicores(text) == millicores


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("1Ki", 1024),
        ("1Mi", 1024**2),
        ("1Gi", 1024**3),
        ("1Ti", 1024**4),
        ("1Pi", 1024**5),
        ("1Ei", 1024**6),
        ("1.5Gi", 3 * 1024**3 // 2),
        ("1k", 1000),
        ("1M", 10**6),
        ("1G", 10**9),
        ("1T", 10**12),
        ("1P", 10**15),
        ("1E", 10**18),
        ("1e3", 1000),
        ("1E3", 1000),
        ("12E-1", 2),
        ("1e+2", 100),
        ("128974848", 128974848),
        ("129e6", 129 * 10**6),
        ("1500m", 2),
        ("0.1Ki", 103),
        (1024, 1024),
    ],
)
def test_bytes(text: str | float, count: int) -> None:
    assert bytes_of(text) == count


@pytest.mark.parametrize(
    "text",
    ["", " ", "1 Gi", "Gi", "1gi", "1K", "1KI", "1mi", "1e", "1e9999", "0x10", "1_000", "NaN",
     "inf", "--1", "1.1.1", "१", "1" * 65, "1i", ".", "e3", "1Zi", "1ee3", "\n1", "1\n"],
)  # fmt: skip
def test_what_is_no_quantity(text: str) -> None:
    with pytest.raises(QuantityError) as caught:
        parse_quantity(text)
    assert caught.value.code == "quantity_invalid"


def test_a_boolean_is_no_quantity() -> None:
    with pytest.raises(QuantityError):
        parse_quantity(True)


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0"), (1024, "1Ki"), (1536, "1536"), (1536 * 1024**2, "1536Mi")]
)
def test_written_bytes(count: int, text: str) -> None:
    assert format_bytes(count) == text


@given(st.integers(0, 2**70))
def test_what_is_written_reads_back(number: int) -> None:
    assert bytes_of(format_bytes(number)) == number
    assert cpu_millicores(format_cpu(number)) == number


@given(
    number=st.decimals(0, 10**6, places=3, allow_nan=False),
    suffix=st.sampled_from([("", 0), ("m", -3), ("u", -6), ("n", -9), ("k", 3), ("M", 6)]),
)
def test_equals_decimal_arithmetic(number: Decimal, suffix: tuple[str, int]) -> None:
    name, power = suffix
    assert parse_quantity(f"{number:f}{name}") == number * Decimal(10) ** power


@given(st.text(max_size=12))
def test_any_text_is_refused_or_a_number(text: str) -> None:
    try:
        parse_quantity(text)
    except QuantityError as error:
        assert error.code == "quantity_invalid"
