"""The address of a cluster that people's kubeconfigs name, where it is not the portal's own way there.

It is written into files and never called: a name is not even resolved here, because it may
mean something on people's machines only. People send their tokens to it, so it is changed by
who may change the credential. An address that no cluster has (metadata services, link-local)
is refused where it is written as a number.
"""

from __future__ import annotations

import ipaddress
import re
from contextlib import suppress
from dataclasses import replace
from typing import Any

from django.utils import timezone

from fleet.connection import Connection
from fleet.credentials import ca_bundle
from fleet.errors import ClusterInvalidError
from fleet.models import Cluster
from fleet.server_url import parse_server
from kubecarrier.lib import netguard

COLUMNS = ("people_server", "people_ca_pem", "people_tls_server_name")
_LENGTH = 500
# Of people's machines: a tunnel ends on them.
_ANYWHERE = netguard.Policy(allow_loopback=True, allow_private=True)
_HOST = re.compile(
    r"(?=.{1,253}\Z)[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*"
)


def normal(spec: dict[str, Any], cluster: Cluster | None) -> dict[str, Any]:
    """The columns as they are stored, those that `spec` has; raises InvalidError."""
    given = {column: spec[column].strip() for column in COLUMNS if column in spec}
    server = given.get("people_server", cluster.people_server if cluster else "")
    if not server:
        for column in COLUMNS[1:]:
            if given.get(column):
                raise _invalid("Without an address there is nothing to check.", _FIELDS[column])
        return given
    if given.get("people_server"):
        given["people_server"] = _server(server)
    pem = given.get("people_ca_pem")
    if pem and not (cluster and pem == cluster.people_ca_pem.strip()):
        given["people_ca_pem"] = ca_bundle(pem.encode(), _FIELDS["people_ca_pem"], timezone.now())
    elif pem and cluster:
        given["people_ca_pem"] = cluster.people_ca_pem
    name = given.get("people_tls_server_name")
    if name and not _HOST.fullmatch(name):
        raise _invalid("That is no name of a host.", _FIELDS["people_tls_server_name"])
    return given


def seen_by_people(cluster: Cluster, connection: Connection) -> Connection:
    """The address as a person's kubeconfig has it; without one of its own the portal's."""
    if not cluster.people_server:
        return connection
    return replace(
        connection,
        server=cluster.people_server,
        ca_pem=cluster.people_ca_pem or None,
        tls_server_name=cluster.people_tls_server_name or None,
        insecure=False,
        address=None,
    )


_FIELDS = {
    "people_server": "spec.peopleServer",
    "people_ca_pem": "spec.peopleCaCertificate",
    "people_tls_server_name": "spec.peopleTlsServerName",
}


def _server(text: str) -> str:
    field = _FIELDS["people_server"]
    server = parse_server(text, field)
    if len(server) > _LENGTH:
        raise _invalid("The server's URL is too long.", field)
    try:
        host = netguard.parse_url(server, ("https",)).host
    except netguard.AddressError as error:  # a number in another spelling
        raise ClusterInvalidError(error.code, error.message, field=field) from error
    with suppress(ValueError):  # a name
        reason = netguard.forbidden_reason(ipaddress.ip_address(host), _ANYWHERE)
        if reason is not None:
            raise ClusterInvalidError(
                "address_forbidden", f"No cluster has this address: {reason}.", field=field
            )
    return server


def _invalid(message: str, field: str) -> ClusterInvalidError:
    return ClusterInvalidError("people_address_invalid", message, field=field)
