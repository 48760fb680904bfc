"""The clusters of the table's world: where they answer, and what is found in them."""

from __future__ import annotations

from typing import Any, Protocol

from django.utils import timezone

from fleet.choices import NamespaceState
from fleet.connection import Connection
from fleet.grants import deriving as granting
from fleet.models import Cluster, Namespace, Node, Project, ProjectNamespace
from fleet.services.clusters import Checked
from kubecarrier.lib import audit
from tests.authorization.table import PLACES, Place
from tests.portal import Portal

Json = dict[str, Any]
#: Nobody listens there: what comes this far has passed every check of ours.
SILENT = "https://127.0.0.1:9"


class Servers(Protocol):
    """`Silent` for tests/db; real ones are in tests/controlplane."""

    def spec(self, name: str) -> Json:
        """How the portal is told of a cluster."""

    def settle(self, portal: Portal) -> None:
        """What is found in them, and the namespaces that projects prepare there."""

    def node(self, cluster: str) -> str:
        """One of its nodes."""

    def version(self, place: Place) -> str:
        """The resourceVersion of the object `web` there."""


def answering(connection: Connection) -> Checked:
    """In place of `connection_check`: a cluster is known by the name that TLS would verify."""
    return Checked(connection, f"uid of {connection.tls_server_name or connection.token}")


class Silent:
    """Nobody answers; what would have been found there is written down."""

    def spec(self, name: str) -> Json:
        return {
            "server": SILENT, "tlsServerName": f"{name}.example.org",
            "credential": {"token": f"canary-token-of-{name}"},
        }  # fmt: skip

    def settle(self, portal: Portal) -> None:
        now = timezone.now()
        for place in PLACES.values():
            row = Cluster.objects.get(name=place.cluster)
            Namespace.objects.create(cluster=row, name=place.namespace, state="Active", seen_at=now)
            granting.namespaces_changed(row)
            Node.objects.get_or_create(
                cluster=row, name=self.node(row.name), defaults={"ready": True, "seen_at": now}
            )
        with audit.unaudited("as the reconciler writes it"):
            ProjectNamespace.objects.update(state=NamespaceState.READY)
        for project in Project.objects.all():
            granting.project_changed(project)

    def node(self, cluster: str) -> str:
        return f"node-{cluster}"

    def version(self, place: Place) -> str:
        return "1"
