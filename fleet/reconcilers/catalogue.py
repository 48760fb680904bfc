"""Keeps the catalogue: what each cluster serves, with its schemas and printer columns.

Woken by the watch when a CRD changes, and looking by itself every few minutes.
A cluster that does not answer keeps what was known of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from fleet import addresses
from fleet.catalogue import Seen, Type, look, with_definitions
from fleet.conditions import CATALOGUED, CatalogueReason
from fleet.connection import Connection
from fleet.kube import Budget, Kube
from fleet.models import (
    Catalogue,
    InventoryObject,
    ResourceSchema,
    ResourceType,
    ServedResource,
)
from fleet.queries import connection_of
from kubecarrier.lib import audit
from kubecarrier.lib.conditions import Condition, Status, summarize
from kubecarrier.lib.lease import Claim
from kubecarrier.lib.netguard import Policy
from kubecarrier.lib.reconcile import Pass, record_pass

AGAIN_SECONDS = 600.0
# OpenAPI documents follow a CRD some seconds later than its discovery.
_RESTLESS = timedelta(seconds=30)
_RESTLESS_SECONDS = 10.0
_BUDGET = Budget(connect=3, read=15, total=30)
_OBSERVED = "observed in the cluster"
_TYPE_COLUMNS = (
    "group", "plural", "kind", "singular", "short_names", "categories", "namespaced", "custom",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class CatalogueJob:
    """One cluster's catalogue as values; `row` belongs to the recording thread."""

    claim: Claim
    group: UUID
    row: Catalogue
    connection: Connection
    rules: Policy
    documents: Mapping[str, Sequence[str]]
    stored: frozenset[str]
    definitions: Mapping[str, dict[str, Any]]
    restless: bool


class CatalogueReconciler:
    """Reads what due clusters serve."""

    model = Catalogue
    group_column = "cluster_id"
    lease_seconds = 60.0
    slots = 4
    slots_per_group = 1

    def load(self, claims: Sequence[Claim]) -> list[CatalogueJob]:
        """With the CRDs as the inventory has them: nobody lists them twice."""
        rows = Catalogue.objects.select_related("cluster").in_bulk([claim.pk for claim in claims])
        rules = addresses.policy()
        stored = frozenset(ResourceSchema.objects.values_list("digest", flat=True))
        return [
            CatalogueJob(
                claim=claim,
                group=row.cluster_id,
                row=row,
                connection=connection_of(row.cluster),
                rules=rules,
                documents=row.documents,
                stored=stored,
                definitions=_definitions(row.cluster_id),
                restless=_restless(row),
            )
            for claim in claims
            if (row := rows.get(claim.pk))
        ]

    def run(self, job: CatalogueJob) -> Pass:
        """In a thread: read, and say what was read. An error leaves everything as it was."""
        kube = Kube(addresses.guarded(job.connection, job.rules), budget=_BUDGET)
        found = look(kube, job.documents, job.stored.__contains__)
        with_definitions(found.types, job.definitions)
        told = Condition(
            CATALOGUED,
            Status.TRUE,
            CatalogueReason.SILENT_GROUPS if found.silent else CatalogueReason.READ,
            _message(found),
        )
        columns = {"seen": found, "documents": found.documents, "read_at": timezone.now()}
        again = _RESTLESS_SECONDS if job.restless else AGAIN_SECONDS
        return Pass([told, summarize([told], needed=(CATALOGUED,))], columns, again_seconds=again)

    def record(self, job: CatalogueJob, result: Pass) -> None:
        """What changed, in one transaction with the pass itself."""
        found: Seen | None = result.columns.pop("seen", None)
        with transaction.atomic(), audit.unaudited(_OBSERVED):
            if not record_pass(job.row, job.claim, result) or found is None:
                return
            _write_schemas(found)
            types = _write_types(found.types)
            _write_served(job.group, found, types)
            if found.documents != job.documents:
                _drop_unused_schemas()


def _restless(row: Catalogue) -> bool:
    return row.moved_at is not None and timezone.now() - row.moved_at < _RESTLESS


def _message(found: Seen) -> str:
    if found.silent:
        return f"No answer for {', '.join(sorted(found.silent)[:5])}: what was known of it stays."
    return f"{len(found.types)} kinds."


def _definitions(cluster_id: UUID) -> dict[str, dict[str, Any]]:
    rows = InventoryObject.objects.filter(cluster_id=cluster_id, kind="CustomResourceDefinition")
    return dict(rows.values_list("name", "columns"))


# --- writing -------------------------------------------------------------------------------------


def _write_schemas(found: Seen) -> None:
    ResourceSchema.objects.bulk_create(
        [
            ResourceSchema(digest=digest, packed=ResourceSchema.pack(schemas))
            for digest, schemas in found.schemas.items()
        ],
        ignore_conflicts=True,
    )


def _write_types(types: Sequence[Type]) -> dict[str, UUID]:
    """Name → key, of all that were seen; only what differs is written."""
    wanted = {one.name: {column: getattr(one, column) for column in _TYPE_COLUMNS} for one in types}
    present = {row.name: row for row in ResourceType.objects.filter(name__in=list(wanted))}
    changed = []
    for name, columns in wanted.items():
        row = present.get(name)
        if row is not None and any(getattr(row, key) != value for key, value in columns.items()):
            for key, value in columns.items():
                setattr(row, key, value)
            changed.append(row)
    if changed:
        ResourceType.objects.bulk_update(changed, _TYPE_COLUMNS, batch_size=100)
    fresh = [
        ResourceType(name=name, **wanted[name]) for name in sorted(wanted.keys() - present.keys())
    ]
    ResourceType.objects.bulk_create(fresh, ignore_conflicts=True)  # another cluster may be first
    pks = ResourceType.objects.filter(name__in=list(wanted)).values_list("name", "pk")
    return dict(pks)


def _write_served(cluster_id: UUID, found: Seen, types: Mapping[str, UUID]) -> None:
    """What this cluster serves; what only a silent server could tell of stays as it was."""
    now = timezone.now()
    wanted = {types[one.name]: one.versions for one in found.types if one.name in types}
    present = {
        row.type_id: row
        for row in ServedResource.objects.filter(cluster_id=cluster_id).select_related("type")
    }
    fresh = [
        ServedResource(cluster_id=cluster_id, type_id=pk, versions=versions, seen_at=now)
        for pk, versions in wanted.items()
        if pk not in present
    ]
    changed = [row for pk, row in present.items() if row.versions != wanted.get(pk, row.versions)]
    for row in changed:
        row.versions, row.seen_at = wanted[row.type_id], now
    ServedResource.objects.bulk_create(fresh)
    if changed:
        ServedResource.objects.bulk_update(changed, ["versions", "seen_at"], batch_size=100)
    gone = [row for pk, row in present.items() if pk not in wanted and not _is_silent(row, found)]
    if gone:
        ServedResource.objects.filter(pk__in=[row.pk for row in gone]).delete()
        ResourceType.objects.filter(
            pk__in=[row.type_id for row in gone], served__isnull=True
        ).delete()


def _is_silent(row: ServedResource, found: Seen) -> bool:
    group = row.type.group
    versions: Iterable[str] = (str(one["name"]) for one in row.versions)
    return any((f"{group}/{one}" if group else one) in found.silent for one in versions)


def _drop_unused_schemas() -> None:
    used = {
        digests[1]
        for documents in Catalogue.objects.values_list("documents", flat=True)
        for digests in documents.values()
    }
    ResourceSchema.objects.exclude(digest__in=used).delete()
