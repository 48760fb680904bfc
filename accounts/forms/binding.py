"""The form of bindings: who, what, where."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.models import Group
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelect2MultipleWidget

from accounts.api.kinds import BINDING
from accounts.models import Binding, Role, User
from kubecarrier.console.forms import LabelsField, WishForm, prose, select, text_input
from kubecarrier.lib import access

_SHOWN = 2000
_SORTS = (
    ("platform", _("The whole platform")),
    ("project", _("One project")),
    ("clusters", _("Clusters, or namespaces of them")),
)


class NamesField(forms.CharField):
    """Names, by commas or lines ⇄ a list."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("required", False)
        kwargs.setdefault("widget", text_input())
        super().__init__(**kwargs)

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> list[str]:  # type: ignore[override]
        if isinstance(value, list):
            return value
        parts = str(value or "").replace("\n", ",").split(",")
        return [part.strip() for part in parts if part.strip()]


class ManyField(forms.MultipleChoiceField):
    """Names of rows, chosen from a list; one that is not there is refused by the service."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, widget=UnfoldAdminSelect2MultipleWidget(), **kwargs)

    def valid_value(self, value: Any) -> bool:
        return True


def _gives() -> bool:
    """Whether the person has any use for the names of everybody."""
    person = access.acting_person()
    return person is None or any(
        access.may_somewhere(person, one)
        for one in ("bindings.create", "bindings.edit", "users.view")
    )


class BindingForm(WishForm):
    """Who holds which role, and where."""

    kind = BINDING
    error_fields = {
        "spec.scope.selector": "selector", "spec.scope.clusters": "clusters",
        "spec.scope.namespaces": "namespaces", "spec.scope.project": "project", "spec.scope": "sort",
    }  # fmt: skip

    labels = LabelsField()
    description = forms.CharField(
        label=_("Description"), required=False, max_length=2000, widget=prose()
    )
    role = forms.ChoiceField(label=_("Role"), widget=select())
    users = ManyField(label=_("People"))
    groups = ManyField(label=_("Groups"))
    sort = forms.ChoiceField(label=_("Where"), choices=_SORTS, widget=select(_SORTS))
    project = forms.CharField(label=_("Project"), required=False, widget=text_input())
    clusters = NamesField(label=_("Clusters"), help_text=_("Names, separated by commas."))
    selector = forms.CharField(
        label=_("Selector"), required=False, widget=text_input(placeholder="env=prod"),
        help_text=_("Clusters by their labels; * is every cluster."),
    )  # fmt: skip
    namespaces = NamesField(label=_("Namespaces"), help_text=_("Empty: the whole of each cluster."))

    class Meta:
        model = Binding
        fields = ["name"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._choose("role", Role.objects.order_by("name").values_list("name", flat=True))
        people = User.objects.filter(is_active=True).order_by("username")
        groups = Group.objects.order_by("name")
        if not _gives():
            people = people.filter(bindings=self.instance.pk)
            groups = groups.filter(bindings=self.instance.pk)
        self._choose("users", people.values_list("username", flat=True)[:_SHOWN])
        self._choose("groups", groups.values_list("name", flat=True)[:_SHOWN])

    def _choose(self, field: str, names: Any) -> None:
        choices = [(name, name) for name in names]
        chosen: Any = self.fields[field]
        chosen.choices = chosen.widget.choices = choices

    def stored(self) -> dict[str, Any]:
        row, scope = self.instance, self.instance.scope
        sort = next((one for one in ("platform", "project") if scope.get(one)), "clusters")
        return {
            "labels": row.labels,
            "description": row.description,
            "role": row.role.name,
            "users": list(row.users.values_list("username", flat=True)),
            "groups": list(row.groups.values_list("name", flat=True)),
            "sort": sort,
            "project": scope.get("project", ""),
            "clusters": scope.get("clusters", []),
            "selector": scope.get("selector", ""),
            "namespaces": scope.get("namespaces", []),
        }

    def spec(self) -> dict[str, Any]:
        given = self.cleaned_data
        match given["sort"]:
            case "platform":
                scope: dict[str, Any] = {"platform": True}
            case "project":
                scope = {"project": given["project"]}
            case _:
                scope = {key: given[key] for key in ("clusters", "selector", "namespaces")}
        return {
            "description": given["description"],
            "role": given["role"],
            "users": given["users"],
            "groups": given["groups"],
            "scope": scope,
        }
