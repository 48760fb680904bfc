"""The catalogue's rows, its API and what it explains, without a cluster."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from fleet.catalogue import Seen, digest_of, types_in, with_definitions
from fleet.kube_errors import ServerError
from fleet.models import Catalogue, Cluster, ResourceSchema, ResourceType, ServedResource
from fleet.reconcilers import catalogue
from kubecarrier.lib import audit
from tests.unit.fleet.test_schema_fields import SCHEMAS

pytestmark = pytest.mark.django_db(transaction=True)
Json = dict[str, Any]
CERTIFICATES = "certificates.cert-manager.io"


@pytest.fixture
def client() -> APIClient:
    found = APIClient()
    found.force_authenticate(
        User.objects.create_superuser("admin", "a@example.org", "a-long-password")
    )
    return found


def resource(plural: str, kind: str, *short: str, scope: str = "Namespaced") -> Json:
    return {
        "resource": plural, "responseKind": {"kind": kind}, "scope": scope,
        "singularResource": kind.lower(), "shortNames": list(short),
        "verbs": ["get", "list", "watch"], "subresources": [{"subresource": "status"}],
    }  # fmt: skip


def group(name: str, *versions: tuple[str, list[Json]], freshness: str = "Current") -> Json:
    return {
        "metadata": {"name": name},
        "versions": [
            {"version": one, "resources": found, "freshness": freshness} for one, found in versions
        ],
    }


def discovery(*groups: Json) -> list[Json]:
    return [{"kind": "APIGroupDiscoveryList", "items": list(groups)}]


CORE = group("", ("v1", [resource("pods", "Pod", "po")]))
CERTIFICATE = resource("certificates", "Certificate", "cert", "certs")
ISSUED = group("cert-manager.io", ("v1", [CERTIFICATE]), ("v1beta1", [CERTIFICATE]))


def record(name: str, *groups: Json, documents: bool = True) -> Cluster:
    """As the reconciler's record does."""
    row, _ = Cluster.objects.get_or_create(name=name, defaults={"server": f"https://{name}:6443"})
    Catalogue.objects.get_or_create(cluster=row)
    types, silent = types_in(discovery(*groups), frozenset({CERTIFICATES}))
    column = {"name": "Ready", "path": ".status.ready", "type": "string", "priority": 0}
    versions = [{"name": "v1", "storage": True, "columns": [column]}]
    with_definitions(types, {CERTIFICATES: {"versions": versions}})
    digest = digest_of(SCHEMAS)
    for one in types:
        if documents and one.name == CERTIFICATES:
            one.versions[0]["schema"] = digest
    paths = {"apis/cert-manager.io/v1": ["theirs", digest]} if documents else {}
    found = Seen(types, silent, paths, {digest: SCHEMAS} if documents else {})
    with transaction.atomic(), audit.unaudited("a test"):
        catalogue._write_schemas(found)
        catalogue._write_served(row.pk, found, catalogue._write_types(found.types))
    Catalogue.objects.filter(cluster=row).status_update(
        documents=found.documents, read_at=timezone.now()
    )
    return row


def test_who_serves_what_in_which_version(client: APIClient) -> None:
    record("one", CORE, ISSUED)
    record("two", CORE, group("cert-manager.io", ("v1beta1", [CERTIFICATE])))
    found = client.get("/api/v1/resourcetypes", {"search": "certificates"}).json()["items"]
    (status,) = [item["status"] for item in found]
    assert status["versions"] == ["v1", "v1beta1"]
    assert [(one["name"], [v["name"] for v in one["versions"]]) for one in status["clusters"]] == [
        ("one", ["v1", "v1beta1"]),
        ("two", ["v1beta1"]),
    ]
    assert status["custom"]
    assert status["clusters"][0]["versions"][0]["columns"][0]["name"] == "Ready"
    assert ResourceSchema.objects.count() == 1  # once for both
    one = client.get(f"/api/v1/resourcetypes/{CERTIFICATES}").json()
    assert one["status"] == status


