"""The console's pages of cluster grants."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy

from fleet.models import ClusterGrant
from fleet.permissions import visible_grants
from kubecarrier.console.admin import PortalAdmin
from kubecarrier.templatetags.console import since


@admin.register(ClusterGrant)
class ClusterGrantAdmin(PortalAdmin):
    """What bindings put into clusters, as it was last seen there."""

    rows = visible_grants
    status_template = "console/grant_status.html"
    list_display = ("name", "state", "binding", "cluster", "verified")
    list_filter = ("ready", "cluster")
    search_fields = ("name",)
    list_select_related = ("binding", "cluster")
    ordering = ("name",)

    def _tabs(self) -> list[tuple[str, Any, str]]:
        return []

    @admin.display(description=gettext_lazy("verified"), ordering="verified_at")
    def verified(self, row: ClusterGrant) -> str:
        return since(row.verified_at) if row.verified_at else ""

    def status_context(self, row: Any) -> dict[str, Any]:
        return {"wanted": row.wanted, "objects": row.objects_seen, "drift": row.drift}
