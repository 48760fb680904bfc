"""The doors to one cluster: the API server's and Helm's, on one checked address."""

from __future__ import annotations

from dataclasses import dataclass

from apps.helm import Helm
from apps.queries import helm_door
from fleet import addresses
from fleet.connection import Connection
from fleet.kube import Budget, Identity, Kube, discovery_of
from kubecarrier.lib.netguard import Policy


@dataclass(frozen=True, slots=True)
class Doors:
    """Both as the same identity: the portal's own, until `acting_as` says another one."""

    kube: Kube
    helm: Helm
    connection: Connection

    def acting_as(self, identity: Identity) -> Doors:
        """The same cluster with the rights of `identity`."""
        kube, helm = self.kube.acting_as(identity), self.helm.acting_as(identity)
        return Doors(kube, helm, self.connection)


def doors_to(connection: Connection, rules: Policy, *, budget: Budget) -> Doors:
    """Raises AddressError where the address is not allowed."""
    guarded = addresses.guarded(connection, rules)
    kube = Kube(guarded, budget=budget, discovery=discovery_of(guarded))
    return Doors(kube, helm_door(), guarded)