def names(client: APIClient, **query: str) -> list[str]:
    items = client.get("/api/v1/resourcetypes", query).json()["items"]
    return [item["metadata"]["name"] for item in items]


def test_filters(client: APIClient) -> None:
    record("one", CORE, ISSUED)
    record("two", CORE)
    assert names(client, cluster="two") == ["pods"]
    assert names(client, cluster="one") == [CERTIFICATES, "pods"]
    assert names(client, custom="True") == [CERTIFICATES]
    assert names(client, kind="pod") == ["pods"]
    assert names(client, group="cert-manager.io") == [CERTIFICATES]


def test_what_is_served_no_more_leaves(client: APIClient) -> None:
    record("one", CORE, ISSUED)
    record("two", CORE, ISSUED)
    record("one", CORE)
    assert names(client, cluster="one") == ["pods"]
    assert names(client) == [CERTIFICATES, "pods"]
    record("two", CORE)
    assert not ResourceType.objects.filter(name=CERTIFICATES).exists()


def test_what_a_silent_server_alone_could_tell_stays(client: APIClient) -> None:
    record("one", CORE, ISSUED)
    record("one", CORE, group("cert-manager.io", ("v1", []), freshness="Stale"))
    assert names(client, cluster="one") == [CERTIFICATES, "pods"]


def test_a_second_look_writes_nothing(django_assert_max_num_queries: Any) -> None:
    row = record("one", CORE, ISSUED)
    before = list(ServedResource.objects.values_list("seen_at", flat=True))
    types, silent = types_in(discovery(CORE), frozenset())
    found = Seen(types, silent, {}, {})
    with django_assert_max_num_queries(3), audit.unaudited("a test"):
        catalogue._write_types(found.types)
    record("one", CORE, ISSUED)
    assert list(ServedResource.objects.values_list("seen_at", flat=True)) == before
    assert row.served.count() == 2


def test_another_form_of_discovery_is_an_error_and_no_empty_list() -> None:
    with pytest.raises(ServerError, match="aggregated"):
        types_in([{"kind": "APIGroupList", "groups": []}], frozenset())


def explained(client: APIClient, of: str, **query: str) -> Json:
    answer = client.get("/api/v1/resourcetypes/explain", {"of": of, **query})
    found: Json = answer.json()
    return found if answer.status_code == 200 else found["error"]


def test_fields_are_explained(client: APIClient) -> None:
    record("one", CORE, ISSUED)
    found = explained(client, f"{CERTIFICATES}.spec")
    assert (found["apiVersion"], found["path"], found["clusters"]) == (
        "cert-manager.io/v1",
        ["spec"],
        ["one"],
    )
    assert [one["name"] for one in found["field"]["fields"]] == ["dnsNames", "issuer", "selector"]
    for text in ("cert.spec", "Certificate.spec", "certs.spec"):
        assert explained(client, text)["field"] == found["field"]
    deep = explained(client, "cert", depth="3")
    assert deep["field"]["fields"][-1]["fields"][1]["fields"][0]["name"] == "name"


@pytest.mark.parametrize(
    ("of", "query", "code"),
    [
        ("", {}, "parameter_missing"),
        ("nothing.at.all", {}, "kind_unknown"),
        ("cert.spec.missing", {}, "field_unknown"),
        ("cert.spec", {"version": "v9"}, "version_unknown"),
        ("cert.spec", {"cluster": "three"}, "version_unknown"),
        ("cert.spec", {"depth": "99"}, "depth_invalid"),
        ("pods.spec", {}, "schema_unknown"),
        ("cert", {"of2": "x"}, "parameter_unknown"),
        ("x" * 5000, {}, "kind_unknown"),
    ],
)
def test_wrong_questions(client: APIClient, of: str, query: dict[str, str], code: str) -> None:
    record("one", CORE, ISSUED)
    assert explained(client, of, **query)["code"] == code
