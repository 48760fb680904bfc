"""Exchange of an imported credential for an account of the portal's own.

The account is made with the credential that is stored, its token is tried, and only then
does it take the place of that credential, which is forgotten.
"""

from __future__ import annotations

import base64
import time
from dataclasses import replace
from datetime import datetime
from functools import partial

from django.contrib.auth.models import Group

from fleet import addresses
from fleet.connection import Connection
from fleet.errors import ClusterStateError
from fleet.grants import portal_account, portal_tokens
from fleet.grants.objects import is_of
from fleet.kube import Budget, Kube
from fleet.kube_errors import NotFound
from fleet.models import Cluster
from fleet.queries import connection_of
from fleet.resource import ObjectRef
from fleet.services.clusters import cluster_rotate
from fleet.services.own_credentials import claimed, noted_name, refuse_changed
from kubecarrier.lib import access, audit

FIELD_MANAGER = "kubecarrier"
_BUDGET = Budget(connect=3, read=8, total=15)
_WAIT_SECONDS = 10.0  # for the cluster's controllers, and for its authorizer to follow
_LOOK_SECONDS = 0.25


def account_manifest(*, cluster: Cluster) -> str:
    """What the portal needs there, as YAML with a reason at each rule."""
    access.demand("clusters.credentials", cluster)
    return portal_account.manifest(cluster.name, _groups())


def cluster_exchange(*, cluster: Cluster) -> Cluster:
    """Make the account, try its token, and put it in place of the stored credential.

    Nothing is swapped unless the same cluster answers and allows what is needed. Raises
    ClusterStateError, and what the cluster answers: the stored credential was kept.
    """
    access.demand("clusters.credentials", cluster)
    if cluster.suspended or cluster.deletion_requested_at:
        raise ClusterStateError(
            "cluster_paused", f"“{cluster}” is paused or being removed: nothing is made there."
        )
    with claimed(cluster) as until:
        found = _exchanged(Cluster.objects.get(pk=cluster.pk), until)
    audit.event("credential-exchanged", found, said=portal_account.SUBJECT)
    return found


def _exchanged(cluster: Cluster, until: datetime) -> Cluster:
    present = connection_of(cluster)
    kube = Kube(addresses.guarded(present, addresses.policy()), budget=_BUDGET)
    _refuse_foreign(kube)
    for obj in portal_account.objects(_groups()):
        if obj["kind"] != "Secret":  # a token of this portal's own, which it may end
            kube.apply(obj, field_manager=FIELD_MANAGER, force=True)
    name = noted_name(cluster, until)
    kube.create(portal_tokens.secret(name), field_manager=FIELD_MANAGER)
    token = await_token(kube, portal_tokens.ref(name))
    wanted = replace(present, token=token, client_cert_pem=None, client_key_pem=None)
    await_rights(wanted)
    return cluster_rotate(
        cluster=cluster,
        connection=wanted,
        still=partial(refuse_changed, present=present, until=until),
    )


def _groups() -> list[str]:
    return list(Group.objects.order_by("name").values_list("name", flat=True))


def _refuse_foreign(kube: Kube) -> None:
    """Somebody else's account of that name is not taken over."""
    try:
        found = kube.get(portal_account.account_ref(), metadata_only=True)
    except NotFound:
        return
    if not is_of(found, portal_account.OWNER_MARK):
        raise ClusterStateError(
            "account_foreign",
            f"{portal_account.NAMESPACE}/{portal_account.ACCOUNT} is there and is not the portal's.",
            hint="It is left alone. Delete it, or make an account by hand from the manifest.",
        )


def await_token(kube: Kube, secret: ObjectRef) -> str:
    """Written into the secret by the cluster's own controller; raises ClusterStateError."""
    deadline = time.monotonic() + _WAIT_SECONDS
    while True:
        text = (kube.get(secret).get("data") or {}).get("token", "")
        if text:
            return base64.b64decode(text).decode("ascii")
        if time.monotonic() > deadline:
            raise ClusterStateError(
                "token_missing",
                "The cluster wrote no token for the account: does its controller manager run?",
                hint="The stored credential was kept.",
            )
        time.sleep(_LOOK_SECONDS)


def await_rights(connection: Connection) -> None:
    """Ask the cluster as the account itself; its authenticator and authorizer follow in moments.

    Raises ClusterStateError where it is not allowed what is needed.
    """
    kube = Kube(addresses.guarded(connection, addresses.policy()), budget=_BUDGET)
    deadline = time.monotonic() + _WAIT_SECONDS
    while True:
        answers = [kube.create(one) for one in portal_account.questions()]
        if all((one.get("status") or {}).get("allowed") for one in answers):
            return
        if time.monotonic() > deadline:
            raise ClusterStateError(
                "account_powerless",
                "The cluster does not allow the new account what the portal needs.",
                hint="The stored credential was kept.",
            )
        time.sleep(_LOOK_SECONDS)
