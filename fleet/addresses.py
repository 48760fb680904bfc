"""Which addresses of clusters may be called, and the connection pinned to a checked one."""

from __future__ import annotations

from dataclasses import replace

from django.conf import settings

from fleet.connection import Connection
from kubecarrier.lib import netguard


def policy() -> netguard.Policy:
    """What this portal allows: loopback only by setting, our own database's port never."""
    denied = set()
    database = settings.DATABASES["default"]
    if database.get("HOST"):
        denied.add((str(database["HOST"]), int(database.get("PORT") or 5432)))
    return netguard.Policy(
        allow_loopback=settings.KUBECARRIER_ALLOW_LOOPBACK, denied=frozenset(denied)
    )


def guarded(connection: Connection, rules: netguard.Policy) -> Connection:
    """The same connection, bound to an address that was checked; raises AddressError."""
    checked = netguard.check_url(connection.server, rules, schemes=("https",))
    return replace(connection, address=str(checked.addresses[0]))
