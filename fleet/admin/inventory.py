"""The console's pages of the inventory: find an object anywhere, and see what belongs to it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fleet.admin.observed import ObservedAdmin
from fleet.health import HealthStatus
from fleet.inventory.search import with_words
from fleet.models import InventoryKind, InventoryObject, Namespace
from fleet.owner_tree import tree_of
from fleet.permissions import visible_clusters, visible_inventory
from fleet.queries import attach_freshness, with_fresh
from kubecarrier.templatetags.console import chip, health, since

_CHOICES = 300
_UNWELL = 8


class _Choice(admin.SimpleListFilter):
    """A filter whose values come from a small table, not from the large one."""

    column = ""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        return queryset.filter(**{self.column: value}) if value else queryset


class ClusterFilter(_Choice):
    """By cluster."""

    title = gettext_lazy("cluster")
    parameter_name = column = "cluster"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        found = visible_clusters(request.user).order_by("name").values_list("pk", "name")
        return [(str(pk), name) for pk, name in found[:_CHOICES]]


class KindFilter(_Choice):
    """By kind, out of those that are watched."""

    title = gettext_lazy("kind")
    parameter_name = column = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        found = InventoryKind.objects.order_by("kind").values_list("kind", flat=True).distinct()
        return [(kind, kind) for kind in found[:_CHOICES]]


class NamespaceFilter(_Choice):
    """By namespace."""

    title = gettext_lazy("namespace")
    parameter_name = column = "namespace"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        found = Namespace.objects.filter(cluster__in=visible_clusters(request.user))
        names = found.order_by("name").values_list("name", flat=True).distinct()
        return [(name, name) for name in names[:_CHOICES]]


class HealthFilter(_Choice):
    """By health."""

    title = gettext_lazy("health")
    parameter_name = column = "health"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(one.value, one.value) for one in HealthStatus]


@admin.register(InventoryObject)
class InventoryAdmin(ObservedAdmin):
    """Every object of every cluster, as the watches told it."""

    rows = visible_inventory
    find_icon = "deployed_code"
    empty_text = gettext_lazy(
        "Objects appear within seconds of a cluster's import, as the controller watches it."
    )
    status_template = "console/inventory_status.html"
    list_display = ("name", "kind", "namespace", "in_cluster", "well", "shown", "age")
    list_filter = (ClusterFilter, KindFilter, NamespaceFilter, HealthFilter)
    list_select_related = ()
    search_fields = ("text",)
    search_help_text = gettext_lazy("Words of kind, namespace, name or labels; all must be there.")
    # The order of the indexes, and no other: the admin's own "-pk" at the end would sort all rows.
    ordering = ("name", "pk")
    sortable_by = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return with_fresh(super().get_queryset(request))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return with_words(queryset, search_term[:200].replace("\0", "")), False

    def find(self, request: HttpRequest, text: str) -> QuerySet[Any]:
        return with_words(visible_inventory(request.user), text).order_by("name", "pk")

    def find_about(self, row: Any) -> str:
        return " · ".join(filter(None, (row.kind, row.namespace, row.cluster_name)))

    @admin.display(description=gettext_lazy("cluster"))
    def in_cluster(self, row: Any) -> str:
        return str(row.cluster_name)

    @admin.display(description=gettext_lazy("health"))
    def well(self, row: Any) -> str:
        """What may have changed unseen says so: old knowledge is never plain green."""
        if row.fresh:
            return health(row.health)
        why = _("Its watch does not run: this was seen some time ago.")
        stale = chip(_("Stale"), "warn", "history_toggle_off", why)
        return format_html("{} {}", health(row.health), stale)

    @admin.display(description=gettext_lazy("status"))
    def shown(self, row: InventoryObject) -> str:
        return summary(row)

    @admin.display(description=gettext_lazy("age"))
    def age(self, row: InventoryObject) -> str:
        return since(row.created_at)

    def header_context(self, row: Any) -> dict[str, Any]:
        attach_freshness([row])
        return {"title": row.name, "facts": self._facts(row)}

    def _facts(self, row: Any) -> list[tuple[Any, Any]]:
        cluster = format_html(
            '<a href="{}">{}</a>',
            reverse("admin:fleet_cluster_change", args=[row.cluster_id]),
            row.cluster_name,
        )
        return [
            (_("Kind"), f"{row.kind} ({row.api_version})"), (_("Namespace"), row.namespace),
            (_("Cluster"), cluster), (_("Health"), health(row.health)),
            (_("Created"), since(row.created_at)), (_("Known as of"), freshness(row)),
        ]  # fmt: skip

    def status_context(self, row: Any) -> dict[str, Any]:
        listed = f"{reverse('admin:fleet_inventoryobject_changelist')}?cluster={row.cluster_id}"
        return {
            "columns": list(row.columns.items()),
            "tree": tree_of(row),
            "live_object_url": live_url(row),
            "beside_url": f"{listed}&namespace={row.namespace}" if row.namespace else listed,
        }


def unwell_in(cluster: Any, user: Any) -> dict[str, Any]:
    """What is degraded in a cluster, for its page: the first few, and where all are listed."""
    found = visible_inventory(user).filter(cluster=cluster, health=HealthStatus.DEGRADED)
    listed = reverse("admin:fleet_inventoryobject_changelist")
    return {
        "unwell": found.order_by("name", "pk")[:_UNWELL],
        "unwell_url": f"{listed}?cluster={cluster.pk}&health={HealthStatus.DEGRADED}",
    }


def live_url(row: InventoryObject) -> str:
    """The page that opens the object itself in its cluster."""
    where = [row.group or "core", row.version, row.kind, row.namespace or "-", row.name]
    return reverse("admin:fleet_live_object", args=[row.cluster_id, *where])


def summary(row: InventoryObject) -> str:
    """The columns that say most, in one line."""
    kept = ("status", "ready", "completions", "type", "capacity", "hosts")
    chosen = [row.columns[key] for key in kept if row.columns.get(key)]
    if not chosen and row.kind != "CustomResourceDefinition":
        chosen = [value for value in list(row.columns.values())[:2] if value not in (None, "")]
    texts = (", ".join(map(str, one)) if isinstance(one, list) else str(one) for one in chosen)
    return " · ".join(texts)[:80]


def freshness(row: InventoryObject) -> str:
    """When it was last known to be so; what is stale says that it is."""
    if not row.is_stale:
        return since(row.known_at)
    why = row.watched.error_message if row.watched else _("Nobody watches this kind there.")
    mark = chip(_("Stale"), "warn", "history_toggle_off", why or _("Nobody watches the cluster."))
    return format_html("{} {}", mark, since(row.known_at))
