"""What is asked of clusters while a person waits: previews of config items.

Nothing here changes a cluster; each call has a time budget, and one cluster
that does not answer is an error in its own group, never a missing one.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from fleet import addresses
from fleet.configs.diffs import unified, values_text
from fleet.configs.object import SECRET, Wanted, owner_of, values_of
from fleet.configs.queries import content_of, digest_key, wanted_in
from fleet.connection import Connection
from fleet.kube import Budget, Kube, ObjectRef
from fleet.kube_errors import NotFound
from fleet.models import ConfigCopy, ConfigItem
from fleet.queries import connection_of
from kubecarrier.lib.errors import KubeCarrierError
from kubecarrier.lib.netguard import Policy

Json = dict[str, Any]
_BUDGET = Budget(connect=3, read=5, total=8)
_WORKERS = 16


@dataclass(frozen=True, slots=True)
class Target:
    """One place of a preview; `goes` when the object is no longer wanted there."""

    place: str
    connection: Connection
    wanted: Wanted
    goes: bool
    keep: bool
    adopt: bool


@dataclass(frozen=True, slots=True)
class Change:
    """What would change in one place."""

    place: str
    diff: str = ""
    summary: tuple[int, int, int] = (0, 0, 0)
    error: KubeCarrierError | None = None


def configitem_preview(*, name: str, save: Callable[[], object] | None) -> list[Json]:
    """What `save` (None: what is saved) would change, grouped by equal result.

    The save is really made, in a transaction that is rolled back, so that the
    preview and the save cannot differ. Raises what the save raises.
    """
    with transaction.atomic():
        if save is not None:
            save()
        item = ConfigItem.objects.get(name=name)
        targets = _targets(item)
        transaction.set_rollback(True)
    rules, key = addresses.policy(), digest_key()
    with ThreadPoolExecutor(_WORKERS) as pool:
        changes = list(pool.map(lambda target: _change(target, rules, key), targets))
    return _grouped(changes)


def _targets(item: ConfigItem) -> list[Target]:
    content = content_of(item)
    copies = item.copies.select_related("cluster").order_by("cluster__name", "namespace")
    return [_target(item, copy, content.on(copy.cluster.name)) for copy in copies]


def _target(item: ConfigItem, copy: ConfigCopy, values: dict[str, bytes]) -> Target:
    alone = len(item.namespaces) == 1
    return Target(
        place=copy.cluster.name if alone else f"{copy.cluster.name}/{copy.namespace}",
        connection=connection_of(copy.cluster),
        wanted=wanted_in(item, copy.namespace, values),
        goes=copy.deletion_requested_at is not None,
        keep=copy.keep_object,
        adopt=copy.adopt,
    )


def _change(target: Target, rules: Policy, key: bytes) -> Change:
    """In a thread: present against wanted in one place."""
    wanted = target.wanted
    try:
        kube = Kube(addresses.guarded(target.connection, rules), budget=_BUDGET)
        live = kube.get(ObjectRef("v1", wanted.kind, wanted.namespace, wanted.name))
    except NotFound:
        live = None
    except KubeCarrierError as error:
        return Change(target.place, error=error)
    foreign = live is not None and owner_of(live) != wanted.owner
    if foreign and not target.adopt:
        text = "An object of that name is there and not ours: it would be left alone."
        return Change(target.place, error=KubeCarrierError("object_owned_by_others", text))
    if target.goes and target.keep:
        return Change(target.place)
    return _compared(target, live, key)


def _compared(target: Target, live: Json | None, key: bytes) -> Change:
    wanted, secret = target.wanted, target.wanted.kind == SECRET
    before = values_of({"kind": wanted.kind, **live}) if live is not None else {}
    after = {} if target.goes else wanted.values
    label = f"{wanted.kind} {wanted.name}"
    diff = unified(
        values_text(before, secret=secret, key=key),
        values_text(after, secret=secret, key=key),
        f"live {label}",
        f"wanted {label}",
    )
    if live is None:
        return Change(target.place, diff, (0 if target.goes else 1, 0, 0))
    if target.goes:
        return Change(target.place, diff, (0, 0, 1))
    return Change(target.place, diff, (0, int(bool(diff)), 0))


def _grouped(changes: list[Change]) -> list[Json]:
    """Places with the same diff stand together; errors stand with those of the same kind."""
    groups: dict[tuple[str, str, tuple[int, int, int]], Json] = {}
    for change in changes:
        code = change.error.code if change.error else ""
        added, changed, removed = change.summary
        group = groups.setdefault(
            (change.diff, code, change.summary),
            {
                "clusters": [],
                "diff": change.diff,
                "summary": {"added": added, "changed": changed, "removed": removed},
                "error": {"code": code, "message": change.error.message} if change.error else None,
            },
        )
        group["clusters"].append(change.place)
    return list(groups.values())
