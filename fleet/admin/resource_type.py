"""The console's pages of the catalogue: what is served where, and a kind's fields as a tree."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fleet.admin.observed import ObservedAdmin
from fleet.explaining import Explained, explain, versions_of
from fleet.models import ResourceType
from fleet.permissions import visible_clusters, visible_resource_types
from fleet.queries import attach_served
from kubecarrier.lib.errors import KubeCarrierError

_DEPTH = 4
_CHOICES = 300


class ServedByFilter(admin.SimpleListFilter):
    """By the cluster that serves it."""

    title = gettext_lazy("cluster")
    parameter_name = "cluster"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        found = visible_clusters(request.user).order_by("name").values_list("pk", "name")
        return [(str(pk), name) for pk, name in found[:_CHOICES]]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        return queryset.filter(served__cluster=value) if value else queryset


@admin.register(ResourceType)
class ResourceTypeAdmin(ObservedAdmin):
    """Every kind that a cluster of the fleet serves."""

    rows = visible_resource_types
    find_icon = "category"
    status_template = "console/resource_type_status.html"
    list_display = ("name", "kind", "offered", "clusters", "short", "namespaced", "custom")
    list_filter = ("custom", "namespaced", ServedByFilter)
    list_select_related = ()
    search_fields = ("name", "kind")
    ordering = ("name",)
    sortable_by = ("name", "kind")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("served")

    @admin.display(description=gettext_lazy("versions"))
    def offered(self, row: ResourceType) -> str:
        return ", ".join(versions_of(list(row.served.all())))

    @admin.display(description=gettext_lazy("clusters"))
    def clusters(self, row: ResourceType) -> int:
        return len(row.served.all())

    @admin.display(description=gettext_lazy("short names"))
    def short(self, row: ResourceType) -> str:
        return ", ".join(row.short_names)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: Any = None,
        form_url: str = "",
        extra_context: Any = None,
    ) -> HttpResponse:
        if object_id is None:
            raise PermissionDenied
        row = self.fetch(request, object_id)
        context = {**(extra_context or {}), **self._fields(request, row)}
        return super().changeform_view(request, object_id, form_url, context)

    def _fields(self, request: HttpRequest, row: ResourceType) -> dict[str, Any]:
        """The tree from the asked path down; what could not be explained says why."""
        asked = {key: request.GET.get(key, "")[:300] for key in ("path", "version", "cluster")}
        path = [word for word in asked["path"].split(".") if word]
        context: dict[str, Any] = {**asked, "crumbs": _crumbs(path)}
        try:
            found: Explained = explain(
                row, path, version=asked["version"], cluster=asked["cluster"], depth=_DEPTH
            )
        except KubeCarrierError as error:
            return {**context, "refused": f"{error.message} {error.hint or ''}"}
        return {**context, "explained": found}

    def header_context(self, row: Any) -> dict[str, Any]:
        scope = _("in namespaces") if row.namespaced else _("for the whole cluster")
        facts = [
            (_("Kind"), row.kind), (_("Group"), row.group or "core"), (_("Scope"), scope),
            (_("Short names"), ", ".join(row.short_names)), (_("Categories"), ", ".join(row.categories)),
            (_("Defined by"), _("a CRD") if row.custom else _("the API server")),
        ]  # fmt: skip
        return {"facts": facts, "title": row.name}

    def status_context(self, row: Any) -> dict[str, Any]:
        attach_served([row])
        objects = reverse("admin:fleet_inventoryobject_changelist")
        return {
            "served": row.served_by,
            "versions": versions_of(row.served_by),
            "objects_url": f"{objects}?kind={row.kind}",
        }


def _crumbs(path: list[str]) -> list[tuple[str, str]]:
    """Each part of a path with the path up to it."""
    return [(word, ".".join(path[: number + 1])) for number, word in enumerate(path)]
