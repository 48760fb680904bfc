"""Forms of projects."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from fleet.api.kinds import PROJECT
from fleet.forms.pairs import NamespacesField, PairsField, WordsField
from fleet.forms.placed import PLACEMENT_FIELDS, PlacedForm
from fleet.models import Project
from fleet.projects.queries import deletion
from fleet.projects.rules import DEFAULT_KINDS
from kubecarrier.console.forms import (
    LabelsField,
    PortalForm,
    YamlField,
    prose,
    text_input,
)
from kubecarrier.lib.spec import name_validators

_LIMITS = {"default_request": "defaultRequest", "default_limit": "default", "least": "min", "most": "max"}  # fmt: skip
_ALLOWED = {
    "allow_repositories": "repositories", "allow_kinds": "kinds", "allow_cluster_kinds": "clusterKinds",
    "allow_namespaces": "namespaces", "allow_clusters": "clusters",
}  # fmt: skip


class ProjectForm(PlacedForm):
    """Namespaces over clusters, their quota, and what may be placed in them."""

    kind = PROJECT
    error_fields = {
        **PLACEMENT_FIELDS,
        "spec.namespaceLabels": "namespace_labels",
        "spec.quota.hard": "hard", "spec.requireReason": "require_reason",
        **{f"spec.quota.limits.{part}": field for field, part in _LIMITS.items()},
        "spec.quota.limits": "default_request",
        **{f"spec.allow.{part}": field for field, part in _ALLOWED.items()},
    }  # fmt: skip

    name = forms.CharField(label=_("Name"), validators=name_validators, widget=text_input())
    labels = LabelsField()
    description = forms.CharField(
        label=_("Description"), required=False, max_length=2000, widget=prose()
    )
    namespaces = NamespacesField(
        label=_("Namespaces"),
        help_text=_(
            "One per line, made on each cluster. After the name: adopt, to take over one that is there already; name=quantity for a quota of its own."
        ),
    )
    namespace_labels = LabelsField(
        label=_("Labels of the namespaces"),
        help_text=_("Such as pod-security.kubernetes.io/enforce=baseline."),
    )
    hard = PairsField(
        label=_("Quota of each namespace"), example="requests.cpu=8, requests.memory=16Gi, pods=50"
    )
    default_request = PairsField(label=_("Default requests"), example="cpu=50m, memory=64Mi")
    default_limit = PairsField(label=_("Default limits"), example="memory=256Mi")
    least = PairsField(label=_("At least"), help_text=_("Of each container."))
    most = PairsField(label=_("At most"), help_text=_("Of each container."))
    overrides = YamlField(
        label=_("Quota on single clusters (YAML)"),
        rows=3,
        help_text=_("cluster: {quota: {pods: '10'}}"),
    )
    allow_repositories = WordsField(
        label=_("Chart repositories"), initial=["*"],
        help_text=_("By name; * and ? as in a shell."),
    )  # fmt: skip
    allow_kinds = WordsField(
        label=_("Kinds"), initial=list(DEFAULT_KINDS),
        help_text=_("Deployment, *.apps, !Secret; the last that matches decides."),
    )  # fmt: skip
    allow_cluster_kinds = WordsField(
        label=_("Kinds without a namespace"),
        help_text=_("Charts may bring none unless they are said here."),
    )
    allow_namespaces = WordsField(label=_("Further namespaces"), example="shared-*")
    allow_clusters = forms.CharField(
        label=_("Further clusters"), required=False, max_length=2000,
        widget=text_input(**{"class": "kc-code"}), help_text=_("A selector; * is every cluster."),
    )  # fmt: skip
    require_reason = forms.BooleanField(
        label=_("Ask for a reason"), required=False,
        help_text=_("Who changes something in the project must say why."),
    )  # fmt: skip

    class Meta:
        model = Project
        fields: list[str] = []

    def stored(self) -> dict[str, Any]:
        row = self.instance
        columns = (
            "name",
            "labels",
            "description",
            "namespaces",
            "namespace_labels",
            "require_reason",
        )
        placement = self.stored_placement()
        limits = row.quota.get("limits", {})
        return (
            {key: getattr(row, key) for key in columns}
            | placement
            | {"hard": row.quota.get("hard", {})}
            | {field: limits.get(part, {}) for field, part in _LIMITS.items()}
            | {field: row.allow.get(part, "") for field, part in _ALLOWED.items()}
        )

    def spec(self) -> dict[str, Any]:
        given = self.cleaned_data
        return {
            "description": given["description"],
            "namespaces": given["namespaces"],
            "namespaceLabels": given["namespace_labels"],
            "placement": self.placement(given["overrides"]),
            "quota": {
                "hard": given["hard"],
                "limits": {part: given[field] for field, part in _LIMITS.items()},
            },
            "allow": {part: given[field] for field, part in _ALLOWED.items()},
            "requireReason": given["require_reason"],
            "suspended": self.instance.suspended,
        }


class ProjectDeleteForm(PortalForm):
    """Which of its namespaces are deleted with it."""

    error_fields = {"deleteNamespaces": "delete_namespaces"}

    delete_namespaces = forms.MultipleChoiceField(
        label=_("Delete these namespaces too, with everything in them"), required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("On every cluster. What is not chosen stays, without our marks and quotas."),
    )  # fmt: skip

    def prepare(self) -> None:
        names = sorted({one.name for one in deletion(self.row).namespaces if one.made})
        field: Any = self.fields["delete_namespaces"]
        field.choices = [(name, name) for name in names]
        if not names:
            del self.fields["delete_namespaces"]
