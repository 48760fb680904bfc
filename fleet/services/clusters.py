"""Clusters: import, edit, rename, rotate, pause, remove.

A credential goes in and never comes out. Where it is sent cannot be changed
without giving it again, so that nobody who may edit a cluster can have its
stored credential delivered to a server of their own.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from fleet import addresses
from fleet.choices import CLEANUP_FINALIZER, PROBE_TASK, RemovalPolicy
from fleet.connection import Connection, credential_expiry, secret_of, token_subject
from fleet.credentials import ca_bundle, client_identity
from fleet.errors import ClusterDuplicateError, ClusterInvalidError, ClusterStateError
from fleet.grants import portal_account
from fleet.kube import Budget, Kube
from fleet.kube_errors import Unreachable
from fleet.kubeconfig import bearer_token
from fleet.models import Cluster
from fleet.operations import Target, operation_record, operation_start
from fleet.queries import connection_of
from fleet.server_url import parse_server
from fleet.services import people_addresses
from kubecarrier.lib import access, audit, crypto, lease, placed
from kubecarrier.lib.manifests import Applied, Result, Wish
from kubecarrier.lib.tasks import wake_on_commit

# Changing one of these changes where the stored credential is sent.
_DESTINATION = ("server", "ca_pem", "tls_server_name", "insecure")
_SERVER_LENGTH = 500
_CHECK_BUDGET = Budget(connect=3, read=5, total=8)


@dataclass(frozen=True, slots=True)
class Checked:
    """A connection that was tried: `identity` None means that nobody answered yet."""

    connection: Connection
    identity: str | None


def connection_check(connection: Connection) -> Checked:
    """Try the connection; refuses a forbidden address and a refused credential.

    A server that does not answer is no reason to refuse: it may be down today.
    Raises AddressError, Unauthorized, Forbidden, TlsError.
    """
    guarded = addresses.guarded(connection, addresses.policy())
    try:
        found = Kube(guarded, budget=_CHECK_BUDGET).get("/api/v1/namespaces/kube-system")
    except Unreachable:
        return Checked(connection, None)
    return Checked(connection, str(found["metadata"]["uid"]))


def cluster_create(
    *, name: str, connection: Connection, labels: dict[str, str], fields: dict[str, Any]
) -> Cluster:
    """Add a cluster; raises ClusterDuplicateError and what `connection_check` raises."""
    access.demand("clusters.create")
    checked = connection_check(connection)
    with transaction.atomic():
        _refuse_taken(name, checked.identity)
        cluster = Cluster(name=name, labels=labels, identity=checked.identity, **fields)
        _set_connection(cluster, connection)
        _clean(cluster)
        cluster.save()
        _announce(cluster)
    return cluster


def cluster_apply(*, actor: Any, wish: Wish) -> Applied:
    """Create or update a cluster from a document."""
    cluster = Cluster.objects.filter(name=wish.name).first()
    spec = _normal(wish.spec, cluster)
    credential = spec.pop("credential", None)
    if cluster is None:
        connection = _connection_from(spec, credential)
        fields = {k: v for k, v in spec.items() if k not in _DESTINATION}
        created = cluster_create(
            name=wish.name, connection=connection, labels=wish.labels, fields=fields
        )
        return Applied(created, Result.CREATED)
    return _update(cluster, wish, spec, credential)


def _update(cluster: Cluster, wish: Wish, spec: dict[str, Any], credential: Any) -> Applied:
    """Change a cluster; a changed destination demands the credential again."""
    moved = any(
        column in spec and spec[column] != getattr(cluster, column) for column in _DESTINATION
    )
    _demand(cluster, wish, spec, credential=bool(credential) or moved)
    if moved and not credential:
        raise ClusterInvalidError(
            "credential_required",
            "Where the credential is sent was changed: give the credential again.",
            field="spec.credential",
        )
    connection = None
    if credential:
        wanted = {column: getattr(cluster, column) for column in _DESTINATION} | spec
        connection = _connection_from(wanted, credential)
        _refuse_stranger(cluster, connection)
    with transaction.atomic():
        cluster = Cluster.objects.select_for_update().get(pk=cluster.pk)
        wish.check(cluster)
        changed = connection is not None or cluster.labels != wish.labels
        cluster.labels = wish.labels
        for column, value in spec.items():
            changed |= getattr(cluster, column) != value
            setattr(cluster, column, value)
        if not changed:
            return Applied(cluster, Result.UNCHANGED)
        if connection is not None:
            _set_connection(cluster, connection)
            audit.event("credential-rotated", cluster)
        _save(cluster)
    return Applied(cluster, Result.CONFIGURED)


def _demand(cluster: Cluster, wish: Wish, spec: dict[str, Any], *, credential: bool) -> None:
    """A credential, a pause and the rest are rights of their own."""
    moved = any(
        getattr(cluster, one) != spec.get(one, getattr(cluster, one))
        for one in people_addresses.COLUMNS
    )
    if credential or moved:  # people send their tokens there
        access.demand("clusters.credentials", cluster)
    changed = {column for column, value in spec.items() if getattr(cluster, column) != value}
    if changed == {"suspended"} and cluster.labels == wish.labels:
        access.demand("clusters.operate", cluster)
    elif changed or cluster.labels != wish.labels:
        access.demand("clusters.edit", cluster)


def cluster_rotate(
    *, cluster: Cluster, connection: Connection, still: Callable[[Cluster], None] | None = None
) -> Cluster:
    """Put a new credential in: tested first, swapped then; raises ClusterStateError.

    `still` is asked with the row locked, and raises where it must not be swapped any more.
    """
    access.demand("clusters.credentials", cluster)
    _refuse_stranger(cluster, connection)
    with transaction.atomic():
        cluster = Cluster.objects.select_for_update().get(pk=cluster.pk)
        if still is not None:
            still(cluster)
        _set_connection(cluster, connection)
        audit.event("credential-rotated", cluster)
        _save(cluster)
    return cluster


def _refuse_stranger(cluster: Cluster, connection: Connection) -> None:
    """Raises ClusterStateError unless the very cluster answers with the new credential."""
    checked = connection_check(connection)
    if checked.identity is None:
        raise ClusterStateError(
            "cluster_unreachable",
            "The new credential could not be tested: the API server does not answer.",
            hint="The stored credential was kept.",
        )
    if cluster.identity and checked.identity != cluster.identity:
        raise ClusterStateError(
            "another_cluster",
            "Another cluster answers with this credential.",
            hint="Import it as a cluster of its own. The stored credential was kept.",
        )


def cluster_rename(*, cluster: Cluster, name: str) -> Cluster:
    """Give a cluster another name: placements, releases and history follow it."""
    access.demand("clusters.edit", cluster)
    with transaction.atomic():
        cluster = Cluster.objects.select_for_update().get(pk=cluster.pk)
        old = cluster.name
        if name == old:
            return cluster
        _refuse_taken(name, None)
        cluster.name = name
        _store(cluster)
        # First the placements take the new name: else the cluster looks as if it were not chosen.
        for kind in placed.placed_kinds():
            kind.cluster_renamed(cluster, old)
        _announce(cluster)
    return cluster


def cluster_suspend(*, cluster: Cluster, suspended: bool) -> Cluster:
    """Pause: nothing is changed in the cluster. Resume: everything due is looked at."""
    access.demand("clusters.operate", cluster)
    with transaction.atomic():
        cluster = Cluster.objects.select_for_update().get(pk=cluster.pk)
        if cluster.suspended != suspended:
            cluster.suspended = suspended
            _save(cluster)
            for kind in placed.placed_kinds():
                kind.reachability_changed(cluster)
    return cluster


def cluster_probe(*, cluster: Cluster) -> None:
    """Look at the cluster now."""
    access.demand("clusters.operate", cluster)
    with transaction.atomic():
        lease.wake(Cluster.objects.filter(pk=cluster.pk))
        wake_on_commit(PROBE_TASK)
        audit.event("probe-asked", cluster)


def cluster_delete(*, actor: Any, row: Cluster, policy: str = "") -> None:
    """Remove a cluster: `orphan` at once and from our database alone, `cleanup` by deleting first.

    What stays behind in the cluster is listed in the operation.
    """
    access.demand("clusters.delete", row)
    with transaction.atomic():
        cluster = Cluster.objects.select_for_update().get(pk=row.pk)
        cleanup = _policy(policy or cluster.removal_policy) is RemovalPolicy.CLEANUP
        outcomes = [
            outcome
            for kind in placed.placed_kinds()
            for outcome in kind.cluster_removing(cluster, cleanup=cleanup)
        ]
        if not cleanup:
            operation_record(operation_verb="remove", row=cluster, outcomes=outcomes)
            cluster.delete()
            return
        cluster.removal_policy = RemovalPolicy.CLEANUP
        cluster.suspended = False  # deleting is work in the cluster
        cluster.deletion_requested_at = cluster.deletion_requested_at or timezone.now()
        _save(cluster)
        Cluster.objects.filter(pk=cluster.pk).status_update(finalizers=[CLEANUP_FINALIZER])
        target = Target(cluster.pk, cluster.name, cluster.generation)
        operation_start(verb="remove", row=cluster, targets=[target])
        row.deletion_requested_at = cluster.deletion_requested_at


def _policy(text: str) -> RemovalPolicy:
    try:
        return RemovalPolicy(text)
    except ValueError as error:
        raise ClusterInvalidError(
            "policy_invalid", "policy is orphan or cleanup.", field="policy"
        ) from error


def _connection_from(spec: dict[str, Any], credential: Any) -> Connection:
    """The connection that a document describes; raises ClusterInvalidError, KubeconfigError."""
    credential = credential or {}
    token = bearer_token(credential.get("token", ""), "spec.credential.token")
    cert, key = credential.get("client_cert_pem"), credential.get("client_key_pem")
    if not token and not (cert and key):
        raise ClusterInvalidError(
            "credential_required",
            "A cluster needs a credential: a token, or a certificate with its key.",
            field="spec.credential",
        )
    if cert or key:
        at = "spec.credential"
        cert, key = client_identity(
            (cert or "").encode(),
            (key or "").encode(),
            f"{at}.clientCertificate",
            f"{at}.clientKey",
            timezone.now(),
        )
    return Connection(
        server=parse_server(spec.get("server", ""), "spec.server"),
        ca_pem=spec.get("ca_pem") or None,
        token=token,
        client_cert_pem=cert or None,
        client_key_pem=key or None,
        tls_server_name=spec.get("tls_server_name") or None,
        insecure=bool(spec.get("insecure")),
    )


def _normal(given: dict[str, Any], cluster: Cluster | None) -> dict[str, Any]:
    """The spec with address and CA as they are stored, so that equal ones compare as equal."""
    spec = dict(given)
    spec["server"] = parse_server(spec["server"], "spec.server")
    if cluster and spec["ca_pem"].strip() == cluster.ca_pem.strip():
        spec["ca_pem"] = cluster.ca_pem
    elif spec["ca_pem"]:
        pem = spec["ca_pem"].encode()
        spec["ca_pem"] = ca_bundle(pem, "spec.caCertificate", timezone.now())
    return spec | people_addresses.normal(spec, cluster)


def _set_connection(cluster: Cluster, connection: Connection) -> None:
    own = token_subject(connection) == portal_account.SUBJECT
    if own:
        replaced = _own_secret(cluster) if cluster.exchanged_at else ""
        unused = {*cluster.own_tokens, replaced} - {"", secret_of(connection)}
        cluster.own_tokens = sorted(unused)
    cluster.credential_rotated_at = timezone.now()
    cluster.exchanged_at = (cluster.exchanged_at or timezone.now()) if own else None
    cluster.rotation_error, cluster.rotation_retry_at = "", None
    cluster.server = connection.server
    cluster.ca_pem = connection.ca_pem or ""
    cluster.tls_server_name = connection.tls_server_name or ""
    cluster.insecure = connection.insecure
    cluster.credential_expires_at = credential_expiry(connection)
    secret = {
        key: value
        for key in ("token", "client_cert_pem", "client_key_pem")
        if (value := getattr(connection, key))
    }
    crypto.seal(cluster, "credential", json.dumps(secret))


def _own_secret(cluster: Cluster) -> str:
    """The Secret that the stored token is in; what cannot be opened is in none that we know."""
    with suppress(crypto.SealError):
        return secret_of(connection_of(cluster))
    return ""


def _refuse_taken(name: str, identity: str | None) -> None:
    if Cluster.objects.filter(name=name).exists():
        raise ClusterDuplicateError(
            "cluster_name_taken", f"There is a cluster “{name}” already.", field="metadata.name"
        )
    same = Cluster.objects.filter(identity=identity).first() if identity else None
    if same is not None:
        raise ClusterDuplicateError(
            "cluster_duplicate",
            f"This is the cluster “{same.name}”, which is in the fleet already.",
            hint="Its kube-system namespace has the same UID.",
            cluster=same.name,
        )


def _save(cluster: Cluster) -> None:
    _store(cluster)
    _announce(cluster)


def _store(cluster: Cluster) -> None:
    cluster.generation += 1
    _clean(cluster)
    cluster.save()


def _clean(cluster: Cluster) -> None:
    """The address was read by `parse_server`; Django's rule for URLs refuses `https://kube1`."""
    cluster.full_clean(exclude=["credential", "server"])
    if len(cluster.server) > _SERVER_LENGTH:
        raise ClusterInvalidError(
            "server_invalid", "The server's URL is too long.", field="spec.server"
        )


def _announce(cluster: Cluster) -> None:
    """Everything that depends on the cluster hears of the change, in this transaction."""
    lease.wake(Cluster.objects.filter(pk=cluster.pk))
    wake_on_commit(PROBE_TASK)
    for kind in placed.placed_kinds():
        kind.cluster_changed(cluster)
