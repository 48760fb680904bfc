"""The console's pages of the audit: the stream, one entry, what changed between two times."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, QueryDict
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.csrf import csrf_protect

from accounts.forms import PlaceForm, StreamForm
from accounts.models import AuditEntry
from accounts.permissions import visible_auditentries
from accounts.services.exports import audit_export
from accounts.trail.between import ACTIONS, changed
from accounts.trail.export import Form, zipped
from kubecarrier.api import paging
from kubecarrier.api.streams import download
from kubecarrier.console import history
from kubecarrier.console.admin import PortalAdmin
from kubecarrier.lib import access, audit
from kubecarrier.lib.errors import DeniedError, InvalidError
from kubecarrier.templatetags.console import did, entry_url, since

_PAGE = 50
_LOOKED_AT = 5000  # entries of one answer to “what changed”
_EXPORT = "auditentries.export"


@admin.register(AuditEntry)
class AuditEntryAdmin(PortalAdmin):
    """Who changed what, through which channel, when, and why."""

    rows = visible_auditentries
    status_template = "console/entry_status.html"
    live = False
    list_display = ("when", "who", "object_repr")
    ordering = ("-timestamp", "-pk")

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        own = [
            path("changed/", wrap(self.changed_view), name="accounts_auditentry_changed"),
            path("export/", wrap(self.export_view), name="accounts_auditentry_export"),
        ]
        return [*own, *super().get_urls()]

    # --- the stream ------------------------------------------------------------

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Newest first, by key: a page costs the same however far back it is."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        form = StreamForm(request.GET)
        rows = form.narrow(visible_auditentries(request.user))
        refused = ""
        try:
            token = request.GET.get("before", "")
            found, older = paging.page(rows, order="-timestamp", limit=_PAGE, token=token)
        except InvalidError as error:
            found, older, refused = [], None, error.message
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Audit"),
            "form": form,
            "entries": [self._line(entry) for entry in found],
            "filtered": bool(form.given) or not form.is_valid(),
            "refused": refused,
            "older": _with(request.GET, before=older) if older else "",
            "first": _with(request.GET, before=None) if request.GET.get("before") else "",
            "query": _with(request.GET, before=None),
            "may_export": access.may_somewhere(request.user, _EXPORT),
        }
        return TemplateResponse(request, "console/audit_stream.html", context)

    def _line(self, entry: AuditEntry) -> dict[str, Any]:
        return {
            "entry": entry,
            "url": self.page_of(entry),
            "icon": history.icon_of(entry),
            "fields": sorted(entry.changes or {}),
        }

    # --- what changed between two times -----------------------------------------

    def changed_view(self, request: HttpRequest) -> HttpResponse:
        """An object, a cluster, a project, or everything: the last day unless told."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        given = request.GET.copy()
        if not given.get("since"):
            given["since"] = (timezone.now() - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
        form = PlaceForm(given)
        rows = form.narrow(visible_auditentries(request.user)).filter(action__in=ACTIONS)
        found = list(rows.order_by("-pk")[: _LOOKED_AT + 1])
        entries = list(reversed(found[:_LOOKED_AT]))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("What changed"),
            "form": form,
            "objects": [
                {
                    "one": one,
                    "changes": history.as_changes(one.fields),
                    "url": entry_url(one.newest),
                    "entry": self.page_of(one.newest),
                }
                for one in changed(entries)
            ],
            "looked_at": len(entries),
            "cut": len(found) > _LOOKED_AT,
        }
        return TemplateResponse(request, "console/audit_changed.html", context)

    # --- export ------------------------------------------------------------------

    @method_decorator(csrf_protect)
    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        """The stream as it is filtered, as a signed archive. POST only: it is on record."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_view_permission(request):
            raise PermissionDenied
        form = StreamForm(request.GET)
        wanted = Form.CSV if request.POST.get("form") == "csv" else Form.JSONL
        try:
            parts = audit_export(
                actor=request.user,
                entries=form.narrow(visible_auditentries(request.user)),
                form=wanted,
                filters={name: str(value) for name, value in form.given.items()},
            )
        except DeniedError as error:
            raise PermissionDenied from error
        chunks: Iterator[bytes] = zipped(parts)
        name = f"audit-{timezone.now():%Y%m%dT%H%M%SZ}.zip"
        return download(request, chunks, name=name, content_type="application/zip")

    # --- one entry ---------------------------------------------------------------

    @admin.display(description=gettext_lazy("when"), ordering="timestamp")
    def when(self, row: AuditEntry) -> str:
        return since(row.timestamp)

    @admin.display(description=gettext_lazy("who"), ordering="actor_name")
    def who(self, row: AuditEntry) -> str:
        return str(row.actor_name or _("the system"))

    def _tabs(self) -> list[tuple[str, Any, str]]:
        return []

    def header_context(self, row: Any) -> dict[str, Any]:
        facts = [
            (_("Who"), self.who(row)), (_("When"), f"{row.timestamp:%Y-%m-%d %H:%M:%S} UTC"),
            (_("Through"), row.channel), (_("Result"), row.result), (_("Cluster"), row.cluster),
            (_("Namespace"), row.namespace), (_("Project"), row.project), (_("Address"), row.remote_addr), (_("Request"), row.request_id),
            (_("Reason"), row.reason),
        ]  # fmt: skip
        title = f"{did(row).capitalize()}: {row.kind} {row.object_repr}"
        return {"facts": [fact for fact in facts if fact[1]], "title": title}

    def status_context(self, row: Any) -> dict[str, Any]:
        # Of the same person: anybody may choose the id of his own request.
        siblings = visible_auditentries(audit.current().actor())
        siblings = siblings.filter(request_id=row.request_id, actor_id=row.actor_id)
        siblings = siblings.exclude(pk=row.pk) if row.request_id else siblings.none()
        return {
            "changes": history.changes(row),
            "about": entry_url(row),
            "siblings": [self._line(one) for one in siblings.order_by("pk")[:20]],
        }


def _with(query: QueryDict, *, before: str | None) -> str:
    """The same page with another position."""
    changed_query = query.copy()
    changed_query.pop("before", None)
    if before:
        changed_query["before"] = before
    return f"?{changed_query.urlencode()}"
