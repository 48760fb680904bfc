"""The objects of a project in a cluster: their marks, their bodies, and whether one is as wanted.

Namespaces are shared with whoever works in them, so only our keys of them are
set and unset; the quota objects are ours entirely.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fleet.quantities import QuantityError, parse_quantity

Json = dict[str, Any]

OWNER = "kubecarrier.io/owner"
MANAGED_BY = "app.kubernetes.io/managed-by"
PROJECT = "kubecarrier.io/project"
# Which labels of a namespace are ours to remove, and whether we made the namespace.
OUR_LABELS = "kubecarrier.io/labels"
MADE = "kubecarrier.io/made"
FIELD_MANAGER = "kubecarrier"
QUOTA_NAME = "kubecarrier"
QUOTA_KINDS = ("ResourceQuota", "LimitRange")
_PARTS = ("min", "defaultRequest", "default", "max")


@dataclass(frozen=True, slots=True)
class Owner:
    """A project as clusters know it; `others` are the marks of the other projects."""

    project: str
    mark: str
    others: frozenset[str] = frozenset()

    def owns(self, obj: Json) -> bool:
        """Whether the object carries this project's mark."""
        return notes_of(obj).get(OWNER) == self.mark


@dataclass(frozen=True, slots=True)
class NamespaceWish:
    """What is wanted of one namespace; with `wanted` false it is let go."""

    name: str
    wanted: bool = True
    adopt: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    hard: Mapping[str, str] = field(default_factory=dict)
    limits: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    delete_asked: bool = False


def owner_mark(project_id: Any) -> str:
    """The owner mark of a project on its objects."""
    return f"project/{project_id}"


def namespace_body(wish: NamespaceWish, owner: Owner) -> Json:
    """A namespace to be made."""
    labels = {**_labels(wish, owner), MANAGED_BY: FIELD_MANAGER}
    notes = {OWNER: owner.mark, MADE: "true", OUR_LABELS: _listed(wish)}
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": wish.name, "labels": labels, "annotations": notes},
    }


def namespace_patch(wish: NamespaceWish, owner: Owner, found: Json) -> Json | None:
    """What must be set and unset on a namespace that is there; None when it is as wanted."""
    labels = _labels(wish, owner)
    before = set(filter(None, notes_of(found).get(OUR_LABELS, "").split(",")))
    unwanted = dict.fromkeys(before - set(labels))
    notes = {OWNER: owner.mark, OUR_LABELS: _listed(wish)}
    patch = {
        "labels": _differing({**labels, **unwanted}, _labels_of(found)),
        "annotations": _differing(notes, notes_of(found)),
    }
    return _patched(found, patch)


def release_patch(found: Json) -> Json | None:
    """Our marks and labels off a namespace; everything else stays."""
    ours = set(filter(None, notes_of(found).get(OUR_LABELS, "").split(",")))
    keys = ours | {PROJECT} | ({MANAGED_BY} if MADE in notes_of(found) else set())
    patch = {
        "labels": _differing(dict.fromkeys(keys), _labels_of(found)),
        "annotations": _differing(dict.fromkeys((OWNER, OUR_LABELS, MADE)), notes_of(found)),
    }
    return _patched(found, patch)


def quota_body(kind: str, wish: NamespaceWish, owner: Owner) -> Json | None:
    """The ResourceQuota or LimitRange of a namespace; None when none is wanted."""
    spec: Json
    if kind == "ResourceQuota":
        spec = {"hard": dict(wish.hard)}
        wanted = bool(wish.hard)
    else:
        parts = {part: dict(wish.limits.get(part) or {}) for part in _PARTS}
        wanted = any(parts.values())
        spec = {"limits": [{"type": "Container", **{k: v for k, v in parts.items() if v}}]}
    if not wanted:
        return None
    return {
        "apiVersion": "v1",
        "kind": kind,
        "metadata": {
            "name": QUOTA_NAME,
            "namespace": wish.name,
            "labels": {MANAGED_BY: FIELD_MANAGER, PROJECT: owner.project},
            "annotations": {OWNER: owner.mark},
        },
        "spec": spec,
    }


def same_quota(body: Json, found: Json) -> bool:
    """Whether a found quota object limits what `body` does, after the server's own defaulting."""
    marks = body["metadata"]["labels"].items() <= _labels_of(found).items()
    if body["kind"] == "ResourceQuota":
        return marks and _equal(body["spec"]["hard"], (found.get("spec") or {}).get("hard") or {})
    items = (found.get("spec") or {}).get("limits") or []
    if len(items) != 1 or items[0].get("type") != "Container":
        return False
    wanted = defaulted(body["spec"]["limits"][0])
    extra = set(items[0]) - {"type", *_PARTS}
    same = all(_equal(wanted.get(part) or {}, items[0].get(part) or {}) for part in _PARTS)
    return marks and same and not extra


def defaulted(item: Json) -> Json:
    """Kubernetes' defaulting of a container's limits (`SetDefaults_LimitRangeItem`)."""
    default = {**(item.get("max") or {}), **(item.get("default") or {})}
    request = {**(item.get("min") or {}), **default, **(item.get("defaultRequest") or {})}
    return {**item, "default": default, "defaultRequest": request}


def notes_of(obj: Json) -> dict[str, str]:
    """The annotations of a raw object."""
    return dict((obj.get("metadata") or {}).get("annotations") or {})


def _labels_of(obj: Json) -> dict[str, str]:
    return dict((obj.get("metadata") or {}).get("labels") or {})


def _labels(wish: NamespaceWish, owner: Owner) -> dict[str, str]:
    return {**wish.labels, PROJECT: owner.project}


def _listed(wish: NamespaceWish) -> str:
    return ",".join(sorted({*wish.labels, PROJECT}))


def _differing(wanted: Mapping[str, str | None], found: Mapping[str, str]) -> Json:
    """The keys to set or (None) to remove."""
    return {key: value for key, value in wanted.items() if found.get(key) != value}


def _patched(found: Json, patch: Json) -> Json | None:
    """With the version that was looked at, so that nobody's change in between is lost."""
    changes = {key: value for key, value in patch.items() if value}
    if not changes:
        return None
    return {"metadata": {**changes, "resourceVersion": found["metadata"]["resourceVersion"]}}


def _equal(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
    try:
        return wanted.keys() == found.keys() and all(
            parse_quantity(text) == parse_quantity(found[name]) for name, text in wanted.items()
        )
    except QuantityError:
        return False
