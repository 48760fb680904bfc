"""Kubeconfigs for people: handed out once, taken back.

The token in one is the cluster's own, of a service account that nobody else has; it is
stored nowhere. What it may do there, the person's grants say (`fleet.grants`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from fleet import addresses
from fleet.choices import KUBECONFIG_TASK, KubeconfigEnd
from fleet.conditions import IDENTIFIED, KubeconfigReason
from fleet.connection import Connection
from fleet.errors import KubeconfigDeniedError, KubeconfigInvalidError, KubeconfigStateError
from fleet.grants import accounts, holders
from fleet.grants.kubeconfigs import bind_account, kubeconfig_end
from fleet.kube import Budget, Kube, discovery_of
from fleet.models import Cluster, ClusterGrant, Kubeconfig
from fleet.queries import connection_of
from fleet.services import people_addresses
from kubecarrier.lib import access, audit
from kubecarrier.lib.conditions import READY
from kubecarrier.lib.errors import KubeCarrierError
from kubecarrier.lib.tasks import wake_on_commit

Json = dict[str, Any]
MIN_SECONDS = 600  # the API server's own least for a TokenRequest
USUAL_SECONDS = 3600
LIVE_AT_ONCE = 10  # of one person on one cluster
FIELD_MANAGER = "kubecarrier"
# An API server that extends tokens (`--service-account-extend-token-expiration`, on by default)
# takes exactly this wish, which is the kubelet's, for one of a year.
_EXTENDED_SECONDS = 3607
_BUDGET = Budget(connect=3, read=8, total=15)


@dataclass(frozen=True, slots=True)
class Wish:
    """What may be issued: checked, nothing is stored yet."""

    seconds: int
    grants: list[ClusterGrant]


def max_seconds() -> int:
    """How long a kubeconfig may work at most; 0: nobody gets one."""
    return int(settings.KUBECARRIER_KUBECONFIG_MAX_SECONDS)


def usual_seconds() -> int:
    """How long one works unless told."""
    return min(USUAL_SECONDS, max_seconds())


def kubeconfig_check(*, actor: Any, cluster: Cluster, seconds: int | None = None) -> Wish:
    """Whether `actor` may have a kubeconfig; raises DeniedError, InvalidError, ConflictError."""
    if getattr(actor, "token_scopes", None) is not None:
        raise KubeconfigDeniedError(
            "scope_exceeded",
            "A token with scopes gets no kubeconfig: the file would reach further than the token.",
        )
    grants = holders.grants_of(actor, cluster)
    if not holders.may_have(actor, cluster, grants):
        raise access.denied(holders.PERMISSION, cluster)
    wanted = _seconds(seconds)
    if cluster.condition(IDENTIFIED).get("status") == "False" or cluster.deletion_requested_at:
        raise KubeconfigStateError(
            "cluster_quarantined", f"“{cluster}” is in quarantine or being removed."
        )
    if cluster.suspended:
        raise KubeconfigStateError(
            "cluster_paused",
            f"“{cluster}” is paused: nothing is changed there.",
            hint="A kubeconfig needs a service account in the cluster. Resume it first.",
        )
    if not grants:
        raise KubeconfigDeniedError(
            "no_cluster_rights",
            f"You hold nothing in “{cluster}” itself: a kubeconfig would open nothing.",
            hint="A binding whose role has Kubernetes rules gives rights there.",
        )
    if holders.live().filter(user=actor, cluster=cluster).count() >= LIVE_AT_ONCE:
        raise KubeconfigStateError(
            "kubeconfigs_too_many",
            f"You have {LIVE_AT_ONCE} kubeconfigs of “{cluster}” that work.",
            hint="Revoke those that nobody uses.",
        )
    return Wish(wanted, grants)


def kubeconfig_issue(
    *, actor: Any, cluster: Cluster, seconds: int | None = None
) -> tuple[Kubeconfig, Json]:
    """A new kubeconfig: its row, and the document, which is answered this once.

    The row is stored first, so that whatever happens after it the account is known and
    goes at its time. Its rights follow within moments: the row's `Ready` says when.
    Raises what `kubeconfig_check` raises, and the errors of the cluster.
    """
    wish = kubeconfig_check(actor=actor, cluster=cluster, seconds=seconds)
    connection = connection_of(cluster)
    guarded = addresses.guarded(connection, addresses.policy())
    row = _reserve(actor, cluster, wish.seconds)
    try:
        kube = Kube(guarded, budget=_BUDGET, discovery=discovery_of(guarded))
        uid = _make_account(kube, row)
        token, expires_at = kube.token(accounts.account_ref(row.account), seconds=wish.seconds)
        row = _issued(row, uid, expires_at)
    except KubeCarrierError:
        _end(row, KubeconfigEnd.NOT_ISSUED)
        raise
    return row, _document(row, connection, token, wish.grants)


def kubeconfig_revoke(*, actor: Any, row: Kubeconfig) -> None:
    """Take one back: one's own always, another's by right; raises DeniedError."""
    if row.user_id != actor.pk:
        access.require(actor, "kubeconfigs.delete", row)
    _end(row, KubeconfigEnd.REVOKED)
    row.refresh_from_db()


@transaction.atomic
def _end(row: Kubeconfig, because: KubeconfigEnd) -> None:
    rows = Kubeconfig.objects.select_for_update(of=("self",)).select_related("cluster")
    kubeconfig_end(rows.get(pk=row.pk), because)


def standing(row: Kubeconfig) -> str:
    """One word for how a kubeconfig stands; revoked is only one whose account was seen to be gone."""
    if row.ended_at is None and row.revoked_at is not None:
        return KubeconfigReason.REVOCATION_PENDING
    if row.ended_at is None and row.expired:
        return KubeconfigReason.EXPIRED
    return str(row.condition(READY).get("reason") or KubeconfigReason.BEING_ISSUED)


def _seconds(wanted: int | None) -> int:
    most = max_seconds()
    if not most:
        raise KubeconfigDeniedError("kubeconfigs_off", "This portal hands out no kubeconfigs.")
    seconds = usual_seconds() if wanted is None else wanted
    if not MIN_SECONDS <= seconds <= most:
        raise KubeconfigInvalidError(
            "duration_invalid",
            f"A kubeconfig works for {MIN_SECONDS} to {most} seconds.",
            field="expirationSeconds",
            minSeconds=MIN_SECONDS,
            maxSeconds=most,
        )
    return seconds - 1 if seconds == _EXTENDED_SECONDS else seconds


@transaction.atomic
def _reserve(actor: Any, cluster: Cluster, seconds: int) -> Kubeconfig:
    row = Kubeconfig(
        cluster=cluster,
        user=actor,
        username=actor.get_username(),
        account=accounts.account_name(actor.get_username()),
        expires_at=timezone.now() + timedelta(seconds=seconds),
    )
    row.save()
    bind_account(row)
    wake_on_commit(KUBECONFIG_TASK)
    return row


def _make_account(kube: Kube, row: Kubeconfig) -> str:
    """The account's uid. What surrounds it is applied each time: it may have been taken away."""
    for obj in accounts.surroundings():
        kube.apply(obj, field_manager=FIELD_MANAGER, force=True)
    wanted = accounts.account_object(row.account, row.pk, row.username)
    made = kube.create(wanted, field_manager=FIELD_MANAGER)
    return str(made["metadata"]["uid"])


