"""The console's pages of nodes: as the last probe saw them, and what can be done with one."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fleet.admin.load import bars_of, in_short
from fleet.admin.observed import ObservedAdmin
from fleet.forms.node import DrainForm, NodeLabelsForm, NodeTaintsForm, options_of
from fleet.live import nodes
from fleet.live.session import Session, open_session
from fleet.models import Node
from fleet.permissions import visible_nodes
from fleet.queries import operations_of
from fleet.services.drains import drain_cancel, drain_start
from kubecarrier.console.actions import Done, ObjectAction
from kubecarrier.lib.errors import KubeCarrierError
from kubecarrier.templatetags.console import chip


def _session(row: Node, user: Any) -> Session:
    return open_session(user=user, cluster=row.cluster)


def _cordon(row: Node, given: dict[str, Any], user: Any) -> Done:
    nodes.node_cordon(_session(row, user), row.name, unschedulable=True)
    return Done(_("Cordoned: no new pods come."))


def _uncordon(row: Node, given: dict[str, Any], user: Any) -> Done:
    nodes.node_cordon(_session(row, user), row.name, unschedulable=False)
    return Done(_("New pods may come again."))


def _label(row: Node, given: dict[str, Any], user: Any) -> Done:
    nodes.node_label(_session(row, user), row.name, given["labels"])
    return Done(_("The labels are set."))


def _taint(row: Node, given: dict[str, Any], user: Any) -> Done:
    nodes.node_taint(_session(row, user), row.name, **given["taints"])
    return Done(_("The taints are set."))


def _drain(row: Node, given: dict[str, Any], user: Any) -> Done:
    session, options = _session(row, user), options_of(given)
    plan = nodes.node_drain_plan(session, row.name, options)
    drain_start(
        actor=user, cluster=session.cluster, node=row.name, plan=plan, options=options,
        timeout_seconds=60 * given["timeout_minutes"],
    )  # fmt: skip
    return Done(_("Draining: the operation below shows how far it is."))


def _cancel(row: Node, given: dict[str, Any], user: Any) -> Done:
    drain_cancel(actor=user, cluster=row.cluster, node=row.name)
    return Done(_("The drain ends; the node stays cordoned."))


def _heaviest(pods: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those first that reserve most."""
    return sorted(
        pods, key=lambda pod: (-pod["requested"]["cpu_millicores"], pod["namespace"], pod["name"])
    )


def _pod_url(row: Node, pod: dict[str, Any]) -> str:
    where = [row.cluster_id, "core", "v1", "pods", pod["namespace"], pod["name"]]
    return reverse("admin:fleet_live_object", args=where)


def _draining(row: Node) -> bool:
    return bool(row.cluster.drains.filter(node=row.name, finished_at=None).exists())


@admin.register(Node)
class NodeAdmin(ObservedAdmin):
    """Nodes: looked at, cordoned, drained, labelled, tainted."""

    rows = visible_nodes
    find_icon = "memory"
    status_template = "console/node_status.html"
    list_display = ("name", "cluster", "readiness", "cordoned", "load", "kubelet_version", "seen")
    list_filter = ("ready", "unschedulable", "kubelet_version", "cluster")
    search_fields = ("name", "cluster__name")
    ordering = ("cluster__name", "name")
    live = True
    object_actions = (
        ObjectAction("cordon", gettext_lazy("Cordon"), "block", _cordon, verb="operate", offered=lambda row: not row.unschedulable,
                     text=gettext_lazy("No new pods come to the node; those on it stay.")),
        ObjectAction("uncordon", gettext_lazy("Uncordon"), "check_circle", _uncordon, verb="operate", offered=lambda row: row.unschedulable,
                     text=gettext_lazy("New pods may come again.")),
        ObjectAction("drain", gettext_lazy("Drain"), "logout", _drain, verb="operate", form=DrainForm, danger=True,
                     offered=lambda row: not _draining(row),
                     text=gettext_lazy("Cordons the node, then evicts its pods; disruption budgets are respected. Pods of DaemonSets and mirror pods stay.")),
        ObjectAction("cancel", gettext_lazy("Cancel the drain"), "cancel", _cancel, verb="operate", offered=_draining,
                     text=gettext_lazy("Nothing more is evicted; the node stays cordoned.")),
        ObjectAction("label", gettext_lazy("Labels"), "label", _label, verb="operate", form=NodeLabelsForm),
        ObjectAction("taint", gettext_lazy("Taints"), "do_not_disturb_on", _taint, verb="operate", form=NodeTaintsForm),
    )  # fmt: skip

    @admin.display(description=gettext_lazy("ready"), ordering="ready")
    def readiness(self, row: Node) -> str:
        if row.ready:
            return chip(_("Ready"), "ok", "check_circle")
        return chip(_("Not ready"), "bad", "error")

    @admin.display(description=gettext_lazy("requested"))
    def load(self, row: Node) -> str:
        return in_short(row)

    @admin.display(description=gettext_lazy("cordoned"), ordering="unschedulable")
    def cordoned(self, row: Node) -> str:
        return chip(_("Cordoned"), "warn", "block") if row.unschedulable else "–"

    def status_context(self, row: Any) -> dict[str, Any]:
        pods = reverse("admin:fleet_live_list", args=[row.cluster_id, "core", "v1", "pods"])
        where = [row.cluster_id, "core", "v1", "nodes", "-", row.name]
        return {
            "bars": bars_of(row),
            "pods_here_url": reverse("admin:fleet_node_pods", args=[row.pk]),
            "pods_url": f"{pods}?fields=spec.nodeName%3D{row.name}",
            "live_object_url": reverse("admin:fleet_live_object", args=where),
            "operations": list(operations_of(row)[:5]),
        }

    def get_urls(self) -> list[Any]:
        pods = path(
            "<path:object_id>/pods/",
            self.admin_site.admin_view(self.pods_view),
            name="fleet_node_pods",
        )
        return [pods, *super().get_urls()]

    def pods_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """A part of the status page: asked of the cluster, as the person, after the page is there."""
        row = self.fetch(request, object_id)
        context: dict[str, Any] = {}
        try:
            found = nodes.node_detail(_session(row, request.user), row.name)["pods"]
            context["pods"] = [{**pod, "url": _pod_url(row, pod)} for pod in _heaviest(found)]
        except KubeCarrierError as error:
            context["refused"] = error
        return TemplateResponse(request, "console/node_pods.html", context)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("cluster")
