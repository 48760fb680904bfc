"""One person on one cluster: the door with that person's rights, and the record of what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from fleet import acting, addresses, places
from fleet.conditions import IDENTIFIED
from fleet.kube import Budget, Kube, discovery_of
from fleet.kube_errors import Forbidden, KubeError
from fleet.models import Cluster
from fleet.queries import connection_of
from kubecarrier.lib import audit
from kubecarrier.lib.access import require
from kubecarrier.lib.errors import ConflictError, DeniedError, KubeCarrierError

BUDGET = Budget(connect=3, read=8, total=15)
_NO_IMPERSONATION = "cannot impersonate"
_SAID = 500


@dataclass(frozen=True, slots=True)
class Session:
    """`kube` carries the person's identity; `manager` is the field manager of their edits."""

    cluster: Cluster
    user: Any
    kube: Kube
    manager: str

    def require(self, permission: str) -> None:
        """Raises DeniedError unless the person, and the token they came with, may do this here."""
        require(self.user, permission, self.cluster)

    def on_record(
        self,
        event: str,
        what: str,
        *,
        namespace: str = "",
        changes: dict[str, Any] | None = None,
        result: audit.Outcome = audit.Outcome.OK,
    ) -> None:
        """The audit entry of an act on an object; raises InvalidError where a reason is missing."""
        place = places.in_namespace(self.cluster, namespace)
        audit.event(
            event, self.cluster, said=what[:_SAID], changes=changes, result=result, place=place
        )

    @contextmanager
    def doing(self, what: str, *, namespace: str = "") -> Iterator[None]:
        """A refusal by the cluster inside becomes ours, and is on record: `what` says of what."""
        try:
            yield
        except Forbidden as error:
            said, refused = f"{what}: {error.message}", audit.Outcome.DENIED
            self.on_record("resource-denied", said, namespace=namespace, result=refused)
            raise _denied(error, self.cluster) from error
        except KubeError as error:
            error.data.setdefault("cluster", self.cluster.name)
            raise

    def failed(self, what: str, error: KubeCarrierError, *, namespace: str = "") -> None:
        """An act that is on record already did not come about."""
        said, failed = f"{what}: {error.code}", audit.Outcome.FAILED
        self.on_record("resource-failed", said, namespace=namespace, result=failed)


def open_session(*, user: Any, cluster: Cluster, budget: Budget = BUDGET) -> Session:
    """Raises DeniedError for nobody, ConflictError in quarantine, AddressError, SealError."""
    identity = acting.identity_for(user, cluster)
    if cluster.condition(IDENTIFIED).get("status") == "False":
        raise ConflictError(
            "cluster_quarantined",
            str(cluster.condition(IDENTIFIED).get("message", "")),
            hint="Until its identity is known, nothing is read or changed there.",
        )
    connection = addresses.guarded(connection_of(cluster), addresses.policy())
    kube = Kube(connection, budget=budget, discovery=discovery_of(connection))
    if identity is not None:
        kube = kube.acting_as(identity)
    return Session(cluster, user, kube, acting.field_manager(user))


def _denied(error: Forbidden, cluster: Cluster) -> DeniedError:
    if _NO_IMPERSONATION in error.message:
        return DeniedError(
            "impersonation_denied",
            f"The portal may not act for people on “{cluster.name}”.",
            hint="Its account there needs the verb impersonate on users and groups.",
            cluster=cluster.name,
        )
    return DeniedError("cluster_denied", error.message, cluster=cluster.name)
