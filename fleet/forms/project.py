"""Forms of projects."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from fleet.api.kinds import PROJECT
from fleet.models import Project
from kubecarrier.console.forms import LabelsField, WishForm, YamlField, prose, text_input
from kubecarrier.lib.spec import name_validators


class ProjectForm(WishForm):
    """Namespaces over clusters, their quota, and what may be placed in them."""

    kind = PROJECT
    error_fields = {"spec.namespaceLabels": "namespace_labels"}

    name = forms.CharField(label=_("Name"), validators=name_validators, widget=text_input())
    labels = LabelsField()
    namespaces = YamlField(
        label=_("Namespaces (YAML)"),
        shape=list,
        help_text=_("A list: - name: team-shop; adopt: true takes over one that is there already."),
    )
    namespace_labels = LabelsField(label=_("Labels of the namespaces"))
    placement = YamlField(label=_("Placement (YAML)"))
    allow = YamlField(label=_("Allowed (YAML)"))
    quota = YamlField(label=_("Quota (YAML)"))
    description = forms.CharField(
        label=_("Description"), required=False, max_length=2000, widget=prose()
    )

    class Meta:
        model = Project
        fields: list[str] = []

    def stored(self) -> dict[str, Any]:
        names = ("name", "labels", "description", "namespaces", "namespace_labels")
        return {key: getattr(self.instance, key) for key in (*names, "placement", "allow", "quota")}

    def spec(self) -> dict[str, Any]:
        given = self.cleaned_data
        return {
            "description": given["description"],
            "placement": given["placement"],
            "namespaces": given["namespaces"],
            "namespaceLabels": given["namespace_labels"],
            "allow": given["allow"],
            "quota": given["quota"],
            "suspended": self.instance.suspended,
        }
