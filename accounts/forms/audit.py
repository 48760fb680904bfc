"""The filters of the audit's pages: query parameters, so that a page can be sent to a colleague."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.models import AuditEntry
from kubecarrier.console.filters import choice_filter, text_filter
from kubecarrier.lib.audit import Channel

_TIME = "%Y-%m-%dT%H:%M"
_ANY = [("", _("any"))]
_RESULTS = [("ok", _("done")), ("denied", _("denied")), ("failed", _("failed"))]
_DID = [
    ("0", _("created")),
    ("1", _("changed")),
    ("2", _("deleted")),
    ("3", _("an event")),
]


def _choice(label: Any, choices: Any) -> forms.ChoiceField:
    return choice_filter(label, _ANY + choices, required=False)


def _moment(label: Any) -> forms.DateTimeField:
    widget = forms.DateTimeInput(
        format=_TIME, attrs={"class": "kc-input", "type": "datetime-local"}
    )
    return forms.DateTimeField(
        label=label, required=False, widget=widget, input_formats=[_TIME, "%Y-%m-%dT%H:%M:%S"]
    )


class PlaceForm(forms.Form):
    """Which object, where, and when."""

    kind = text_filter(_("Kind"), "Application")
    object = text_filter(_("Object"), _("its name"))
    cluster = text_filter(_("Cluster"), _("its name"))
    namespace = text_filter(_("Namespace"), _("its name"))
    project = text_filter(_("Project"), _("its name"))
    since = _moment(_("From (UTC)"))
    until = _moment(_("To (UTC)"))

    columns = {
        "kind": "kind__iexact",
        "object": "object_repr",
        "cluster": "cluster",
        "namespace": "namespace",
        "project": "project",
        "since": "timestamp__gte",
        "until": "timestamp__lt",
    }

    @property
    def given(self) -> dict[str, Any]:
        """What was asked for and understood."""
        cleaned = self.cleaned_data if self.is_valid() else getattr(self, "cleaned_data", {})
        return {name: value for name, value in cleaned.items() if value not in ("", None)}

    def narrow(self, rows: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        """The rows that were asked for; none while something asked for is not understood."""
        if not self.is_valid():
            return rows.none()
        given = self.given
        found = {column: given[name] for name, column in self.columns.items() if name in given}
        return rows.filter(**found)


class StreamForm(PlaceForm):
    """All filters of the stream."""

    q = text_filter(_("Text"), _("name, reason, request id"))
    who = text_filter(_("Who"), _("user name"))
    did = _choice(_("Did"), _DID)
    event = text_filter(_("Event"), "login-failed")
    channel = _choice(_("Through"), [(one.value, one.value) for one in Channel])
    result = _choice(_("Result"), _RESULTS)

    columns = {
        **PlaceForm.columns,
        "who": "actor_name",
        "did": "action",
        "event": "event",
        "channel": "channel",
        "result": "result",
    }
    field_order = [
        "q",
        "who",
        "did",
        "kind",
        "object",
        "cluster",
        "namespace",
        "project",
        "since",
        "until",
    ]
    _searched = ("object_repr", "actor_name", "reason", "changes_text", "request_id")

    def narrow(self, rows: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        rows = super().narrow(rows)
        text = self.given.get("q", "")
        wanted = Q()
        for column in self._searched if text else ():
            wanted |= Q(**{f"{column}__icontains": text})
        return rows.filter(wanted)
