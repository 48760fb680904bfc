"""URLs of live objects; the scheme is told in `fleet.api.views.resource`."""

from __future__ import annotations

from django.urls import path

from fleet.api.views.node_live import NodeLiveViewSet
from fleet.api.views.pod_logs import PodLogsViewSet
from fleet.api.views.resource import ResourceKindViewSet, ResourceListViewSet, ResourceViewSet

_ROOT = "clusters/<str:cluster>/resources"
_KIND = f"{_ROOT}/<str:group>/<str:version>/<str:plural>"
_ONE = f"{_KIND}/<str:namespace>/<str:name>"
_READS = ("events", "owners")
_NODE = "clusters/<str:cluster>/nodes/<str:node>"
_NODE_ACTS = ("cordon", "uncordon", "label", "taint", "drain")
_ACTS = ("scale", "restart", "suspend", "resume", "reveal")

urlpatterns = [
    path(_ROOT, ResourceKindViewSet.as_view({"get": "list"}), name="resource-kinds"),
    path(f"{_ROOT}/bulk", ResourceKindViewSet.as_view({"post": "bulk"}), name="resource-bulk"),
    path(f"{_ROOT}/apply", ResourceKindViewSet.as_view({"post": "apply"}), name="resource-apply"),
    path(
        _KIND,
        ResourceListViewSet.as_view({"get": "list", "post": "create"}),
        name="resource-list",
    ),
    path(
        f"{_KIND}/schema", ResourceListViewSet.as_view({"get": "schema_"}), name="resource-schema"
    ),
    path(
        _ONE,
        ResourceViewSet.as_view(
            {"get": "retrieve", "put": "update", "patch": "partial_update", "delete": "destroy"}
        ),
        name="resource-detail",
    ),
    *(
        path(f"{_ONE}/{one}", ResourceViewSet.as_view({"get": one}), name=f"resource-{one}")
        for one in _READS
    ),
    *(
        path(f"{_ONE}/{one}", ResourceViewSet.as_view({"post": one}), name=f"resource-{one}")
        for one in _ACTS
    ),
    path(f"{_ONE}/log", PodLogsViewSet.as_view({"get": "retrieve"}), name="pod-logs"),
    path(_NODE, NodeLiveViewSet.as_view({"get": "retrieve"}), name="node-live"),
    path(
        f"{_NODE}/drain/cancel",
        NodeLiveViewSet.as_view({"post": "cancel"}),
        name="node-drain-cancel",
    ),
    *(
        path(f"{_NODE}/{one}", NodeLiveViewSet.as_view({"post": one}), name=f"node-{one}")
        for one in _NODE_ACTS
    ),
]
