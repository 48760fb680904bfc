"""The console's pages of what only a probe writes: namespaces here, nodes beside."""

from __future__ import annotations

from typing import Any

from django.contrib import admin

from fleet.models import Namespace
from fleet.permissions import visible_namespaces
from kubecarrier.console.admin import PortalAdmin


class ObservedAdmin(PortalAdmin):
    """Rows that only a probe writes."""

    status_template = "console/observed_status.html"
    list_select_related: tuple[str, ...] = ("cluster",)
    live = False

    def _tabs(self) -> list[tuple[str, Any, str]]:
        return []

    def history_context(self, row: Any) -> dict[str, Any]:
        return {"entries": [], "operations": []}


@admin.register(Namespace)
class NamespaceAdmin(ObservedAdmin):
    """Namespaces, as the last probe saw them."""

    rows = visible_namespaces
    list_display = ("name", "cluster", "state", "seen")
    list_filter = ("state", "cluster")
    search_fields = ("name", "cluster__name")
    ordering = ("cluster__name", "name")
