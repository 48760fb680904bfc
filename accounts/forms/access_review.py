"""Questions of the access review's page: query parameters, so that a page can be sent to a colleague."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.review.listing import Wanted
from accounts.review.questions import Question
from kubecarrier.console.filters import choice_filter, text_filter
from kubecarrier.lib import catalogue
from kubecarrier.lib.granted import Where


def _right(label: Any, **options: Any) -> forms.ChoiceField:
    """Every right of the catalogue by kind; the catalogue is full once all apps are loaded."""
    return choice_filter(label, rights, **options)


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

    user = text_filter(_("Who"), _("user name"), length=150)
    group = text_filter(_("Group"), _("any"), length=150)
    role = text_filter(_("Role"), _("any"))
    right = _right(_("Right"), required=False)
    project = text_filter(_("Project"), _("any"))
    cluster = text_filter(_("Cluster"), _("any"))
    namespace = text_filter(_("Namespace"), _("any"))

    def wanted(self) -> Wanted:
        """As the review takes it; only of a valid form."""
        given = self.cleaned_data
        names = ("user", "group", "role", "right")
        return Wanted(**{name: given.get(name) or "" for name in names}, where=self.where())


class RightForm(_PlaceForm):
    """Who may do one thing, to an object or in a place; or whether one person may."""

    right = _right(_("Right"))
    name = text_filter(_("Object"), _("its name; empty: all"))
    project = text_filter(_("In project"), _("none"))
    cluster = text_filter(_("On cluster"), _("none"))
    namespace = text_filter(_("Namespace"), _("none"))
    user = text_filter(_("Only of"), _("everybody"), length=150)

    def question(self) -> Question:
        """As the review takes it; only of a valid form."""
        given = self.cleaned_data
        return Question(given["right"], name=given.get("name") or "", where=self.where())


class ClusterActForm(forms.Form):
    """What a cluster's own authorizer is asked."""

    cluster = text_filter(_("Cluster"), _("its name"))
    verb = text_filter(_("Verb"), "get", length=40)
    resource = text_filter(_("Kind or path"), "pods, deploy, /metrics")
    subresource = text_filter(_("Subresource"), "log, exec", length=63)
    name = text_filter(_("Object"), _("any"))
    namespace = text_filter(_("Namespace"), _("whole cluster"), length=63)
    user = text_filter(_("Of whom"), _("you"), length=150)

    def clean(self) -> dict[str, Any]:
        cleaned = dict(super().clean() or {})
        for field in ("cluster", "verb", "resource"):
            if not cleaned.get(field) and field not in self.errors:
                self.add_error(field, _("Say which."))
        return cleaned
