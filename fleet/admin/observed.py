"""The console's pages of what only a probe writes: namespaces here, nodes beside."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.urls import reverse
from django.utils.translation import gettext as _

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

    def find_about(self, row: Any) -> str:
        return f"{row._meta.verbose_name} · {row.cluster.name}".capitalize()

    def history_context(self, row: Any) -> dict[str, Any]:
        return {"entries": [], "operations": []}


@admin.register(Namespace)
class NamespaceAdmin(ObservedAdmin):
    """Namespaces, as the last probe saw them."""

    rows = visible_namespaces
    find_icon = "folder"
    list_display = ("name", "cluster", "state", "seen")
    list_filter = ("state", "cluster")
    search_fields = ("name", "cluster__name")
    ordering = ("cluster__name", "name")

    def status_context(self, row: Any) -> dict[str, Any]:
        listed = reverse("admin:fleet_inventoryobject_changelist")
        root = reverse("admin:fleet_live_kinds", args=[row.cluster_id])
        pods, events = (
            reverse("admin:fleet_live_list", args=[row.cluster_id, "core", "v1", plural])
            for plural in ("pods", "events")
        )
        return {
            "links": [
                (_("Its objects"), "search", f"{listed}?cluster={row.cluster_id}&namespace={row.name}"),
                (_("Its pods"), "deployed_code", f"{pods}?namespace={row.name}"),
                (_("Its events"), "notifications", f"{events}?namespace={row.name}"),
                (_("All kinds"), "category", root),
            ]
        }  # fmt: skip
