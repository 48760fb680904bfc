"""A claimed config copy as values: what the threads need, and nothing of the ORM."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from fleet import addresses
from fleet.choices import ConflictCause, Propagation
from fleet.conditions import REACHABLE
from fleet.configs.content import Content
from fleet.configs.object import Wanted
from fleet.configs.queries import content_of, digest_key, wanted_in
from fleet.connection import Connection
from fleet.models import Cluster, ConfigConflict, ConfigCopy, ConfigItem, ConfigItemRevision
from fleet.queries import connection_of
from kubecarrier.lib.conditions import Status
from kubecarrier.lib.lease import Claim
from kubecarrier.lib.netguard import Policy

_NOTHING_WAITS: tuple[frozenset[str], str] = (frozenset(), "")


@dataclass(frozen=True, slots=True)
class CopyJob:
    """One config copy to reconcile. `row` belongs to the recording thread.

    `uid` and `version` are those of the object when it was last known;
    `suspect` says that the watch has seen another state since. `blocked` says why
    the cluster cannot be seen, `paused` why nothing may be changed there. `contested` are the keys
    that wait for a decision, `asked_version` is the state of the object that the inbox knows.
    """

    claim: Claim
    group: UUID
    row: ConfigCopy
    connection: Connection
    rules: Policy
    blocked: str
    paused: str
    wanted: Wanted
    revision_number: int
    key: bytes
    uid: str
    version: str
    suspect: bool
    changed: bool
    fresh: bool
    deleting: bool
    keep_object: bool
    adopt: bool
    propagation: Propagation
    contested: frozenset[str]
    asked_version: str
    decided_version: str
    ignored: frozenset[str]
    restart: tuple[tuple[str, str], ...]
    corrections: tuple[str, ...]
    seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Site:
    """What the copies on one cluster share."""

    cluster: Cluster
    connection: Connection
    blocked: str
    paused: str


def jobs_of(claims: Sequence[Claim]) -> list[CopyJob]:
    """The claimed copies with everything decided that needs the database: six queries."""
    rows = ConfigCopy.objects.in_bulk([claim.pk for claim in claims])
    items = ConfigItem.objects.in_bulk({row.item_id for row in rows.values()})
    contents = {pk: content_of(item) for pk, item in items.items()}
    sites = {
        pk: _site(cluster)
        for pk, cluster in Cluster.objects.in_bulk(
            {row.cluster_id for row in rows.values()}
        ).items()
    }
    waiting = {
        copy: (frozenset(keys), version)
        for copy, keys, version in ConfigConflict.objects.filter(
            copy__in=rows, open=True, cause=ConflictCause.WAITING
        ).values_list("copy_id", "keys", "resource_version")
    }
    values = _Values(contents)
    numbers = dict(
        ConfigItemRevision.objects.filter(
            pk__in={row.revision_id for row in rows.values()}
        ).values_list("pk", "number")
    )
    rules = addresses.policy()
    return [
        _job(
            claim,
            row,
            items[row.item_id],
            sites[row.cluster_id],
            _Known(values, numbers[row.revision_id], rules, *waiting.get(row.pk, _NOTHING_WAITS)),
        )
        for claim in claims
        if (row := rows.get(claim.pk))
    ]


class _Values:
    """The values of each item on each cluster, merged once."""

    def __init__(self, contents: Mapping[UUID, Content]) -> None:
        self._contents = contents
        self._merged: dict[tuple[UUID, str], dict[str, bytes]] = {}

    def of(self, item_id: UUID, cluster: str) -> dict[str, bytes]:
        content = self._contents[item_id]
        key = (item_id, cluster if cluster in content.overrides else "")
        if key not in self._merged:
            self._merged[key] = content.on(key[1])
        return self._merged[key]


@dataclass(frozen=True, slots=True)
class _Known:
    """What else of a copy came from other rows than its own."""

    values: _Values
    revision_number: int
    rules: Policy
    contested: frozenset[str]
    asked_version: str


def _job(
    claim: Claim,
    row: ConfigCopy,
    item: ConfigItem,
    site: _Site,
    known: _Known,
) -> CopyJob:
    return CopyJob(
        claim=claim,
        group=row.cluster_id,
        row=row,
        connection=site.connection,
        rules=known.rules,
        blocked=site.blocked,
        paused=site.paused or ("The config item is paused." if row.suspended else ""),
        wanted=wanted_in(item, row.namespace, known.values.of(item.pk, site.cluster.name)),
        revision_number=known.revision_number,
        key=digest_key(),
        uid=row.uid,
        version=row.resource_version,
        suspect=row.watch_version not in ("", row.resource_version),
        changed=row.desired_digest != row.applied_digest,
        fresh=row.observed_generation < row.generation,
        deleting=row.deletion_requested_at is not None,
        keep_object=row.keep_object,
        adopt=row.adopt,
        propagation=Propagation(item.propagation),
        contested=known.contested,
        asked_version=known.asked_version,
        decided_version=row.decided_version,
        ignored=frozenset(item.ignored_keys),
        restart=tuple((entry["kind"], entry["name"]) for entry in item.restart),
        corrections=tuple(row.corrections),
        seen_at=row.seen_at,
    )


def _site(cluster: Cluster) -> _Site:
    reachable: Any = cluster.condition(REACHABLE)
    blocked = paused = ""
    if reachable and reachable["status"] != Status.TRUE:
        blocked = f"The cluster “{cluster.name}” cannot be worked on: {reachable['message']}"
    if cluster.suspended:
        paused = f"The cluster “{cluster.name}” is paused."
    return _Site(cluster, connection_of(cluster), blocked, paused)