@transaction.atomic
def _issued(row: Kubeconfig, uid: str, expires_at: datetime) -> Kubeconfig:
    """On record before it leaves the portal; raises ConflictError when it was taken back meanwhile."""
    found = Kubeconfig.objects.select_for_update(of=("self",)).get(pk=row.pk)
    if not found.live:
        raise KubeconfigStateError(
            "kubeconfig_revoked", "The kubeconfig was taken back while it was made."
        )
    found.account_uid, found.expires_at = uid, expires_at
    found.generation += 1
    found.save(update_fields=["account_uid", "expires_at", "generation", "updated_at"])
    said = f"kubeconfig of {found.cluster} until {expires_at:%Y-%m-%d %H:%M:%S} UTC"
    audit.event("kubeconfig-issued", found, said=said)
    wake_on_commit(KUBECONFIG_TASK)
    return found


def _document(
    row: Kubeconfig, connection: Connection, token: str, grants: list[ClusterGrant]
) -> Json:
    return accounts.kubeconfig_document(
        cluster=row.cluster.name,
        connection=people_addresses.seen_by_people(row.cluster, connection),
        token=token,
        namespace=accounts.default_namespace(grant.wanted for grant in grants),
        kubeconfig_id=row.pk,
        expires_at=row.expires_at,
    )
