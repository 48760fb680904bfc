"""Renewal of the portal's own credential on a cluster: by hand, and by itself when it is old.

One more token is made, tried and stored, and only then the one before it ends. At every
instruction one that works is stored:

1. The name of the new Secret is noted, then the Secret is made. Killed here: the note says
   what to delete.
2. The token is tried as the account that it is of, against the same cluster. What goes wrong
   here leaves the stored one where it is.
3. It is stored, if the stored one is still the one that was replaced. Killed here: the new
   one is in use, and the note says which is not.
4. Every noted Secret but that of the stored token is deleted, under our mark only, once nothing
   works there any more that may have begun with it: a Helm upgrade in the middle keeps its token.

One at a time on each cluster, by a lease that outlasts the longest try.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from django.conf import settings
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from fleet import addresses
from fleet.connection import token_subject
from fleet.errors import ClusterStateError
from fleet.grants import portal_account, portal_tokens
from fleet.grants.objects import is_of
from fleet.kube import Budget, Kube
from fleet.kube_errors import NotFound
from fleet.models import Cluster
from fleet.queries import connection_of
from fleet.services.clusters import cluster_rotate
from fleet.services.exchanges import FIELD_MANAGER, await_rights, await_token
from fleet.services.own_credentials import BusyError, claimed, noted_name, refuse_changed
from kubecarrier.lib import access, sweeps
from kubecarrier.lib.errors import KubeCarrierError, TransientError

log = structlog.get_logger(__name__)
ROTATION_TASK = "fleet.tasks.rotate_credentials"
_BUDGET = Budget(connect=3, read=8, total=15)
_RETRY = timedelta(hours=1)
_WORKING = timedelta(minutes=1)  # then it is looked again whether work has ended
_LONGEST_WORK = timedelta(hours=2)
_PASS_SECONDS = 60.0  # a task may run for two minutes
_AT_ONCE = 20


def cluster_rotate_credential(*, cluster: Cluster) -> Cluster:
    """Put a new token of the portal's own account in place of the stored one, which then ends.

    Raises ClusterStateError, and what the cluster answers: the stored one was kept.
    """
    access.demand("clusters.credentials", cluster)
    _refuse(cluster)
    with claimed(cluster) as until:
        try:
            found = _renewed(cluster, until)
        except KubeCarrierError as error:
            if not isinstance(error, TransientError):  # where nobody answers the next pass does it
                _forget_quietly(cluster, until)
            raise
        again = _forget_quietly(cluster, until)
    Cluster.objects.filter(pk=cluster.pk).status_update(rotation_error="", rotation_retry_at=again)
    return found


def rotations_due() -> bool:
    """Whether a credential is older than it may be, or a replaced one may still stand somewhere."""
    return _due().exists()


def rotate_due() -> None:
    """Renew what is old, end what was replaced; what cannot be done is tried again in an hour."""
    deadline = time.monotonic() + _PASS_SECONDS
    for cluster in _due().order_by("credential_rotated_at")[:_AT_ONCE]:
        if time.monotonic() > deadline:
            return
        with suppress(BusyError):
            _settle(cluster)


def _settle(cluster: Cluster) -> None:
    columns: dict[str, object] = {"rotation_error": "", "rotation_retry_at": None}
    try:
        if cluster.exchanged_at and _old(cluster):
            cluster_rotate_credential(cluster=cluster)
            return
        with claimed(cluster) as until:
            columns["rotation_retry_at"] = _forget_replaced(cluster, until)
    except BusyError:
        raise
    except KubeCarrierError as error:
        log.warning("credential not renewed", cluster=cluster.name, code=error.code)
        said = f"{error.code}: {error.message}"[:500]
        columns = {"rotation_error": said, "rotation_retry_at": timezone.now() + _RETRY}
    Cluster.objects.filter(pk=cluster.pk).status_update(**columns)


def _due() -> QuerySet[Cluster]:
    now = timezone.now()
    wanted = ~Q(own_tokens=[])
    if settings.KUBECARRIER_CREDENTIAL_ROTATION_DAYS:
        wanted |= Q(exchanged_at__isnull=False, credential_rotated_at__lte=now - _lifetime())
    free = Q(rotation_until=None) | Q(rotation_until__lte=now)
    free &= Q(rotation_retry_at=None) | Q(rotation_retry_at__lte=now)
    living = Q(suspended=False, deletion_requested_at=None, conditions__Reachable__status="True")
    return Cluster.objects.filter(wanted, free, living)


def _old(cluster: Cluster) -> bool:
    since, days = cluster.credential_rotated_at, settings.KUBECARRIER_CREDENTIAL_ROTATION_DAYS
    return bool(days and since and since <= timezone.now() - _lifetime())


def _lifetime() -> timedelta:
    return timedelta(days=settings.KUBECARRIER_CREDENTIAL_ROTATION_DAYS)


# --- one renewal -------------------------------------------------------------------------


def _refuse(cluster: Cluster) -> None:
    if cluster.suspended or cluster.deletion_requested_at:
        raise ClusterStateError(
            "cluster_paused", f"“{cluster}” is paused or being removed: nothing is made there."
        )
    if cluster.exchanged_at is None:
        raise ClusterStateError(
            "credential_not_ours",
            f"The credential of “{cluster}” is as it was imported: the portal cannot renew it.",
            hint="Exchange it for the portal's own account, or give a new one: cluster rotate.",
        )


def _renewed(cluster: Cluster, until: datetime) -> Cluster:
    row = Cluster.objects.get(pk=cluster.pk)
    present, name = connection_of(row), noted_name(row, until)
    kube = Kube(addresses.guarded(present, addresses.policy()), budget=_BUDGET)
    kube.create(portal_tokens.secret(name), field_manager=FIELD_MANAGER)
    wanted = replace(present, token=await_token(kube, portal_tokens.ref(name)))
    if token_subject(wanted) != portal_account.SUBJECT or wanted.token == present.token:
        raise ClusterStateError(
            "token_foreign", "The cluster wrote a token that is not of the portal's account."
        )
    await_rights(wanted)
    return cluster_rotate(
        cluster=row,
        connection=wanted,
        still=partial(refuse_changed, present=present, until=until),
    )


# --- what was replaced --------------------------------------------------------------------


def _forget_quietly(cluster: Cluster, until: datetime) -> datetime | None:
    """Now, or by a later pass: one that works is stored either way."""
    try:
        return _forget_replaced(cluster, until)
    except KubeCarrierError as error:
        log.warning("replaced token still stands", cluster=cluster.name, code=error.code)
        return timezone.now() + _WORKING


def _forget_replaced(cluster: Cluster, until: datetime) -> datetime | None:
    """Delete every noted Secret but that of the stored token; answers when to look again, if so."""
    row = Cluster.objects.get(pk=cluster.pk)
    if _worked_on(row):
        return timezone.now() + _WORKING
    connection = connection_of(row)
    kube = Kube(addresses.guarded(connection, addresses.policy()), budget=_BUDGET)
    in_use = portal_tokens.secret_of(connection)
    for name in row.own_tokens:
        if name != in_use:
            _forget(kube, name)
    mine = Cluster.objects.filter(pk=row.pk, rotation_until=until)
    mine.status_update(own_tokens=[])
    return None


def _worked_on(cluster: Cluster) -> bool:
    """Whether somebody works there at this moment, perhaps with the token before this one."""
    since = cluster.credential_rotated_at
    if since is None or since + _LONGEST_WORK < timezone.now():
        return False
    models: list[Any] = [
        model
        for model in sweeps.reconciled()
        if any(field.name == "cluster" for field in model._meta.concrete_fields)
    ]
    held = Q(cluster=cluster, lease_expires_at__gt=Now())
    return any(model.objects.filter(held).exists() for model in models)


def _forget(kube: Kube, name: str) -> None:
    with suppress(NotFound):
        found = kube.get(portal_tokens.ref(name), metadata_only=True)
        if is_of(found, portal_account.OWNER_MARK):
            kube.delete(portal_tokens.ref(name), uid=found["metadata"]["uid"])
