"""What the forms of all placed kinds share: on which clusters, by name or by labels."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelect2MultipleWidget

from fleet.permissions import visible_clusters, visible_projects
from kubecarrier.console.forms import WishForm, select, text_input

MAX_NAMES = 1000
EVERYWHERE: tuple[str, Any] = ("", _("Every cluster"))
_NOWHERE: tuple[str, Any] = ("", _("None"))
#: Paths of a document's placement → fields of the form.
PLACEMENT_FIELDS = {
    "spec.placement.overrides": "overrides", "spec.placement.selector": "selector",
    "spec.placement.clusters": "clusters", "spec.placement.exclude": "exclude", "spec.placement": "clusters",
}  # fmt: skip


def names_of(rows: Any, chosen: Iterable[str] = ()) -> list[tuple[str, str]]:
    """Names for a select, and those stored that are not visible (any more)."""
    names = list(rows.values_list("name", flat=True).order_by("name")[:MAX_NAMES])
    return [(name, name) for name in [*names, *(one for one in chosen if one not in names)]]


class PlacedForm(WishForm):
    """Clusters by name or selector, and exceptions; a subclass adds its `overrides`."""

    user: Any = None

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

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen = self.instance.placement if not self.fresh else {}
        clusters = visible_clusters(self.user)
        for name in ("clusters", "exclude"):
            self.choose(name, names_of(clusters, chosen.get(name, ())))

    def choose(self, name: str, choices: list[tuple[str, Any]]) -> None:
        """Set the choices of a field."""
        self.fields[name].choices = choices  # type: ignore[attr-defined]

    def stored_placement(self) -> dict[str, Any]:
        """Initial values of the placement's fields."""
        placement = self.instance.placement
        return {key: placement.get(key) for key in ("clusters", "selector", "exclude", "overrides")}

    def placement(self, overrides: Any) -> dict[str, Any]:
        """The document's `spec.placement`."""
        given = self.cleaned_data
        return {
            "clusters": given["clusters"],
            "selector": given["selector"].strip(),
            "exclude": given["exclude"],
            "overrides": overrides,
        }


class OfProjectForm(PlacedForm):
    """Of what may belong to a project."""

    project = forms.ChoiceField(
        label=_("Project"), required=False, widget=select(),
        help_text=_("What the project allows decides where it may go."),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own = [self.instance.project.name] if self.instance.project else []
        self.choose("project", [_NOWHERE, *names_of(visible_projects(self.user), own)])
