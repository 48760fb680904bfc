"""Forms of what can be done with a node."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from fleet.draining import DrainOptions
from fleet.live.nodes import EFFECTS
from kubecarrier.console.forms import PortalForm, code_area, text_input


class NodeLabelsForm(PortalForm):
    """Labels to set, and labels to take away."""

    labels = forms.CharField(
        label=_("Labels"), widget=code_area(4), help_text=_("A line each: key=value sets one, key- takes one away.")
    )  # fmt: skip

    def clean_labels(self) -> dict[str, str | None]:
        found: dict[str, str | None] = {}
        for line in self.cleaned_data["labels"].split():
            key, equals, value = line.partition("=")
            if equals:
                found[key] = value
            elif line.endswith("-"):
                found[line[:-1]] = None
            else:
                raise ValidationError(
                    _("“%(line)s” is neither key=value nor key-."), "labels", {"line": line[:80]}
                )
        return found


class NodeTaintsForm(PortalForm):
    """Taints to set, and taints to take away."""

    taints = forms.CharField(
        label=_("Taints"), widget=code_area(4),
        help_text=_("A line each: key=value:NoSchedule sets one, key:NoSchedule- or key- takes them away."),
    )  # fmt: skip

    def clean_taints(self) -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = {"add": [], "remove": []}
        for line in self.cleaned_data["taints"].split():
            away = line.endswith("-")
            where, colon, effect = line.removesuffix("-").partition(":")
            key, _equals, value = where.partition("=")
            if not key or (colon and effect not in EFFECTS) or not (colon or away):
                raise ValidationError(_("“%(line)s” is no taint."), "taints", {"line": line[:80]})
            if away:
                found["remove"].append((key, effect))
            else:
                found["add"].append({"key": key, "value": value, "effect": effect})
        return found


class DrainForm(PortalForm):
    """How to drain."""

    force = forms.BooleanField(
        label=_("Pods without a controller too"), required=False, help_text=_("Nobody makes them anew.")
    )  # fmt: skip
    delete_empty_dir = forms.BooleanField(
        label=_("Pods with emptyDir volumes too"), required=False, help_text=_("What is in them is lost.")
    )  # fmt: skip
    timeout_minutes = forms.IntegerField(
        label=_("Time limit (minutes)"), min_value=1, max_value=1440, initial=15,
        widget=text_input(type="number", min=1), help_text=_("After that it ends as failed; the node stays cordoned."),
    )  # fmt: skip


def options_of(given: dict[str, Any]) -> DrainOptions:
    """The options of a filled-in form."""
    return DrainOptions(given["force"], given["delete_empty_dir"])
