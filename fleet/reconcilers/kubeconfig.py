"""Kubeconfigs of people: whether their rights are in place, and their end in the cluster.

What has ended is only called so once its service account was seen to be gone: until
then a file that was handed out may still open the cluster.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from fleet import addresses
from fleet.conditions import USABLE, KubeconfigReason
from fleet.connection import Connection
from fleet.grants import accounts, holders
from fleet.grants.kubeconfigs import release_account
from fleet.kube import Budget, Kube, discovery_of
from fleet.kube_errors import Conflict, NotFound
from fleet.models import Kubeconfig
from fleet.queries import connection_of
from kubecarrier.lib import audit
from kubecarrier.lib.conditions import Condition, Status, summarize
from kubecarrier.lib.lease import Claim
from kubecarrier.lib.netguard import Policy
from kubecarrier.lib.reconcile import Pass, record_pass

_BUDGET = Budget(connect=3, read=5, total=10)
_AGAIN_SECONDS = 0.2
_WAITING_SECONDS = 5.0  # a grant that moves wakes it at once
_ISSUING_SECONDS = 60.0  # an issuing that takes longer was killed
KEPT = timedelta(days=30)  # how long an ended one is listed


@dataclass(frozen=True, slots=True)
class KubeconfigJob:
    """One kubeconfig as values. `row` belongs to the recording thread."""

    claim: Claim
    group: UUID
    row: Kubeconfig
    account: str
    uid: str
    expires_at: datetime
    dying: bool
    reason: KubeconfigReason
    ended_at: datetime | None
    in_place: bool
    connection: Connection
    verify_seconds: float
    rules: Policy


class KubeconfigReconciler:
    """Looks at live ones, deletes the accounts of those that end."""

    model = Kubeconfig
    group_column = "cluster_id"
    lease_seconds = 30.0
    slots = 8
    slots_per_group = 2

    def load(self, claims: Sequence[Claim]) -> list[KubeconfigJob]:
        """The claimed rows with their clusters' connections."""
        rows = Kubeconfig.objects.select_related("cluster").in_bulk([claim.pk for claim in claims])
        rules = addresses.policy()
        return [_job(claim, rows[claim.pk], rules) for claim in claims if claim.pk in rows]

    def run(self, job: KubeconfigJob) -> Pass:
        """In a thread, without the ORM."""
        if job.ended_at is not None:
            left = (job.ended_at + KEPT - timezone.now()).total_seconds()
            forget = {"forget": True} if left <= 0 else {}
            return Pass([], forget, again_seconds=max(left, 0.0))
        connection = addresses.guarded(job.connection, job.rules)
        kube = Kube(connection, budget=_BUDGET, discovery=discovery_of(connection))
        live = _live_account(kube, job)
        if job.dying:
            return _end(kube, job, live)
        return _look(job, live)

    def record(self, job: KubeconfigJob, result: Pass) -> None:
        """One conditional UPDATE; with the end of a kubeconfig its account leaves the grants."""
        columns = dict(result.columns)
        forget = columns.pop("forget", False)
        result = Pass(result.seen, columns, result.again_seconds, result.failed, result.error_code)
        with transaction.atomic():
            if not record_pass(job.row, job.claim, result):
                return
            if forget:
                Kubeconfig.objects.get(pk=job.row.pk).delete()
            elif columns.get("ended_at"):
                said = result.seen[0].message
                audit.event("kubeconfig-ended", job.row, said=f"{job.row}: {said}")
                release_account(job.row)


def _job(claim: Claim, row: Kubeconfig, rules: Policy) -> KubeconfigJob:
    abandoned = not row.account_uid and row.created_at < timezone.now() - timedelta(
        seconds=_ISSUING_SECONDS
    )
    revoked = row.revoked_at is not None or abandoned
    return KubeconfigJob(
        claim=claim,
        group=row.cluster_id,
        row=row,
        account=row.account,
        uid=row.account_uid,
        expires_at=row.expires_at,
        dying=row.dying or abandoned,
        reason=KubeconfigReason.REVOKED if revoked else KubeconfigReason.EXPIRED,
        ended_at=row.ended_at,
        in_place=_in_place(row),
        connection=connection_of(row.cluster),
        verify_seconds=float(settings.KUBECARRIER_VERIFY_SECONDS),
        rules=rules,
    )


def _in_place(row: Kubeconfig) -> bool:
    """Whether every grant that binds the account is in force in the cluster."""
    grants = holders.carrying(row)
    current = (one.ready == "True" and one.observed_generation >= one.generation for one in grants)
    return bool(grants) and all(current)


def _live_account(kube: Kube, job: KubeconfigJob) -> dict[str, Any] | None:
    """The account, if it is there and ours."""
    try:
        found = kube.get(accounts.account_ref(job.account), metadata_only=True)
    except NotFound:
        return None
    return found if accounts.is_ours(found, job.row.pk) else None


def _end(kube: Kube, job: KubeconfigJob, live: dict[str, Any] | None) -> Pass:
    """Delete exactly the account that was looked at; only a pass that finds none ends it."""
    if live is None:
        text = "Its service account is gone from the cluster."
        return _ended(job.reason, text)
    with suppress(NotFound, Conflict):  # the next pass looks
        kube.delete(accounts.account_ref(job.account), uid=live["metadata"]["uid"])
    seen = Condition(
        USABLE, Status.FALSE, KubeconfigReason.REVOCATION_PENDING, "Its account is being deleted."
    )
    return _result(seen, again=_AGAIN_SECONDS, failed=True)


def _look(job: KubeconfigJob, live: dict[str, Any] | None) -> Pass:
    """A live one: is its account there, and do its grants hold?"""
    if not job.uid:
        text = "The cluster has not made its account yet."
        seen = Condition(USABLE, Status.FALSE, KubeconfigReason.BEING_ISSUED, text)
        return _result(seen, again=_ISSUING_SECONDS, failed=True)
    if live is None or live["metadata"]["uid"] != job.uid:
        text = "Somebody deleted its service account in the cluster."
        return _ended(KubeconfigReason.ACCOUNT_GONE, text)
    if not job.in_place:
        text = "Its rights are being put into the cluster."
        seen = Condition(USABLE, Status.FALSE, KubeconfigReason.WAITS_FOR_RIGHTS, text)
        return _result(seen, again=_WAITING_SECONDS, failed=True)
    text = "It works, with the rights that its person's grants give."
    seen = Condition(USABLE, Status.TRUE, KubeconfigReason.RIGHTS_IN_PLACE, text)
    left = max((job.expires_at - timezone.now()).total_seconds(), 0.0)
    return _result(seen, again=min(left + _AGAIN_SECONDS, job.verify_seconds))


def _ended(reason: KubeconfigReason, text: str) -> Pass:
    seen = Condition(USABLE, Status.FALSE, reason, text)
    return _result(seen, {"ended_at": timezone.now()}, again=KEPT.total_seconds())


def _result(
    seen: Condition,
    columns: dict[str, Any] | None = None,
    *,
    again: float | None,
    failed: bool = False,
) -> Pass:
    ready = summarize([seen], needed=(USABLE,))
    return Pass([seen, ready], columns or {}, again_seconds=again, failed=failed)
