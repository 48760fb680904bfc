"""The console's pages of operations."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fleet.models import Operation
from fleet.permissions import (
    visible_operations,
)
from fleet.queries import operations_of
from kubecarrier.console import history
from kubecarrier.console.admin import PortalAdmin
from kubecarrier.templatetags.console import object_url, outcome, since, verbose

history.add_operations(operations_of)


@admin.register(Operation)
class OperationAdmin(PortalAdmin):
    """What people asked for: a record."""

    rows = visible_operations
    status_template = "console/operation_status.html"
    list_display = ("what", "target", "result", "actor", "channel", "started", "finished")
    list_filter = ("verb", "kind", "channel")
    search_fields = ("object_name", "verb", "request_id")
    list_select_related = ("actor",)

    def _tabs(self) -> list[tuple[str, Any, str]]:
        return []

    @admin.display(description=gettext_lazy("operation"), ordering="verb")
    def what(self, row: Operation) -> str:
        return verbose(row.verb)

    @admin.display(description=gettext_lazy("object"), ordering="object_name")
    def target(self, row: Operation) -> str:
        return f"{row.kind} {row.object_name}"

    @admin.display(description=gettext_lazy("result"), ordering="finished_at")
    def result(self, row: Operation) -> str:
        return outcome(row)

    @admin.display(description=gettext_lazy("started"), ordering="created_at")
    def started(self, row: Operation) -> str:
        return since(row.created_at)

    @admin.display(description=gettext_lazy("finished"), ordering="finished_at")
    def finished(self, row: Operation) -> str:
        return since(row.finished_at)

    def header_context(self, row: Any) -> dict[str, Any]:
        facts = [
            (_("By"), row.actor), (_("Through"), row.channel), (_("Reason"), row.reason),
            (_("Started"), since(row.created_at)), (_("Finished"), since(row.finished_at) if row.finished_at else ""),
            (_("Request"), row.request_id),
        ]  # fmt: skip
        return {"facts": facts, "title": f"{verbose(row.verb)} {row.object_name}"}

    def status_context(self, row: Any) -> dict[str, Any]:
        return {"operation": row, "targets": row.targets.all(), "about": object_url(row)}
