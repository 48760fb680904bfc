"""Inputs of the pages that are asked by query parameters: small, in one look."""

from __future__ import annotations

from typing import Any

from django import forms

_LOOK = "kc-input"


def text_filter(label: Any, placeholder: Any = "", *, length: int = 253) -> forms.CharField:
    """A line of text."""
    widget = forms.TextInput(attrs={"class": _LOOK, "placeholder": placeholder})
    return forms.CharField(label=label, required=False, max_length=length, widget=widget)


def choice_filter(label: Any, choices: Any, **options: Any) -> forms.ChoiceField:
    """One of some."""
    widget = forms.Select(attrs={"class": _LOOK})
    return forms.ChoiceField(label=label, choices=choices, widget=widget, **options)
