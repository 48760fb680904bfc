"""Facts about the fleet, read only."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from django.db import models
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from fleet.connection import Connection
from fleet.models import (
    Cluster,
    InventoryKind,
    InventoryObject,
    Operation,
    ResourceType,
    ServedResource,
)
from fleet.models.inventory import FRESH
from kubecarrier.lib import crypto
from kubecarrier.lib.causes import Cause
from kubecarrier.lib.errors import NotFoundError

_MAX_WORDS = 64


def connection_of(cluster: Cluster) -> Connection:
    """The stored connection with its credential opened; raises SealError. Not yet address-checked."""
    opened = crypto.reveal(cluster, "credential")
    secret: dict[str, str] = json.loads(opened) if opened else {}
    return Connection(
        server=cluster.server,
        ca_pem=cluster.ca_pem or None,
        token=secret.get("token"),
        client_cert_pem=secret.get("client_cert_pem"),
        client_key_pem=secret.get("client_key_pem"),
        tls_server_name=cluster.tls_server_name or None,
        insecure=cluster.insecure,
        cluster_uid=cluster.identity or "",
    )


def operations_of(row: Any) -> QuerySet[Operation]:
    """The operations on an object, the newest first."""
    found = Operation.objects.filter(object_id=row.pk)
    return found.select_related("actor").prefetch_related("targets")


def operation_progress(operation: Operation) -> dict[str, int]:
    """How many targets are done, out of how many."""
    targets = list(operation.targets.all())
    done = sum(1 for target in targets if target.state != "running")
    return {"done": done, "total": len(targets)}


def operation_cause(model: type[models.Model], pk: Any) -> Cause | None:
    """Who asked for the latest operation on a row, or with it among its targets."""
    about = Q(object_id=pk) | Q(targets__target_id=pk)
    found = (
        Operation.objects.filter(about, actor__isnull=False)
        .select_related("actor")
        .order_by("-created_at")
        .first()
    )
    return Cause(found.actor, found.request_id, found.reason) if found else None


def attach_freshness(rows: Sequence[InventoryObject]) -> None:
    """How the watch of each row's kind is; one query for a page."""
    clusters = {row.cluster_id for row in rows}
    watched = {
        (one.cluster_id, one.group, one.kind): one
        for one in InventoryKind.objects.filter(cluster_id__in=clusters)
    }
    for row in rows:
        row.watched = watched.get((row.cluster_id, row.group, row.kind))


def with_fresh(rows: QuerySet[InventoryObject]) -> QuerySet[InventoryObject]:
    """Each row with `fresh`: whether its kind is watched there, and was heard of lately."""
    watched = InventoryKind.objects.filter(
        cluster=OuterRef("cluster"),
        group=OuterRef("group"),
        kind=OuterRef("kind"),
        error_code="",
        listed_at__isnull=False,
        heard_at__gt=timezone.now() - FRESH,
    )
    return rows.annotate(fresh=Exists(watched))


def kinds_named(text: str) -> list[tuple[str, str]]:
    """Group and kind of what `text` names as kubectl would: kind, plural, short name, with group."""
    name, _, group = text.lower().partition(".")
    named = Q(kind__iexact=name) | Q(plural=name) | Q(singular=name)
    types = ResourceType.objects.filter(group=group) if group else ResourceType.objects.all()
    found = list(types.filter(named).values_list("group", "kind"))
    if found:
        return found
    listed = types.values_list("group", "kind", "short_names")
    return [(one, kind) for one, kind, short in listed if name in short]


def owned_by(row: InventoryObject) -> QuerySet[InventoryObject]:
    """What an object owns, directly."""
    return InventoryObject.objects.filter(cluster_id=row.cluster_id, owner_uid=row.uid)


def attach_served(types: Sequence[ResourceType]) -> None:
    """Which clusters serve each of the types: `served_by`, by the cluster's name; one query."""
    rows = ServedResource.objects.filter(type__in=types).annotate(
        cluster_name=F("cluster__name"), read_at=F("cluster__catalogue__read_at")
    )
    found: dict[Any, list[ServedResource]] = {one.pk: [] for one in types}
    for row in rows.order_by("cluster_name"):
        found[row.type_id].append(row)
    for one in types:
        one.served_by = found[one.pk]


def type_named(types: QuerySet[ResourceType], text: str) -> tuple[ResourceType, list[str]]:
    """The type that `text` begins with, and the path after it; raises NotFoundError.

    `certificates.cert-manager.io.spec`, `deployments.apps.spec.replicas`,
    `deploy.spec`, `Deployment`: the longest name wins, then what kubectl takes.
    """
    words = text.strip(".").split(".")[:_MAX_WORDS]
    names = {".".join(words[:number]).lower(): number for number in range(1, len(words) + 1)}
    listed = {row.name: row for row in types.filter(name__in=list(names))}
    if listed:
        name = max(listed, key=len)
        return listed[name], words[names[name] :]
    for group, kind in kinds_named(words[0]):
        row = types.filter(group=group, kind=kind).first()
        if row is not None:
            return row, words[1:]
    raise NotFoundError(
        "kind_unknown",
        f"No cluster serves a kind “{text[:80]}”.",
        field="of",
        hint="kubecarrier get resourcetypes lists what is served.",
    )
