"""Grants in clusters: what a binding gives is put there, kept so, and taken back.

A pass looks, compares, and does what is missing; only a pass that found nothing to
do asks the cluster's own authorizer, and only its yes makes the grant Ready.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.following import BINDING_TASK, finish
from accounts.models import Binding
from fleet import addresses
from fleet.conditions import GRANTED, GrantReason
from fleet.connection import Connection
from fleet.grants import objects as grant_objects
from fleet.grants import portal_account, standing
from fleet.grants.ending import wake_waiting
from fleet.grants.objects import Difference, Grant
from fleet.kube import Budget, Kube, ObjectRef
from fleet.kube_errors import NotFound
from fleet.models import ClusterGrant
from fleet.queries import connection_of
from kubecarrier.lib import lease
from kubecarrier.lib.conditions import Condition, Status, summarize
from kubecarrier.lib.lease import Claim
from kubecarrier.lib.netguard import Policy
from kubecarrier.lib.reconcile import Pass, record_pass
from kubecarrier.lib.tasks import wake_on_commit

Json = dict[str, Any]
FIELD_MANAGER = "kubecarrier"
_BUDGET = Budget(connect=3, read=5, total=10)
_AGAIN_SECONDS = 0.2
_UNEFFECTIVE_SECONDS = 1.0  # the authorizer follows its own watch of what was written


@dataclass(frozen=True, slots=True)
class GrantJob:
    """One grant as values. `row` belongs to the recording thread."""

    claim: Claim
    group: UUID
    row: ClusterGrant
    connection: Connection
    grant: Grant
    deleting: bool
    paused: bool
    # Whether the portal's account may name some groups only.
    limited: bool
    verify_seconds: float
    rules: Policy


class ClusterGrantReconciler:
    """Roles and their bindings in clusters, by server-side apply under our owner mark."""

    model = ClusterGrant
    group_column = "cluster_id"
    lease_seconds = 30.0
    slots = 16
    slots_per_group = 2

    def load(self, claims: Sequence[Claim]) -> list[GrantJob]:
        """The claimed grants with their clusters' connections."""
        rows = ClusterGrant.objects.select_related("cluster", "binding").in_bulk(
            [claim.pk for claim in claims]
        )
        policy = addresses.policy()
        return [_job(claim, rows[claim.pk], policy) for claim in claims if claim.pk in rows]

    def run(self, job: GrantJob) -> Pass:
        """In a thread, without the ORM."""
        kube = Kube(addresses.guarded(job.connection, job.rules), budget=_BUDGET)
        want = {} if job.deleting else grant_objects.wanted(job.grant)
        present = observe(kube, job.grant, want)
        difference = grant_objects.compare(want, present, job.grant.owner)
        if difference.nothing and job.deleting:
            return _gone()
        if job.limited and not (job.deleting or job.paused):
            name_groups(kube, job.grant)
        if difference.nothing:
            return verified(kube, job, present)
        if job.paused:
            return paused(difference)
        if difference.foreign:
            return foreign(difference.foreign[0])
        job.claim.require()
        apply(kube, difference)
        return applied(difference, deleting=job.deleting)

    def record(self, job: GrantJob, result: Pass) -> None:
        """One conditional UPDATE; a grant that is gone takes its row with it, and tells its binding."""
        columns = dict(result.columns)
        gone = columns.pop("gone", False)
        result = Pass(result.seen, columns, result.again_seconds, result.failed, result.error_code)
        with transaction.atomic():
            if not record_pass(job.row, job.claim, result):
                return
            if gone:
                ClusterGrant.objects.filter(pk=job.row.pk).delete()
                if finish(Binding.objects.get(pk=job.row.binding_id)):
                    return
            lease.wake(Binding.objects.filter(pk=job.row.binding_id))
            wake_on_commit(BINDING_TASK)
            wake_waiting(job.row.cluster_id)


def _job(claim: Claim, row: ClusterGrant, policy: Policy) -> GrantJob:
    wish = row.wanted
    grant = Grant(
        name=row.binding.name,
        owner=grant_objects.owner_of(row.binding_id),
        rules=wish.get("rules", ()),
        subjects=wish.get("subjects", ()),
        namespaces=wish.get("namespaces"),
    )
    return GrantJob(
        claim=claim,
        group=row.cluster_id,
        row=row,
        connection=connection_of(row.cluster),
        grant=grant,
        deleting=row.deletion_requested_at is not None,
        # What was taken is taken in a paused cluster too: a pause must not keep a right alive.
        paused=row.cluster.suspended and row.deletion_requested_at is None,
        limited=row.cluster.exchanged_at is not None,
        verify_seconds=float(settings.KUBECARRIER_VERIFY_SECONDS),
        rules=policy,
    )


