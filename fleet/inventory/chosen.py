"""Which kinds of a cluster are in the inventory, and how each is watched."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from fleet.inventory.shapes import Shape
from kubecarrier.lib.watching import WatchSpec

# plural, plural.group, *.group or *
PATTERN = re.compile(r"[a-z0-9*]([-a-z0-9.*]{0,318}[a-z0-9*])?")
DEFINITIONS = "customresourcedefinitions.apiextensions.k8s.io"
# What people look for. Left out by default: what only machines read and what is written all the
# time (events, leases, endpoints, endpoint slices, controller revisions).
DEFAULT = frozenset({
    "configmaps", "namespaces", "nodes", "persistentvolumeclaims", "persistentvolumes", "pods",
    "secrets", "serviceaccounts", "services",
    "daemonsets.apps", "deployments.apps", "replicasets.apps", "statefulsets.apps",
    "cronjobs.batch", "jobs.batch",
    "ingresses.networking.k8s.io", "networkpolicies.networking.k8s.io",
    "horizontalpodautoscalers.autoscaling", "poddisruptionbudgets.policy",
    "storageclasses.storage.k8s.io",
    DEFINITIONS,
})  # fmt: skip
_METADATA_ONLY = frozenset({"configmaps"})
# Helm's records are large, many, and shown as releases.
_FIELD_SELECTORS = {"secrets": "type!=helm.sh/release.v1"}
# Whole objects are held page by page: fewer where one may be large.
_PAGE = 500
_PAGES = {DEFINITIONS: 10, "secrets": 50, "configmaps": 500}
_CUSTOM_PAGE = 100
_MAX_KINDS = 400


@dataclass(frozen=True, slots=True)
class Served:
    """A kind as the catalogue knows it of one cluster; `versions` as on ServedResource."""

    name: str
    group: str
    kind: str
    custom: bool
    versions: Sequence[Mapping[str, Any]]


def wanted_specs(served: Iterable[Served], rules: Mapping[str, Any]) -> list[WatchSpec]:
    """What to watch, by name. `rules`: `include` and `exclude`, lists of patterns."""
    chosen = [one for one in served if _chosen(one, rules)]
    specs = [spec for one in sorted(chosen, key=_importance) if (spec := _spec(one))]
    return specs[:_MAX_KINDS]


def _importance(one: Served) -> tuple[bool, str]:
    """Built-in kinds first, so that a flood of custom ones takes nothing from them."""
    return one.name not in DEFAULT, one.name


def _chosen(one: Served, rules: Mapping[str, Any]) -> bool:
    if one.name == DEFINITIONS:
        return True  # the catalogue lives from their changes
    if _matches(one.name, rules.get("exclude") or ()):
        return False
    return one.custom or one.name in DEFAULT or _matches(one.name, rules.get("include") or ())


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _spec(one: Served) -> WatchSpec | None:
    """The first version that can be listed and watched; None without one."""
    for version in one.versions:
        if {"list", "watch"} <= set(version.get("verbs") or ()):
            api_version = f"{one.group}/{version['name']}" if one.group else str(version["name"])
            return WatchSpec(
                api_version,
                one.kind,
                metadata_only=one.name in _METADATA_ONLY,
                field_selector=_FIELD_SELECTORS.get(one.name, ""),
                shape=Shape(api_version, one.kind, _printer(version)),
                page_limit=_CUSTOM_PAGE if one.custom else _PAGES.get(one.name, _PAGE),
            )
    return None


def _printer(version: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Columns of the first priority; the age is a column of its own."""
    return tuple(
        (str(column["name"]), str(column["path"]))
        for column in version.get("columns") or ()
        if not column.get("priority") and column["path"] != ".metadata.creationTimestamp"
    )
