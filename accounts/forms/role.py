"""The form of roles: permissions as a table of kinds and verbs."""

from __future__ import annotations

from typing import Any

from django import forms
from django.template.loader import render_to_string
from django.utils.translation import gettext_lazy as _

from accounts.api.kinds import ROLE
from accounts.builtin import permissions_of, rules_of
from accounts.models import Role
from kubecarrier.console.forms import LabelsField, WishForm, YamlField, prose
from kubecarrier.lib import catalogue


class PermissionTable(forms.CheckboxSelectMultiple):
    """One line a kind, one box a verb."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> Any:
        held = set(value or ())
        disabled = bool((attrs or {}).get("disabled") or self.attrs.get("disabled"))
        lines = [
            {
                "title": subject.title,
                "plural": subject.plural,
                "verbs": [
                    {
                        "name": f"{subject.plural}.{verb.name}",
                        "title": verb.title,
                        "held": f"{subject.plural}.{verb.name}" in held,
                    }
                    for verb in subject.verbs
                ],
            }
            for subject in catalogue.subjects()
        ]
        context = {"name": name, "lines": lines, "disabled": disabled}
        return render_to_string("console/permission_table.html", context)


class PermissionsField(forms.MultipleChoiceField):
    """Names of the catalogue; what is not in it is refused by the service with its name."""

    widget = PermissionTable

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=[], required=False, **kwargs)

    def valid_value(self, value: Any) -> bool:
        return True


class RoleForm(WishForm):
    """What a role holds."""

    kind = ROLE
    labels = LabelsField()
    description = forms.CharField(
        label=_("Description"), required=False, max_length=2000, widget=prose()
    )
    permissions = PermissionsField(label=_("In the portal"))
    rules = YamlField(
        label=_("In the clusters"), shape=list, rows=14,
        help_text=_("PolicyRules as in a ClusterRole: a list of apiGroups, resources and verbs."),
    )  # fmt: skip

    requires_second_factor = forms.BooleanField(
        label=_("Second factor required"), required=False,
        help_text=_("Whoever has the role, anywhere, must have a second factor."),
    )  # fmt: skip

    class Meta:
        model = Role
        fields = ["name"]

    def stored(self) -> dict[str, Any]:
        return {
            "labels": self.instance.labels,
            "description": self.instance.description,
            "requires_second_factor": self.instance.requires_second_factor,
            "permissions": permissions_of(self.instance),
            "rules": [dict(rule) for rule in rules_of(self.instance)],
        }

    def spec(self) -> dict[str, Any]:
        given = self.cleaned_data
        found = {key: given.get(key) for key in ("description", "permissions", "rules")}
        return {**found, "requiresSecondFactor": given["requires_second_factor"]}
