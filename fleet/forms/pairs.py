"""Fields of the console's forms that are lists and pairs, written as people write them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from kubecarrier.console.forms import code_area, text_input

_CODE = {"class": "kc-code"}


def parse_pairs(text: str) -> dict[str, str]:
    """`a=1, b=2`; raises ValidationError."""
    found = {}
    for part in text.replace("\n", ",").split(","):
        if not part.strip():
            continue
        key, equals, value = part.partition("=")
        if not equals or not key.strip() or not value.strip():
            raise ValidationError(
                _("“%(part)s” is not name=quantity."), "pairs", {"part": part.strip()[:80]}
            )
        found[key.strip()] = value.strip()
    return found


class PairsField(forms.CharField):
    """`name=quantity`, several by commas ⇄ a mapping."""

    def __init__(self, *, example: str = "", **kwargs: Any) -> None:
        kwargs.setdefault("required", False)
        kwargs.setdefault("widget", text_input(placeholder=example, **_CODE))
        super().__init__(**kwargs)

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, dict):
            return ", ".join(f"{key}={text}" for key, text in sorted(value.items()))
        return value

    def to_python(self, value: Any) -> dict[str, str]:  # type: ignore[override]
        return value if isinstance(value, dict) else parse_pairs(str(value or ""))

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(self.prepare_value(initial) != (data or ""))


class WordsField(forms.CharField):
    """Words by commas or blanks ⇄ a list."""

    def __init__(self, *, example: str = "", **kwargs: Any) -> None:
        kwargs.setdefault("required", False)
        kwargs.setdefault("widget", text_input(placeholder=example, **_CODE))
        super().__init__(**kwargs)

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> list[str]:  # type: ignore[override]
        return value if isinstance(value, list) else str(value or "").replace(",", " ").split()

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(self.prepare_value(initial) != (data or ""))


class NamespacesField(forms.CharField):
    """One namespace per line: its name, `adopt`, and a quota of its own ⇄ the document's list."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("required", False)
        kwargs.setdefault(
            "widget", code_area(4, placeholder="shop\nshop-db  requests.memory=64Gi\nlegacy  adopt")
        )
        super().__init__(**kwargs)

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        return "\n".join(_line(item) for item in value)

    def to_python(self, value: Any) -> list[dict[str, Any]]:  # type: ignore[override]
        if isinstance(value, list):
            return value
        return [_item(line) for line in str(value or "").splitlines() if line.strip()]

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(self.prepare_value(initial) != (data or ""))


def _line(item: dict[str, Any]) -> str:
    quota = ",".join(f"{key}={text}" for key, text in sorted(item.get("quota", {}).items()))
    return "  ".join(filter(None, (item["name"], "adopt" if item.get("adopt") else "", quota)))


def _item(line: str) -> dict[str, Any]:
    name, *words = line.replace(",", " ").split()
    pairs = [word for word in words if word != "adopt"]
    return {"name": name, "adopt": "adopt" in words, "quota": parse_pairs(",".join(pairs))}