def observe(kube: Kube, grant: Grant, want: dict[ObjectRef, Json]) -> dict[ObjectRef, Json]:
    """Everything with our owner mark, and whatever else has a name that we want."""
    found: dict[ObjectRef, Json] = {}
    for kind in grant_objects.KINDS:
        resource = kube.resource_for(grant_objects.API_VERSION, kind)
        for obj in kube.list(resource, label_selector=grant_objects.SELECTOR):
            if grant_objects.is_of(obj, grant.owner):
                found[grant_objects.ref_of(obj)] = obj
    for ref in want.keys() - found.keys():
        try:
            found[ref] = kube.get(ref)
        except NotFound:
            continue
    return found


def name_groups(kube: Kube, grant: Grant) -> None:
    """The portal's own account may act as members of the groups of this grant."""
    wanted = {one["name"] for one in grant.subjects if one["kind"] == "Group"}
    if not wanted:
        return
    try:
        role = kube.get(portal_account.groups_role_ref())
    except NotFound:  # made by hand in another way: not ours to complete
        return
    named = {name for rule in role.get("rules") or () for name in rule.get("resourceNames") or ()}
    if wanted <= named or not grant_objects.is_of(role, portal_account.OWNER_MARK):
        return
    rule = portal_account.groups_rule(())
    patch = {
        "rules": [{**rule, "resourceNames": sorted({*rule["resourceNames"], *named, *wanted})}]
    }
    kube.patch(portal_account.groups_role_ref(), patch, field_manager=FIELD_MANAGER)


def apply(kube: Kube, difference: Difference) -> None:
    """Take first, then give; each object is deleted only as the one that was looked at."""
    standing.take(kube, difference)
    for obj in difference.write:
        kube.apply(obj, field_manager=FIELD_MANAGER, force=True)


def verified(kube: Kube, job: GrantJob, present: dict[ObjectRef, Json]) -> Pass:
    """Everything is as wanted; the cluster's authorizer has the last word."""
    columns: Json = {
        "objects_seen": [
            {"kind": r.kind, "namespace": r.namespace, "name": r.name, "uid": o["metadata"]["uid"]}
            for r, o in sorted(present.items())
        ],
        "drift": [],
    }
    refused = [r for r in grant_objects.reviews(job.grant) if not _allowed(kube, r)]
    if refused:
        who = refused[0]["spec"]
        name = (who.get("groups") or [who["user"]])[0]
        text = f"The cluster does not allow it to {name} yet."
        seen = Condition(GRANTED, Status.FALSE, GrantReason.NOT_EFFECTIVE, text)
        return _result(seen, columns, again=_UNEFFECTIVE_SECONDS, failed=True)
    columns["verified_at"] = timezone.now()
    text = f"{len(present)} objects are as wanted, and the cluster allows it."
    seen = Condition(GRANTED, Status.TRUE, GrantReason.VERIFIED, text)
    return _result(seen, columns, again=job.verify_seconds)


def _allowed(kube: Kube, review: Json) -> bool:
    answer = kube.create(review)
    return bool((answer.get("status") or {}).get("allowed"))


def applied(difference: Difference, *, deleting: bool) -> Pass:
    """Something was done; the next pass sees whether it stands."""
    reason = GrantReason.REMOVING if deleting else GrantReason.APPLIED
    text = f"{len(difference.write)} objects written, {len(difference.delete)} deleted."
    seen = Condition(GRANTED, Status.FALSE, reason, text)
    columns = {"drift": list(difference.said)[:20]}
    return _result(seen, columns, again=_AGAIN_SECONDS, failed=True)


def paused(difference: Difference) -> Pass:
    """The cluster is paused: what differs is shown, nothing is written."""
    text = f"The cluster is paused; {difference.said[0] if difference.said else 'waiting'}."
    seen = Condition(GRANTED, Status.FALSE, GrantReason.PAUSED, text)
    return _result(seen, {"drift": list(difference.said)[:20]}, again=None, failed=True)


def foreign(ref: ObjectRef) -> Pass:
    """Somebody else's object has the name: it is left alone."""
    text = f"{ref} is there and is not ours; it is left alone."
    seen = Condition(GRANTED, Status.FALSE, GrantReason.FOREIGN, text)
    return _result(seen, {}, again=60.0, failed=True)


def _gone() -> Pass:
    text = "Nothing of it is in the cluster any more."
    seen = Condition(GRANTED, Status.FALSE, GrantReason.REMOVING, text)
    return _result(seen, {"gone": True}, again=None)


def _result(seen: Condition, columns: Json, *, again: float | None, failed: bool = False) -> Pass:
    ready = summarize([seen], needed=(GRANTED,))
    return Pass([seen, ready], columns, again_seconds=again, failed=failed)
