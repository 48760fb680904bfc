"""The inventory and the catalogue, from a real cluster through the controller's own watches."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fleet.inventory.shapes import Shape
from fleet.inventory.watching import InventoryWatcher
from fleet.kubeconfig import choose_context
from fleet.models import Catalogue, InventoryKind, InventoryObject, ResourceType, ServedResource
from fleet.tasks import probe_clusters, read_catalogues
from kubecarrier.lib import lease, watching
from tests.controlplane.faults import Controller
from tests.faultproxy import FaultProxy, Mode
from tests.gomodules import cert_manager_definition
from tests.portal import Portal
from tools.controlplane import ControlPlane

Json = dict[str, Any]
CERTIFICATES = "certificates.cert-manager.io"


def until(found: Callable[[], Any], seconds: float = 30.0) -> Any:
    deadline = time.monotonic() + seconds
    while True:
        read_catalogues()
        if answer := found():
            return answer
        assert time.monotonic() < deadline, found
        time.sleep(0.1)


@pytest.fixture
def one(portal: Portal, cluster_one: ControlPlane) -> Iterator[Portal]:
    """The portal with one cluster that is watched."""
    portal.import_cluster(cluster_one)
    probe_clusters()
    with Controller(InventoryWatcher()):
        yield portal


@pytest.fixture
def certificates(cluster_one: ControlPlane, tmp_path: Path) -> Iterator[Path]:
    """cert-manager's own CRD in a file; what is left of it in the cluster goes at the end."""
    file = tmp_path / "certificates.yaml"
    file.write_text(cert_manager_definition("certificates"))
    yield file
    cluster_one.kubectl("delete", "crd", CERTIFICATES, "--ignore-not-found")


def items(portal: Portal, **query: str) -> list[Json]:
    answer = portal.client.get("/api/v1/inventory", query)
    assert answer.status_code == 200, answer.content
    found: list[Json] = answer.json()["items"]
    return found


def test_objects_come_change_and_go(one: Portal, cluster_one: ControlPlane, namespace: str) -> None:
    kubectl = cluster_one.kubectl
    kubectl("-n", namespace, "create", "deployment", "web", "--image=nginx")
    kubectl("-n", namespace, "create", "secret", "generic", "login", "--from-literal=pw=canary-1")

    def all_there() -> bool:
        found = {(i["status"]["kind"], i["status"]["health"]) for i in here()}
        return {("Pod", "Healthy"), ("Deployment", "Healthy"), ("Secret", "Healthy")} <= found

    def here(**query: str) -> list[Json]:
        return items(one, namespace=namespace, **query)

    until(all_there)
    (deployment,) = here(kind="deploy")
    assert deployment["status"]["columns"]["ready"] == "1/1"
    assert deployment["status"]["stale"] is False
    (replicas,) = here(owner=deployment["metadata"]["uid"])
    (pod,) = here(owner=f"ReplicaSet/{replicas['metadata']['name']}")
    assert pod["metadata"]["labels"]["app"] == "web"
    assert items(one, labelSelector="app=web", namespace=namespace, kind="pods")[0] == pod
    (secret,) = here(kind="secret", search="login")
    assert secret["status"]["columns"] == {"type": "Opaque", "keys": ["pw"]}
    row = InventoryObject.objects.get(uid=secret["metadata"]["uid"])
    assert "canary-1" not in str(row.__dict__)
    assert "Y2FuYXJ5LTE" not in str(row.__dict__)

    kubectl("-n", namespace, "delete", "deployment", "web")
    until(lambda: not here(search="web", kind="pods") and not here(kind="deploy"))


