"""The kinds of a cluster, the objects of a kind, one object."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fleet.admin.resources.page import Page, page_view, url
from fleet.kube import ObjectRef, Resource
from fleet.live import actions, kinds, tables
from fleet.live.belonging import warnings_of
from fleet.live.logs import loggable
from fleet.live.objects import resource_events, resource_object
from fleet.live.owners import resource_owners
from kubecarrier.lib import strict_yaml
from kubecarrier.lib.errors import KubeCarrierError

Json = dict[str, Any]

_PAGE = 100
_TABS = ("summary", "events", "owners", "yaml")
_USUAL = ("pods", "deployments", "statefulsets", "daemonsets", "jobs", "cronjobs", "services", "ingresses",
          "configmaps", "secrets", "persistentvolumeclaims", "namespaces", "nodes")  # fmt: skip
TITLES = {
    "scale": (gettext_lazy("Scale"), "unfold_more"),
    "restart": (gettext_lazy("Restart"), "restart_alt"),
    "suspend": (gettext_lazy("Suspend"), "pause"),
    "resume": (gettext_lazy("Resume"), "play_arrow"),
    "reveal": (gettext_lazy("Reveal values"), "visibility"),
    "delete": (gettext_lazy("Delete"), "delete"),
}


@page_view
def kinds_view(page: Page) -> HttpResponse:
    """Everything that the cluster serves, by group."""
    page.session.require("resources.view")
    with page.session.doing("read what the cluster serves"):
        served = [
            one for one in kinds.preferred(page.session.kube.resources()) if "list" in one.verbs
        ]
    text = page.request.GET.get("q", "").strip().lower()[:100]
    shown = [one for one in served if not text or text in _words(one)]
    groups: dict[str, list[dict[str, Any]]] = {}
    for one in shown:
        entry = {"kind": one, "url": url("list", page.cluster, one)}
        groups.setdefault(one.group or kinds.CORE, []).append(entry)
    usual = [
        {"kind": one, "url": url("list", page.cluster, one)}
        for plural in _USUAL
        for one in served
        if one.plural == plural and one.group in {"", "apps", "batch", "networking.k8s.io"}
    ]
    return page.render(
        "console/resource_kinds.html",
        title=_("Resources of %(name)s") % {"name": page.cluster.name},
        groups=sorted(groups.items(), key=lambda one: (one[0] != kinds.CORE, one[0])),
        usual=[] if text else usual,
        asked=text,
        unknown=sorted(page.session.kube.discovery.stale_groups()),
    )


@page_view
def list_view(page: Page) -> HttpResponse:
    """A page of objects, as the server prints them."""
    kind, asked = _kind(page), page.request.GET
    query = tables.Query(
        namespace=asked.get("namespace", "").strip()[:63],
        label_selector=asked.get("labels", "").strip()[:1000],
        field_selector=asked.get("fields", "").strip()[:1000],
        search=asked.get("q", "").strip()[:200],
        limit=_PAGE,
        continue_token=asked.get("continue", ""),
    )
    table = tables.resource_table(page.session, kind, query)
    columns = [column for column in table.columns if not column.get("priority")]
    positions = [n for n, column in enumerate(table.columns) if not column.get("priority")]
    following = asked.copy()
    following["continue"] = table.continue_token
    first = asked.copy()
    first.pop("continue", None)
    return page.render(
        "console/resource_list.html",
        title=f"{kind.kind}",
        columns=columns,
        rows=[_row(page, kind, row, positions) for row in table.rows],
        table=table,
        asked=asked,
        namespaces=_namespaces(page) if kind.namespaced else [],
        following=f"?{following.urlencode()}" if table.continue_token else "",
        first=f"?{first.urlencode()}" if asked.get("continue") else "",
        bulk_url=url("bulk", page.cluster, kind),
        new_url=url("new", page.cluster, kind) if "create" in kind.verbs else "",
        acts=[
            {"slug": slug, "title": TITLES[slug][0]}
            for slug in (*actions.offered(kind), "delete")
            if slug in {"scale", "restart", "suspend", "resume", "delete"}
        ],
    )


@page_view
def object_view(page: Page) -> HttpResponse:
    """One object: what is known of it, its events, its family, its YAML."""
    session, kind, ref = page.chosen()
    tab = page.request.GET.get("tab", "")
    tab = tab if tab in _TABS else _TABS[0]
    obj = resource_object(session, kind, ref)
    context: Json = {}
    match tab:
        case "events":
            context["events"] = resource_events(session, kind, ref)
        case "owners":
            context["family"] = _family(page, resource_owners(session, kind, ref))
        case "yaml":
            context["text"] = strict_yaml.dump(obj)
        case _:
            context |= _summary(obj)
            context["events"] = resource_events(session, kind, ref)[:5]
    names = {
        "summary": (_("Summary"), "info"), "events": (_("Events"), "notifications"),
        "owners": (_("Owners and dependents"), "account_tree"), "yaml": ("YAML", "code"),
    }  # fmt: skip
    return page.render(
        "console/resource_object.html",
        title=ref.name,
        obj=obj,
        metadata=obj.get("metadata") or {},
        warnings=warnings_of(obj),
        tab=tab,
        tabs=[(one, *names[one]) for one in _TABS],
        can_edit="update" in kind.verbs,
        edit_url=page.url("edit"),
        logs_url=page.url("logs") if loggable(kind) else "",
        acts=[
            {"slug": slug, "title": TITLES[slug][0], "icon": TITLES[slug][1],
             "url": page.url("do", slug), "danger": slug == "delete"}
            for slug in (*actions.offered(kind), "delete")
        ],
        **context,
    )  # fmt: skip


def _kind(page: Page) -> Resource:
    if page.kind is None:
        raise KubeCarrierError("kind_missing", _("Name a kind."))
    return page.kind


def _words(one: Resource) -> str:
    return " ".join((one.plural, one.kind, one.group, *one.short_names, *one.categories)).lower()


def _row(page: Page, kind: Resource, row: tables.Row, positions: list[int]) -> Json:
    ref = ObjectRef(kind.api_version, kind.kind, row.namespace, row.name)
    cells = [row.cells[n] if n < len(row.cells) else "" for n in positions]
    return {
        "url": url("object", page.cluster, kind, ref),
        "namespace": row.namespace,
        "name": row.name,
        "chosen": f"{row.namespace}|{row.name}|{row.uid}",
        "cells": [("" if one is None else one) for one in cells[1:]],
        "deleting": row.deleting,
    }


def _namespaces(page: Page) -> list[str]:
    return list(page.cluster.namespaces.order_by("name").values_list("name", flat=True)[:500])


def _summary(obj: Json) -> Json:
    """Conditions and the short fields of status and spec; what is long is in the YAML."""
    status = obj.get("status") if isinstance(obj.get("status"), dict) else {}
    spec = obj.get("spec") if isinstance(obj.get("spec"), dict) else {}
    conditions = (status or {}).get("conditions")
    return {
        "conditions": [
            one for one in conditions or [] if isinstance(one, dict) and one.get("type")
        ],
        "status_facts": _facts(status),
        "spec_facts": _facts(spec),
        "data_keys": sorted((obj.get("data") or {}) if isinstance(obj.get("data"), dict) else {}),
    }


def _facts(part: Any) -> list[tuple[str, Any]]:
    if not isinstance(part, dict):
        return []
    found = []
    for key, value in part.items():
        if isinstance(value, str | int | float | bool) and len(str(value)) < 200:
            found.append((key, value))
        elif isinstance(value, list) and value and all(isinstance(one, str | int) for one in value):
            found.append((key, ", ".join(map(str, value))[:300]))
    return found


def _family(page: Page, tree: Json) -> Json:
    """The trees with an address at each object."""
    served = page.session.kube.resources()

    def linked(entry: Json) -> Json:
        one = next(
            (r for r in served if (r.api_version, r.kind) == (entry["apiVersion"], entry["kind"])),
            None,
        )
        ref = ObjectRef(entry["apiVersion"], entry["kind"], entry["namespace"], entry["name"])
        children = entry.get("owners") or entry.get("dependents") or []
        there = entry.get("state", "present") == "present"
        return {
            **entry,
            "url": url("object", page.cluster, one, ref) if one and there else "",
            "children": [linked(child) for child in children],
        }

    return {
        "owners": [linked(one) for one in tree["owners"]],
        "dependents": [linked(one) for one in tree["dependents"]],
        "unseen": tree["unseen"],
    }
