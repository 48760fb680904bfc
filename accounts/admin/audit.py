"""The console's pages of the audit trail."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.paginator import InfinitePaginator

from accounts.models import AuditEntry
from kubecarrier.console import history
from kubecarrier.console.admin import PortalAdmin
from kubecarrier.lib.audit import may_operate
from kubecarrier.templatetags.console import entry_url, since


def visible_entries(user: Any) -> QuerySet[AuditEntry]:
    """The audit, for staff until bindings arrive."""
    rows: QuerySet[AuditEntry] = AuditEntry.objects.select_related("actor", "content_type")
    return rows if may_operate(user) else rows.none()


@admin.register(AuditEntry)
class AuditEntryAdmin(PortalAdmin):
    """Who changed what, through which channel, when, and why."""

    rows = visible_entries
    status_template = "console/entry_status.html"
    live = False
    paginator = InfinitePaginator
    list_display = ("when", "who", "did", "what", "kind", "channel", "reason")
    list_filter = ("channel", "action", "content_type")
    search_fields = ("object_repr", "actor_email", "actor__username", "request_id", "reason")
    list_select_related = ("actor", "content_type")
    ordering = ("-timestamp", "-pk")
    list_display_links = ("when", "what")

    @admin.display(description=gettext_lazy("when"), ordering="timestamp")
    def when(self, row: AuditEntry) -> str:
        return since(row.timestamp)

    @admin.display(description=gettext_lazy("who"), ordering="actor")
    def who(self, row: AuditEntry) -> str:
        return str(row.actor or row.actor_email or _("the system"))

    @admin.display(description=gettext_lazy("did"), ordering="action")
    def did(self, row: AuditEntry) -> str:
        return str(row.event or row.get_action_display())

    @admin.display(description=gettext_lazy("what"))
    def what(self, row: AuditEntry) -> str:
        return str(row.object_repr)

    @admin.display(description=gettext_lazy("kind"), ordering="content_type")
    def kind(self, row: AuditEntry) -> str:
        return str(row.content_type.name if row.content_type else "")

    def _tabs(self) -> list[tuple[str, Any, str]]:
        return []

    def header_context(self, row: Any) -> dict[str, Any]:
        facts = [
            (_("Who"), self.who(row)), (_("When"), since(row.timestamp)), (_("Through"), row.channel),
            (_("Address"), row.remote_addr), (_("Request"), row.request_id), (_("Reason"), row.reason),
        ]  # fmt: skip
        return {
            "facts": facts,
            "title": f"{self.did(row).capitalize()} {self.kind(row)} {row.object_repr}",
        }

    def status_context(self, row: Any) -> dict[str, Any]:
        return {"changes": history.changes(row), "about": entry_url(row)}