def test_a_definition_comes_changes_and_goes_while_watched(
    one: Portal, cluster_one: ControlPlane, namespace: str, certificates: Path, tmp_path: Path
) -> None:
    until(lambda: InventoryKind.objects.filter(kind="Pod", listed_at__isnull=False))
    assert not ResourceType.objects.filter(name=CERTIFICATES).exists()

    cluster_one.kubectl("create", "-f", str(certificates))
    served = until(lambda: ServedResource.objects.filter(type__name=CERTIFICATES).first())
    assert ResourceType.objects.get(name=CERTIFICATES).custom
    until(lambda: InventoryKind.objects.filter(kind="Certificate", listed_at__isnull=False))
    certificate = tmp_path / "certificate.yaml"
    certificate.write_text(
        "apiVersion: cert-manager.io/v1\nkind: Certificate\nmetadata: {name: site}\n"
        "spec: {secretName: site-tls, issuerRef: {name: letsencrypt}}\n"
    )
    cluster_one.kubectl("-n", namespace, "apply", "-f", str(certificate))
    (item,) = until(lambda: items(one, kind="cert", namespace=namespace))
    assert item["status"]["columns"] == {"Secret": "site-tls"}  # the CRD's own printer columns

    # Changed: another printer column.
    column = {"name": "Issued by", "type": "string", "jsonPath": ".spec.issuerRef.name"}
    path = "/spec/versions/0/additionalPrinterColumns/-"
    patch = json.dumps([{"op": "add", "path": path, "value": column}])
    cluster_one.kubectl("patch", "crd", CERTIFICATES, "--type=json", "-p", patch)

    def knows() -> bool:
        served.refresh_from_db()
        return "Issued by" in [column["name"] for column in served.versions[0]["columns"]]

    until(knows)
    schema = until(lambda: ServedResource.objects.get(pk=served.pk).versions[0].get("schema"))
    assert schema

    cluster_one.kubectl("delete", "crd", CERTIFICATES)
    until(lambda: not ResourceType.objects.filter(name=CERTIFICATES).exists())
    until(lambda: not InventoryKind.objects.filter(kind="Certificate").exists())
    assert not InventoryObject.objects.filter(kind="Certificate").exists()


def test_a_watch_that_cannot_see_keeps_its_rows_and_says_so(
    portal: Portal, cluster_one: ControlPlane, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I5: what is old says that it is old, and nothing is deleted."""
    monkeypatch.setattr("kubecarrier.controller.cluster.HEARD_SECONDS", 0.5)
    monkeypatch.setattr("fleet.watch._WATCH_SECONDS", (2, 2))
    monkeypatch.setattr("fleet.watch._LATE_SECONDS", 1.0)
    there = choose_context(cluster_one.kubeconfig.read_text()).connection
    upstream = (there.host, there.port)
    with FaultProxy(upstream) as proxy:
        text = cluster_one.kubeconfig.read_text()
        through = text.replace(f"{upstream[0]}:{upstream[1]}", f"127.0.0.1:{proxy.port}")
        body = {"kubeconfig": through, "name": "one"}
        assert portal.call("post", "clusters/import", body)["items"][0]["result"] == "created"
        probe_clusters()
        with Controller(InventoryWatcher()):

            def find() -> list[Json]:
                return items(portal, kind="Namespace", name=namespace)

            (item,) = until(find)
            assert item["status"]["stale"] is False
            unlisted = InventoryKind.objects.filter(listed_at=None, error_code="")
            until(lambda: not unlisted.exists())  # what came before the fault is written
            proxy.behave(Mode.HANG)
            before = InventoryObject.objects.count()
            (item,) = until(lambda: [i for i in find() if i["status"]["stale"]], 60)
            assert InventoryKind.objects.exclude(error_code="").exists()
            assert InventoryObject.objects.count() == before
            cluster_one.kubectl("create", "configmap", "late", "-n", namespace)
            proxy.behave(Mode.FORWARD)
            proxy.drop()
            until(lambda: items(portal, name="late", namespace=namespace), 60)
            until(lambda: not find()[0]["status"]["stale"], 60)


def test_what_an_unreachable_cluster_served_stays_known(
    one: Portal, cluster_one: ControlPlane
) -> None:
    until(lambda: ResourceType.objects.filter(name="pods").exists())
    known = ResourceType.objects.count()
    cluster_one.crash()
    try:
        lease.wake(Catalogue.objects.all())
        read_catalogues()
        row = Catalogue.objects.get()
        assert (row.ready, row.failures) == ("Unknown", 1)
        assert ResourceType.objects.count() == known
    finally:
        cluster_one.start()


def test_the_second_look_reads_no_document_again(one: Portal) -> None:
    until(lambda: Catalogue.objects.filter(ready="True").exists())
    first = Catalogue.objects.get()
    assert len(first.documents) > 20
    until(lambda: InventoryObject.objects.filter(kind="Namespace").exists())
    lease.wake(Catalogue.objects.all())
    begun = time.monotonic()
    until(lambda: Catalogue.objects.get().read_at != first.read_at)
    assert Catalogue.objects.get().documents == first.documents
    assert time.monotonic() - begun < 30


def test_the_watcher_is_registered() -> None:
    assert any(isinstance(one, InventoryWatcher) for one in watching.watchers())
    assert Shape("v1", "Pod") == Shape("v1", "Pod")
