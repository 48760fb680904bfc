"""Forms of projects."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelect2MultipleWidget

from fleet.api.kinds import PROJECT
from fleet.forms.pairs import NamespacesField, PairsField, WordsField
from fleet.models import Project
from fleet.permissions import visible_clusters
from fleet.projects.queries import deletion
from fleet.projects.rules import DEFAULT_KINDS
from kubecarrier.console.forms import (
    LabelsField,
    PortalForm,
    WishForm,
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


class ProjectForm(WishForm):
    """Namespaces over clusters, their quota, and what may be placed in them."""

    kind = PROJECT
    user: Any = None
    error_fields = {
        "spec.namespaceLabels": "namespace_labels", "spec.placement.overrides": "overrides",
        "spec.placement.selector": "selector", "spec.placement.exclude": "exclude", "spec.placement": "clusters",
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
    clusters = forms.MultipleChoiceField(
        label=_("Clusters"), required=False, widget=UnfoldAdminSelect2MultipleWidget,
        help_text=_("By name …"),
    )  # fmt: skip
    selector = forms.CharField(
        label=_("Selector"), required=False, max_length=2000,
        widget=text_input(placeholder="kubecarrier.io/environment=prod", **{"class": "kc-code"}),
        help_text=_("… or by labels, like kubectl's -l; * is every cluster."),
    )  # fmt: skip
    exclude = forms.MultipleChoiceField(
        label=_("Except"), required=False, widget=UnfoldAdminSelect2MultipleWidget
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

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = list(visible_clusters(self.user).values_list("name", flat=True).order_by("name"))
        for field in ("clusters", "exclude"):
            chosen = self.instance.placement.get(field, ())
            more = [one for one in chosen if one not in names]
            self.fields[field].choices = [(one, one) for one in [*names, *more]]  # type: ignore[attr-defined]

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
        placement = {
            key: row.placement.get(key) for key in ("clusters", "selector", "exclude", "overrides")
        }
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
            "placement": {
                "clusters": given["clusters"],
                "selector": given["selector"].strip(),
                "exclude": given["exclude"],
                "overrides": given["overrides"],
            },
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
