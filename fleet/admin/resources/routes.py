"""The addresses of the pages, below a cluster's own page."""

from __future__ import annotations

from typing import Any

from django.urls import path, reverse
from django.views.decorators.csrf import csrf_protect

from fleet.admin.resources import acting, editing, logs, looking
from fleet.admin.resources.page import asking
from fleet.models import Cluster

_SHORTCUTS = (
    ("Pods", ("core", "v1", "pods")),
    ("Deployments", ("apps", "v1", "deployments")),
    ("StatefulSets", ("apps", "v1", "statefulsets")),
    ("Services", ("core", "v1", "services")),
    ("ConfigMaps", ("core", "v1", "configmaps")),
    ("Secrets", ("core", "v1", "secrets")),
    ("Namespaces", ("core", "v1", "namespaces")),
    ("Nodes", ("core", "v1", "nodes")),
)
_ROOT = "<uuid:pk>/resources/"
_KIND = f"{_ROOT}<str:group>/<str:version>/<str:plural>/"
_ONE = f"{_KIND}<str:namespace>/<str:name>/"


def urls(site: Any) -> list[Any]:
    """For `ClusterAdmin.get_urls`, before Django's own."""
    pages = (
        (_ROOT, looking.kinds_view, "kinds", "view"),
        (_KIND, looking.list_view, "list", "view"),
        (f"{_KIND}new/", editing.new_view, "new", "create"),
        (f"{_KIND}check/", editing.check_view, "check", "view"),
        (f"{_KIND}bulk/", acting.bulk_view, "bulk", "view"),
        (_ONE, looking.object_view, "object", "view"),
        (f"{_ONE}edit/", editing.edit_view, "edit", "edit"),
        (f"{_ONE}logs/", logs.logs_view, "logs", "logs"),
        (f"{_ONE}do/<str:action>/", acting.act_view, "do", "view"),
    )
    return [
        path(
            at,
            site.admin_view(csrf_protect(asking(f"resources.{verb}", view))),
            name=f"fleet_live_{name}",
        )
        for at, view, name, verb in pages
    ]


def shortcuts(cluster: Cluster) -> dict[str, Any]:
    """What a cluster's own page links to; the kinds that every cluster serves."""
    listed = [
        {"title": title, "url": reverse("admin:fleet_live_list", args=[cluster.pk, *where])}
        for title, where in _SHORTCUTS
    ]
    root = reverse("admin:fleet_live_kinds", args=[cluster.pk])
    return {"shortcuts": listed, "resources_url": root}
