"""Questions of the access review's page: query parameters, so that a page can be sent to a colleague."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.review.listing import Wanted
from accounts.review.questions import Question
from kubecarrier.lib import catalogue
from kubecarrier.lib.granted import Where


def _text(label: Any, placeholder: Any = "", *, length: int = 253) -> forms.CharField:
    widget = forms.TextInput(attrs={"class": "kc-input", "placeholder": placeholder})
    return forms.CharField(label=label, required=False, max_length=length, widget=widget)


def _right(label: Any, **options: Any) -> forms.ChoiceField:
    """Every right of the catalogue by kind; the catalogue is full once all apps are loaded."""
    widget = forms.Select(attrs={"class": "kc-input"})
    return forms.ChoiceField(label=label, choices=rights, widget=widget, **options)


def rights() -> list[Any]:
    """The choices: a group for each kind."""
    groups: list[Any] = [("", _("any"))]
    for subject in catalogue.subjects():
        verbs = [
            (f"{subject.plural}.{v.name}", f"{subject.plural}.{v.name}") for v in subject.verbs
        ]
        groups.append((subject.title, verbs))
    return groups


class _PlaceForm(forms.Form):
    """A form with a place in it."""

    def where(self) -> Where:
        """The place that was named."""
        names = ("project", "cluster", "namespace")
        return Where(**{name: self.cleaned_data.get(name) or "" for name in names})


class PersonForm(_PlaceForm):
    """Who holds what where."""

    user = _text(_("Who"), _("user name"), length=150)
    group = _text(_("Group"), _("any"), length=150)
    role = _text(_("Role"), _("any"))
    right = _right(_("Right"), required=False)
    project = _text(_("Project"), _("any"))
    cluster = _text(_("Cluster"), _("any"))
    namespace = _text(_("Namespace"), _("any"))

    def wanted(self) -> Wanted:
        """As the review takes it; only of a valid form."""
        given = self.cleaned_data
        names = ("user", "group", "role", "right")
        return Wanted(**{name: given.get(name) or "" for name in names}, where=self.where())


class RightForm(_PlaceForm):
    """Who may do one thing, to an object or in a place; or whether one person may."""

    right = _right(_("Right"))
    name = _text(_("Object"), _("its name; empty: all"))
    project = _text(_("In project"), _("none"))
    cluster = _text(_("On cluster"), _("none"))
    namespace = _text(_("Namespace"), _("none"))
    user = _text(_("Only of"), _("everybody"), length=150)

    def question(self) -> Question:
        """As the review takes it; only of a valid form."""
        given = self.cleaned_data
        return Question(given["right"], name=given.get("name") or "", where=self.where())


class ClusterActForm(forms.Form):
    """What a cluster's own authorizer is asked."""

    cluster = _text(_("Cluster"), _("its name"))
    verb = _text(_("Verb"), "get", length=40)
    resource = _text(_("Kind or path"), "pods, deploy, /metrics")
    subresource = _text(_("Subresource"), "log, exec", length=63)
    name = _text(_("Object"), _("any"))
    namespace = _text(_("Namespace"), _("whole cluster"), length=63)
    user = _text(_("Of whom"), _("you"), length=150)

    def clean(self) -> dict[str, Any]:
        cleaned = dict(super().clean() or {})
        for field in ("cluster", "verb", "resource"):
            if not cleaned.get(field) and field not in self.errors:
                self.add_error(field, _("Say which."))
        return cleaned
