"""What becomes of a change that somebody made in a cluster.

Three states meet: `base` (what we wrote there last), `there` (what stands
there) and `here` (what is wanted by now). Keys that only one side changed go
together; of keys that both changed, the later change wins by the servers'
clocks and the other one goes into the inbox, so that nothing is lost.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import orjson
from django.db.models.functions import Now
from django.utils import timezone

from fleet.choices import ConflictCause
from fleet.configs import placing
from fleet.configs.content import Content, Values, is_masked
from fleet.configs.object import Author
from fleet.configs.queries import content_of, revision_content
from fleet.configs.revising import Origin, save
from fleet.models import ConfigConflict, ConfigCopy, ConfigItem, ConfigItemRevision
from kubecarrier.lib import audit, crypto
from kubecarrier.lib.errors import InvalidError

Changes = dict[str, bytes | None]


@dataclass(frozen=True, slots=True)
class Merged:
    """`take` is to be written everywhere, `lost` is what either side loses by that."""

    take: Changes
    lost: Changes
    mine_lost: bool


def merge(base: Values, there: Values, here: Values, *, there_is_later: bool) -> Merged:
    """Three-way by key. Pure. Masks are never taken."""
    theirs = {
        key: value
        for key, value in changes(base, there).items()
        if value is None or not is_masked(value)
    }
    mine = changes(base, here)
    both = {key for key in theirs if key in mine and theirs[key] != mine[key]}
    take = {k: v for k, v in theirs.items() if there_is_later or k not in both}
    take = {k: v for k, v in take.items() if here.get(k) != v}
    losing = mine if there_is_later else theirs
    return Merged(take, {key: losing[key] for key in sorted(both)}, there_is_later)


def changes(before: Values, after: Values) -> Changes:
    """What leads from one to the other; None takes a key away."""
    keys = set(before) | set(after)
    return {key: after.get(key) for key in sorted(keys) if before.get(key) != after.get(key)}


def take_over(copy: ConfigCopy, there: Values, author: Author, version: str) -> None:
    """Make a cluster's change the new revision; raises nothing for what cannot be taken.

    Called in the transaction that records the pass.
    """
    item = ConfigItem.objects.select_for_update().get(pk=copy.item_id)
    if item.deletion_requested_at:
        return
    cluster = copy.cluster.name
    content = content_of(item)
    latest = item.revisions.order_by("-number").first()
    merged = merge(
        _base(copy, content, cluster),
        there,
        content.on(cluster),
        there_is_later=_later(author.at, latest),
    )
    origin = Origin(_name(author, copy), author.at or timezone.now(), copy)
    if merged.take:
        wanted = content.changed(cluster, merged.take)
        try:
            with audit.because(f"Changed in {cluster} by {author.manager}."):
                save(item, wanted, verb="take over", origin=origin)
        except InvalidError:
            to_inbox(copy, there, author, version)
            return
    if merged.lost:
        _lost(copy, merged, latest, origin)
    decide(copy, version)


def to_inbox(copy: ConfigCopy, there: Values, author: Author, version: str) -> None:
    """One entry per object waits; a further change replaces what is in it."""
    content = content_of(copy.item)
    cluster = copy.cluster.name
    found = changes(_base(copy, content, cluster), there)
    conflict = ConfigConflict.objects.filter(
        copy=copy, open=True, cause=ConflictCause.WAITING
    ).first()
    if conflict is not None and conflict.resource_version == version:
        return
    conflict = conflict or ConfigConflict(
        item_id=copy.item_id, copy=copy, cause=ConflictCause.WAITING
    )
    _fill(conflict, found, _name(author, copy), author.at)
    conflict.resource_version = version
    conflict.save()
    placing.wake_item([copy.item_id])


def close_waiting(copy_ids: Iterable[object]) -> None:
    """What waited is over, for the object is as wanted again."""
    waiting = ConfigConflict.objects.filter(
        copy__in=list(copy_ids), open=True, cause=ConflictCause.WAITING
    )
    for conflict in waiting:
        conflict.open, conflict.resolved_at = False, timezone.now()
        conflict.save()


def _base(copy: ConfigCopy, content: Content, cluster: str) -> Values:
    """What we wrote there last: of the revision that was applied, or what is wanted now."""
    revision = ConfigItemRevision.objects.filter(
        item_id=copy.item_id, number=copy.applied_revision
    ).first()
    return (revision_content(revision) if revision else content).on(cluster)


def _later(at: datetime | None, latest: ConfigItemRevision | None) -> bool:
    """Servers tell whole seconds: within one, the change that is wanted already stays."""
    if at is None or latest is None:
        return False
    return at > latest.changed_at.replace(microsecond=0)


def _lost(
    copy: ConfigCopy, merged: Merged, latest: ConfigItemRevision | None, origin: Origin
) -> None:
    """The side that gave way, as an entry of the inbox of its own."""
    name, at, loser = origin.author_name, origin.changed_at, copy
    if merged.mine_lost and latest is not None:
        name, at = latest.author_name, latest.changed_at
        loser = latest.source or copy
    conflict = ConfigConflict(item_id=copy.item_id, copy=loser, cause=ConflictCause.OVERWRITTEN)
    _fill(conflict, merged.lost, name, at)
    conflict.save()


def _fill(
    conflict: ConfigConflict,
    found: Mapping[str, bytes | None],
    author_name: str,
    at: datetime | None,
) -> None:
    encoded = {
        key: None if value is None else base64.b64encode(value).decode()
        for key, value in found.items()
    }
    conflict.keys = sorted(found)
    conflict.author_name, conflict.changed_at = author_name[:200], at
    crypto.seal(conflict, "found", orjson.dumps(encoded).decode())


def decide(copy: ConfigCopy, version: str) -> None:
    """What stands there is known or in the inbox: the next pass may write over it."""
    with audit.unaudited("derived from the change that was found"):
        ConfigCopy.objects.filter(pk=copy.pk).update(
            decided_version=version, watch_version="decided", next_reconcile_at=Now()
        )


def _name(author: Author, copy: ConfigCopy) -> str:
    return f"{author.manager} on {copy.cluster.name}"
