"""The probe: what a cluster is, whether it answers, and for how long it will."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from fleet import addresses
from fleet.choices import CLEANUP_FINALIZER, TargetState
from fleet.conditions import AUTHENTICATED, CREDENTIAL_EXPIRING, IDENTIFIED, REACHABLE, Reason
from fleet.connection import Connection
from fleet.credential_age import Age, stale_condition
from fleet.kube import Budget, Kube
from fleet.kube_errors import Forbidden, KubeError, TimedOut, TlsError, Unauthorized, Unreachable
from fleet.models import Catalogue, Cluster
from fleet.operations import target_progress
from fleet.pod_requests import Amount
from fleet.probe import Capacity, ProbeResult, probe
from fleet.queries import connection_of
from fleet.reconcilers.observed import observe
from kubecarrier.lib import lease, placed
from kubecarrier.lib.backoff import delay_seconds
from kubecarrier.lib.conditions import Condition, Status, summarize
from kubecarrier.lib.errors import KubeCarrierError
from kubecarrier.lib.lease import Claim
from kubecarrier.lib.netguard import AddressError, Policy
from kubecarrier.lib.reconcile import Pass, record_pass

EXPIRY_WARNING = timedelta(days=14)
_BUDGET = Budget(connect=3, read=5, total=10)
_BACKOFF_CAP_SECONDS = 60.0

# An error of the door → which condition it belongs to, and why.
_TROUBLE: list[tuple[type[KubeCarrierError], str, Reason]] = [
    (Unauthorized, AUTHENTICATED, Reason.UNAUTHORIZED),
    (Forbidden, AUTHENTICATED, Reason.FORBIDDEN),
    (TimedOut, REACHABLE, Reason.TIMED_OUT),
    (TlsError, REACHABLE, Reason.TLS_FAILED),
    (Unreachable, REACHABLE, Reason.UNREACHABLE),
    (AddressError, REACHABLE, Reason.ADDRESS_FORBIDDEN),
    (KubeError, REACHABLE, Reason.UNREACHABLE),
]


@dataclass(frozen=True, slots=True)
class ProbeJob:
    """One cluster to look at. `row` is for the recording thread only."""

    claim: Claim
    group: UUID
    row: Cluster
    connection: Connection
    expires_at: datetime | None
    age: Age
    identity: str | None
    rules: Policy


class ClusterReconciler:
    """Probes due clusters; a cluster that answers again wakes what is placed on it."""

    model = Cluster
    group_column = None
    lease_seconds = 30.0
    slots = 16
    slots_per_group = 1

    def load(self, claims: Sequence[Claim]) -> list[ProbeJob]:
        """Opens the credentials of the claimed clusters."""
        rows = Cluster.objects.in_bulk([claim.pk for claim in claims])
        rules = addresses.policy()
        return [
            ProbeJob(
                claim=claim,
                group=claim.pk,
                row=rows[claim.pk],
                connection=connection_of(rows[claim.pk]),
                expires_at=rows[claim.pk].credential_expires_at,
                age=_age(rows[claim.pk]),
                identity=rows[claim.pk].identity,
                rules=rules,
            )
            for claim in claims
            if claim.pk in rows
        ]

    def run(self, job: ProbeJob) -> Pass:
        """In a thread: look, and say what was seen."""
        days = settings.KUBECARRIER_CREDENTIAL_ROTATION_DAYS
        stale = stale_condition(job.age, days, timezone.now())
        result = self._looked(job)
        return replace(result, seen=[*result.seen, stale])

    def _looked(self, job: ProbeJob) -> Pass:
        expiring = expiry_condition(job.expires_at, timezone.now())
        try:
            found = probe(Kube(addresses.guarded(job.connection, job.rules), budget=_BUDGET))
        except KubeCarrierError as error:
            return unseen(job.claim, error, expiring)
        if job.identity and job.identity != found.cluster_uid:
            return stranger(expiring)
        return seen(found, expiring)

    def record(self, job: ProbeJob, result: Pass) -> None:
        """Write what was seen; nodes and namespaces with it, in one transaction."""
        found = result.columns.pop("probe", None)
        with transaction.atomic():
            if found is not None and _taken(job.row, found.cluster_uid):
                result, found = duplicate(), None
            if not record_pass(job.row, job.claim, result):
                return
            if found is not None:
                observe(job.row, found)
                _have_catalogued(job.row, found)
            if job.row.deletion_requested_at:
                _remove_when_clean(job.row)
            was = job.row.condition(REACHABLE).get("status")
            if any(c.type == REACHABLE and c.status != was for c in result.seen):
                for kind in placed.placed_kinds():
                    kind.reachability_changed(job.row)


def _age(row: Cluster) -> Age:
    in_use = row.exchanged_at is not None
    return Age(in_use, row.credential_rotated_at, row.rotation_error, len(row.own_tokens))


def seen(found: ProbeResult, expiring: Condition) -> Pass:
    """Everything was seen."""
    conditions = [
        Condition(REACHABLE, Status.TRUE, Reason.PROBED, "The API server answers."),
        Condition(AUTHENTICATED, Status.TRUE, Reason.PROBED, "The credential is accepted."),
        Condition(IDENTIFIED, Status.TRUE, Reason.PROBED, "The same cluster as at import."),
        expiring,
    ]
    columns: dict[str, Any] = {
        "probe": found,
        "identity": found.cluster_uid,
        "version": found.git_version[:64],
        "platform": found.platform[:64],
        "last_seen_at": timezone.now(),
        "node_count": len(found.nodes),
        "capacity": total(node.capacity for node in found.nodes),
        "allocatable": total(node.allocatable for node in found.nodes),
        "requested": _requested(found),
        "usage": _usage(found),
    }
    again = float(settings.KUBECARRIER_PROBE_SECONDS)
    return Pass([*conditions, _ready(conditions)], columns, again_seconds=again)


def unseen(claim: Claim, error: KubeCarrierError, expiring: Condition) -> Pass:
    """Nothing was seen: the last good state stays, and says that it is old."""
    type_, reason = next(
        ((name, why) for kind, name, why in _TROUBLE if isinstance(error, kind)),
        (REACHABLE, Reason.UNREACHABLE),
    )
    conditions = [Condition(type_, Status.FALSE, reason, error.message), expiring]
    if type_ == AUTHENTICATED:
        conditions.append(
            Condition(REACHABLE, Status.TRUE, Reason.PROBED, "The API server answers.")
        )
    else:
        unknown = "Not seen while the API server does not answer."
        conditions.append(Condition(AUTHENTICATED, Status.UNKNOWN, reason, unknown))
    asked = error.data.get("retry_after_seconds") or 0.0
    again = max(delay_seconds(claim.failures, cap_seconds=_BACKOFF_CAP_SECONDS), asked)
    return Pass([*conditions, _ready(conditions)], again_seconds=again, failed=True)


def stranger(expiring: Condition) -> Pass:
    """Another cluster answers at the address: quarantine, nothing is written to it."""
    text = "Another cluster answers at this address; nothing is written to it."
    conditions = [
        Condition(IDENTIFIED, Status.FALSE, Reason.ANOTHER_CLUSTER, text),
        Condition(REACHABLE, Status.FALSE, Reason.ANOTHER_CLUSTER, text),
        expiring,
    ]
    return Pass([*conditions, _ready(conditions)], again_seconds=_BACKOFF_CAP_SECONDS, failed=True)


def duplicate() -> Pass:
    """The same cluster stands in the fleet under another name."""
    text = "This cluster is in the fleet already under another name; remove one of the two."
    conditions = [
        Condition(IDENTIFIED, Status.FALSE, Reason.SAME_CLUSTER, text),
        Condition(REACHABLE, Status.FALSE, Reason.SAME_CLUSTER, text),
    ]
    return Pass([*conditions, _ready(conditions)], again_seconds=_BACKOFF_CAP_SECONDS, failed=True)


def expiry_condition(expires_at: datetime | None, now: datetime) -> Condition:
    """`CredentialExpiring`: True from two weeks before the end on."""
    if expires_at is None:
        text = "The credential says no end."
        return Condition(CREDENTIAL_EXPIRING, Status.FALSE, Reason.NO_EXPIRY, text)
    text = f"The credential ends at {expires_at:%Y-%m-%d %H:%M} UTC."
    if expires_at <= now:
        return Condition(CREDENTIAL_EXPIRING, Status.TRUE, Reason.EXPIRED, text)
    if expires_at - now <= EXPIRY_WARNING:
        return Condition(CREDENTIAL_EXPIRING, Status.TRUE, Reason.EXPIRES_SOON, text)
    return Condition(CREDENTIAL_EXPIRING, Status.FALSE, Reason.EXPIRES_LATER, text)


def total(parts: Any) -> dict[str, int]:
    """The sum of capacities, in millicores, bytes and pods."""
    listed = [asdict(part) for part in parts]
    return {key: sum(part[key] for part in listed) for key in asdict(Capacity())}


def _ready(conditions: Sequence[Condition]) -> Condition:
    return summarize(conditions, needed=(AUTHENTICATED, REACHABLE), harmful=())


def _requested(found: ProbeResult) -> dict[str, int]:
    if found.load is None:
        return {}
    return asdict(found.load.total)


def _usage(found: ProbeResult) -> dict[str, int] | None:
    if found.usage is None:
        return None
    parts = [asdict(amount) for amount in found.usage.by_node.values()]
    return {key: sum(part[key] for part in parts) for key in asdict(Amount())}


def _taken(row: Cluster, identity: str) -> bool:
    return Cluster.objects.filter(identity=identity).exclude(pk=row.pk).exists()


def _have_catalogued(row: Cluster, found: ProbeResult) -> None:
    """The catalogue begins with the first answer, and is read again after an upgrade."""
    known = Catalogue.objects.filter(cluster=row)
    if row.version != found.git_version[:64] and known.exists():
        lease.wake(known)
    elif not known.exists():
        Catalogue.objects.create(cluster=row)


def _remove_when_clean(row: Cluster) -> None:
    """The row goes once nothing of ours is left in the cluster."""
    leftovers = [
        outcome
        for kind in placed.placed_kinds()
        for outcome in kind.cluster_removing(row, cleanup=True)
    ]
    if leftovers:
        return
    fresh = Cluster.objects.select_for_update().get(pk=row.pk)
    if CLEANUP_FINALIZER in fresh.finalizers:
        target_progress(
            target_id=fresh.pk,
            generation=fresh.generation,
            state=TargetState.SUCCEEDED,
            message="Nothing of ours is left in the cluster.",
        )
        fresh.delete()
