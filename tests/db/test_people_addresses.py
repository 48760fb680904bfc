"""The address that people's kubeconfigs name: hostile input is refused, and nobody is ever called."""

from __future__ import annotations

import base64
import socket
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from fleet.connection import Connection
from fleet.grants import accounts
from fleet.models import Cluster
from fleet.services import people_addresses
from tests.db.conftest import add_cluster, error
from tests.db.rights import person
from tests.portal import Portal
from tests.unit.fleet.pki import identity

pytestmark = pytest.mark.django_db
PUBLIC = "https://k8s.example.com:6443"


def certificate() -> str:
    return identity("people", ends=timezone.now() + timedelta(days=30)).cert


@pytest.fixture
def one(portal: Portal) -> Portal:
    add_cluster(portal, "one")
    return portal


def put(portal: Portal, **spec: Any) -> dict[str, Any]:
    found: dict[str, Any] = portal.call("patch", "clusters/one", {"spec": spec}, code=202)["spec"]
    return found


@pytest.mark.parametrize(
    "server",
    [
        "http://k8s.example.com", "https://user:pass@k8s.example.com", "https://k8s.example.com/?a=b",
        "https://k8s.example.com/#a", "https://k8s.example.com/../x", "https://", "ftp://x", "x",
        "https://k8s.example.com:0", "https://k8s example.com", "https://[fe80::1%25eth0]",
        "https://169.254.169.254", "https://[fd00:ec2::254]", "https://0xA9FEA9FE", "https://2852039166",
        "https://[::ffff:169.254.169.254]", "https://224.0.0.1", "https://0.0.0.0",
        "https://k8s.example.com\nserver: https://evil", "javascript:alert(1)", "https://" + "a" * 600,
    ],
)  # fmt: skip
def test_refused(one: Portal, server: str) -> None:
    found = error(one, "patch", "clusters/one", {"spec": {"peopleServer": server}}, code=400)
    assert found["field"] == "spec.peopleServer", found
    assert Cluster.objects.get().people_server == ""


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"peopleServer": PUBLIC, "peopleCaCertificate": "no pem"}, "spec.peopleCaCertificate"),
        ({"peopleServer": PUBLIC, "peopleTlsServerName": "a b"}, "spec.peopleTlsServerName"),
        ({"peopleServer": PUBLIC, "peopleTlsServerName": "x\n y: z"}, "spec.peopleTlsServerName"),
        ({"peopleTlsServerName": "x.example.org"}, "spec.peopleTlsServerName"),
        ({"peopleCaCertificate": "no pem"}, "spec.peopleCaCertificate"),
    ],
)
def test_what_goes_with_it(one: Portal, spec: dict[str, str], field: str) -> None:
    assert error(one, "patch", "clusters/one", {"spec": spec}, code=400)["field"] == field
    assert Cluster.objects.get().people_server == ""


def test_stored_in_its_normal_form_and_never_called(
    one: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def called(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("nobody is asked about it, not even for its name")

    for name in ("getaddrinfo", "create_connection"):
        monkeypatch.setattr(socket, name, called)
    pem = certificate()
    spec = put(one, peopleServer="https://K8S.example.com:6443/", peopleCaCertificate=pem)
    assert spec["peopleServer"] == PUBLIC
    assert "BEGIN CERTIFICATE" in spec["peopleCaCertificate"]
    again = one.call("patch", "clusters/one", {"spec": {"peopleCaCertificate": pem}}, code=200)
    assert again["spec"] == spec
    put(one, peopleServer="", peopleCaCertificate="")
    assert Cluster.objects.get().people_server == ""


@pytest.mark.parametrize("server", ["https://127.0.0.1:6443", "https://10.0.0.1", "https://kube"])
def test_an_address_of_people_s_own_machines_and_networks(one: Portal, server: str) -> None:
    """A tunnel ends on the person's machine: what it means there is not for the portal to judge."""
    assert put(one, peopleServer=server)["peopleServer"] == server


def test_a_kubeconfig_names_it_with_its_own_ca(one: Portal) -> None:
    row = Cluster.objects.get()
    portals = Connection(
        "https://10.0.0.1:6443", ca_pem="portal's", tls_server_name="inside", insecure=True
    )
    assert people_addresses.seen_by_people(row, portals) == portals
    pem = certificate()
    put(one, peopleServer=PUBLIC, peopleCaCertificate=pem, peopleTlsServerName="k8s.internal")
    found = people_addresses.seen_by_people(Cluster.objects.get(), portals)
    server = accounts._server(found)
    assert (server["server"], server["tls-server-name"]) == (PUBLIC, "k8s.internal")
    assert base64.b64decode(server["certificate-authority-data"]).decode().strip() == pem.strip()
    assert "insecure-skip-tls-verify" not in server
    put(one, peopleCaCertificate="", peopleTlsServerName="")
    found = people_addresses.seen_by_people(Cluster.objects.get(), portals)
    assert accounts._server(found) == {"server": PUBLIC}


def test_people_s_tokens_go_there_so_it_is_not_for_every_editor(one: Portal) -> None:
    editor = Portal(person("ed", "clusters.view", "clusters.edit"))
    body = {"spec": {"peopleServer": "https://evil.example.org"}}
    assert error(editor, "patch", "clusters/one", body, code=403)["data"]["needs"] == (
        "clusters.credentials"
    )
    assert put(editor, region="north")["region"] == "north"
    assert Cluster.objects.get().people_server == ""
