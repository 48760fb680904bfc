"""The door to API servers against a real one, directly and through a broken network."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from fleet.connection import Connection
from fleet.kube import Budget, Identity, Kube, ObjectRef, PatchType, Propagation, Resource, breaker
from fleet.kube_errors import (
    AlreadyExists,
    CircuitOpen,
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    TimedOut,
    TlsError,
    TooLarge,
    Unauthorized,
    UnknownKind,
    Unreachable,
)
from fleet.kubeconfig import choose_context
from fleet.probe import probe
from kubecarrier.lib.errors import KubeCarrierError
from tests.faultproxy import FaultProxy, Mode
from tools.controlplane import ControlPlane

CONFIG_MAPS = Resource("", "v1", "configmaps", "ConfigMap", namespaced=True)
SECRETS = Resource("", "v1", "secrets", "Secret", namespaced=True)
SHORT = Budget(connect=1.0, read=1.0, total=2.0)
CANARY = "canary-value-0123456789"

Json = dict[str, Any]


@pytest.fixture
def connection(cluster_one: ControlPlane) -> Connection:
    return choose_context(cluster_one.kubeconfig.read_text()).connection


@pytest.fixture
def kube(connection: Connection) -> Kube:
    return Kube(connection, user_agent="kubecarrier-test")


@pytest.fixture
def proxy(connection: Connection) -> Iterator[FaultProxy]:
    with FaultProxy((connection.host, connection.port)) as running:
        yield running


@pytest.fixture
def through(proxy: FaultProxy, connection: Connection) -> Kube:
    """The same server behind the proxy, with little patience."""
    return Kube(replace(connection, server=proxy.url), budget=SHORT)


def config_map(namespace: str, name: str = "a", **data: str) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace},
        "data": data,
    }


def ref(namespace: str, name: str = "a") -> ObjectRef:
    return ObjectRef("v1", "ConfigMap", namespace, name)


# --- the server ------------------------------------------------------------------------------


def test_version_and_readiness(kube: Kube) -> None:
    assert kube.version()["gitVersion"].startswith("v1.")
    assert kube.ready()


def test_discovery(kube: Kube) -> None:
    found = kube.resource_for("apps/v1", "Deployment")
    assert (found.plural, found.namespaced) == ("deployments", True)
    assert "patch" in found.verbs
    assert not kube.resource_for("v1", "Node").namespaced
    assert len(kube.resources()) > 50
    with pytest.raises(UnknownKind):
        kube.resource_for("a.example/v1", "Widget")
    with pytest.raises(UnknownKind):
        kube.resource_for("v1", "Widget")


def test_a_kind_that_is_new(kube: Kube, namespace: str) -> None:
    plural, group = "widgets", f"{namespace}.example"
    kube.resources()
    definition = ObjectRef(
        "apiextensions.k8s.io/v1", "CustomResourceDefinition", "", f"{plural}.{group}"
    )
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    kube.create(
        {
            "apiVersion": definition.api_version,
            "kind": definition.kind,
            "metadata": {"name": definition.name},
            "spec": {
                "group": group,
                "scope": "Cluster",
                "names": {"plural": plural, "kind": "Widget", "singular": "widget"},
                "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
            },
        }
    )
    try:
        assert _eventually_served(kube, f"{group}/v1").plural == plural
    finally:
        kube.delete(definition)


def _eventually_served(kube: Kube, api_version: str) -> Resource:
    waiting = threading.Event()
    for _ in range(100):
        try:
            return kube.resource_for(api_version, "Widget")
        except UnknownKind:
            waiting.wait(0.1)
    return kube.resource_for(api_version, "Widget")


def test_probe(kube: Kube, cluster_one: ControlPlane, namespace: str) -> None:
    found = probe(kube)
    expected = cluster_one.api.get("/api/v1/namespaces/kube-system")["metadata"]["uid"]
    assert found.cluster_uid == expected
    assert len(found.nodes) == 2
    assert all(node.ready and node.allocatable.pods > 0 for node in found.nodes)
    assert namespace in {item.name for item in found.namespaces}
    assert found.load is not None


def test_probe_tells_other_clusters_apart(
    cluster_one: ControlPlane, cluster_two: ControlPlane
) -> None:
    uids = {
        probe(Kube(choose_context(plane.kubeconfig.read_text()).connection)).cluster_uid
        for plane in (cluster_one, cluster_two)
    }
    assert len(uids) == 2


# --- reading ---------------------------------------------------------------------------------


def test_paging_gives_each_object_once(kube: Kube, namespace: str) -> None:
    for number in range(25):
        kube.create(config_map(namespace, f"page-{number:02}"))
    page = kube.list_page(CONFIG_MAPS, namespace=namespace, limit=10)
    assert len(page.items) == 10
    assert page.continue_token
    found = list(kube.list(CONFIG_MAPS, namespace=namespace, limit=10))
    names = [item["metadata"]["name"] for item in found]
    assert len(names) == len(set(names))
    assert {f"page-{number:02}" for number in range(25)} <= set(names)
    assert {(item["apiVersion"], item["kind"]) for item in found} == {("v1", "ConfigMap")}


def test_selectors_and_metadata_only(kube: Kube, namespace: str) -> None:
    labelled = config_map(namespace, "labelled", x="y")
    labelled["metadata"]["labels"] = {"app": "one"}
    kube.create(labelled)
    kube.create(config_map(namespace, "other"))
    (by_label,) = kube.list(
        CONFIG_MAPS, namespace=namespace, label_selector="app=one", metadata_only=True
    )
    assert by_label["metadata"]["name"] == "labelled"
    assert by_label["kind"] == "ConfigMap"
    assert "data" not in by_label
    (by_field,) = kube.list(CONFIG_MAPS, namespace=namespace, field_selector="metadata.name=other")
    assert by_field["metadata"]["name"] == "other"
    assert "data" not in kube.get(ref(namespace, "labelled"), metadata_only=True)


def test_a_continue_token_that_is_too_old(
    kube: Kube, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list starts again once; what was given already is left out."""
    for number in range(6):
        kube.create(config_map(namespace, f"page-{number}"))
    real, calls = kube.list_page, []

    def expiring(*args: Any, **options: Any) -> Any:
        calls.append(options["continue_token"])
        if len(calls) == 2:
            raise Gone("too old", status=410)
        return real(*args, **options)

    monkeypatch.setattr(kube, "list_page", expiring)
    names = [
        item["metadata"]["name"] for item in kube.list(CONFIG_MAPS, namespace=namespace, limit=2)
    ]
    assert calls[0] == calls[2] == ""
    assert len(names) == len(set(names)) == len(list(real(CONFIG_MAPS, namespace=namespace).items))


def test_a_made_up_continue_token_is_an_error(kube: Kube, namespace: str) -> None:
    with pytest.raises((Gone, Invalid)):
        kube.list_page(CONFIG_MAPS, namespace=namespace, continue_token="made-up")


def test_too_large_an_answer(kube: Kube) -> None:
    with pytest.raises(TooLarge):
        kube.text("/openapi/v2", limit_bytes=10_000)
    assert kube.ready()


# --- writing ---------------------------------------------------------------------------------


def test_create_and_create_again(kube: Kube, namespace: str) -> None:
    assert kube.create(config_map(namespace))["metadata"]["uid"]
    with pytest.raises(AlreadyExists):
        kube.create(config_map(namespace))


def test_not_found(kube: Kube, namespace: str) -> None:
    for call in (kube.get, kube.delete):
        with pytest.raises(NotFound):
            call(ref(namespace, "absent"))


def test_invalid_objects(kube: Kube, namespace: str) -> None:
    with pytest.raises(Invalid) as caught:
        kube.create(config_map(namespace, "Not Valid"))
    assert caught.value.status == 422
    with pytest.raises(Invalid) as unnamed:
        kube.apply({"apiVersion": "v1", "kind": "ConfigMap"}, field_manager="a")
    assert unnamed.value.code == "kube_object_incomplete"


def test_values_of_a_refused_secret_are_not_in_the_error(kube: Kube, namespace: str) -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "a", "namespace": namespace},
        "data": {"a": CANARY},  # no base64
    }
    with pytest.raises(KubeCarrierError) as caught:
        kube.create(secret)
    assert CANARY not in f"{caught.value} {caught.value.data}"


def test_apply_and_who_owns_what(kube: Kube, namespace: str) -> None:
    first = kube.apply(config_map(namespace, x="1"), field_manager="one")
    again = kube.apply(config_map(namespace, x="1"), field_manager="one")
    assert (first.created, again.created) == (True, False)
    version = "resourceVersion"
    assert first.obj["metadata"][version] == again.obj["metadata"][version]
    with pytest.raises(Conflict) as caught:
        kube.apply(config_map(namespace, x="2"), field_manager="two")
    (conflict,) = caught.value.fields
    assert (conflict.field, conflict.manager) == (".data.x", "one")
    forced = kube.apply(config_map(namespace, x="2"), field_manager="two", force=True)
    assert forced.obj["data"] == {"x": "2"}


def test_dry_run_changes_nothing(kube: Kube, namespace: str) -> None:
    kube.apply(config_map(namespace, x="1"), field_manager="one")
    would = kube.apply(config_map(namespace, x="2"), field_manager="one", dry_run=True)
    assert would.obj["data"] == {"x": "2"}
    assert kube.get(ref(namespace))["data"] == {"x": "1"}


def test_patches(kube: Kube, namespace: str) -> None:
    kube.create(config_map(namespace, x="1", y="1"))
    kube.patch(ref(namespace), {"data": {"x": None}})
    operations = [{"op": "replace", "path": "/data/y", "value": "2"}]
    kube.patch(ref(namespace), operations, patch_type=PatchType.JSON)
    found = kube.patch(
        ref(namespace), {"data": {"z": "3"}}, patch_type=PatchType.STRATEGIC, field_manager="me"
    )
    assert found["data"] == {"y": "2", "z": "3"}


def test_replace_with_an_old_version(kube: Kube, namespace: str) -> None:
    old = kube.create(config_map(namespace, x="1"))
    kube.patch(ref(namespace), {"data": {"x": "2"}})
    with pytest.raises(Conflict):
        kube.replace(old)


def test_delete_with_preconditions(kube: Kube, namespace: str) -> None:
    made = kube.create(config_map(namespace))
    uid, version = made["metadata"]["uid"], made["metadata"]["resourceVersion"]
    with pytest.raises(Conflict):
        kube.delete(ref(namespace), uid="00000000-0000-0000-0000-000000000000")
    kube.patch(ref(namespace), {"data": {"x": "2"}})
    with pytest.raises(Conflict):
        kube.delete(ref(namespace), uid=uid, resource_version=version)
    kube.delete(ref(namespace), uid=uid, dry_run=True)
    assert kube.get(ref(namespace))
    kube.delete(ref(namespace), uid=uid, propagation=Propagation.BACKGROUND)
    with pytest.raises(NotFound):
        kube.get(ref(namespace))


def test_scale(kube: Kube, namespace: str) -> None:
    labels = {"app": "a"}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "a", "namespace": namespace},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "a", "image": "a"}]},
            },
        },
    }
    kube.create(deployment)
    target = ObjectRef("apps/v1", "Deployment", namespace, "a")
    assert kube.scale(target, 2)["spec"]["replicas"] == 2
    assert kube.get(target)["spec"]["replicas"] == 2


def test_a_namespaced_object_without_namespace_is_refused(kube: Kube) -> None:
    with pytest.raises(Invalid) as caught:
        kube.get(ObjectRef("v1", "ConfigMap", "", "a"))
    assert caught.value.code == "kube_namespace_missing"


def test_a_nameless_delete_never_deletes_a_collection(kube: Kube, namespace: str) -> None:
    kube.create(config_map(namespace))
    with pytest.raises(Invalid):
        kube.delete(ref(namespace, ""))
    assert kube.get(ref(namespace))


# --- who ------------------------------------------------------------------------------------


def test_no_rights(cluster_one: ControlPlane, namespace: str) -> None:
    text = cluster_one.token_kubeconfig("nobody", namespace)
    nobody = Kube(choose_context(text).connection)
    with pytest.raises(Forbidden):
        nobody.get(ref(namespace))
    with pytest.raises(Forbidden):
        list(nobody.list(SECRETS, namespace=namespace))


def test_a_wrong_token(connection: Connection) -> None:
    wrong = replace(connection, client_cert_pem=None, client_key_pem=None, token=CANARY)
    with pytest.raises(Unauthorized) as caught:
        Kube(wrong).get("/api")
    assert CANARY not in f"{caught.value!r} {caught.value.data}"


def test_an_expired_certificate(cluster_one: ControlPlane) -> None:
    text = cluster_one.client_certificate("late", days=-0.5)
    with pytest.raises(KubeCarrierError) as caught:
        choose_context(text)
    assert caught.value.code == "kubeconfig_expired_certificate"
    long_ago = datetime(2000, 1, 1, tzinfo=UTC)
    with pytest.raises(Unauthorized):
        Kube(choose_context(text, now=long_ago).connection).get("/api")


def test_acting_as_a_person(kube: Kube, cluster_one: ControlPlane, namespace: str) -> None:
    person = kube.acting_as(Identity("kubecarrier:änn", ("kubecarrier:team",)))
    with pytest.raises(Forbidden) as caught:
        person.get(ref(namespace))
    assert "kubecarrier:änn" in str(caught.value)
    kube.create(
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": "team", "namespace": namespace},
            "roleRef": {
                "apiGroup": "rbac.authorization.k8s.io",
                "kind": "ClusterRole",
                "name": "edit",
            },
            "subjects": [{"kind": "Group", "name": "kubecarrier:team"}],
        }
    )
    assert person.create(config_map(namespace, "by-ann"))
    assert "kubecarrier:änn" in cluster_one.audit_log.read_text()


# --- TLS and address -------------------------------------------------------------------------


def test_another_ca(connection: Connection, cluster_two: ControlPlane) -> None:
    with pytest.raises(TlsError) as caught:
        Kube(replace(connection, ca_pem=cluster_two.ca_pem)).version()
    assert caught.value.code == "kube_tls_untrusted"


def test_another_name(connection: Connection) -> None:
    with pytest.raises(TlsError) as caught:
        Kube(replace(connection, tls_server_name="other.example")).version()
    assert caught.value.code == "kube_tls_name"


def test_insecure_is_possible_when_said(connection: Connection) -> None:
    open_wide = replace(connection, ca_pem=None, insecure=True, tls_server_name="other.example")
    assert Kube(open_wide).version()


def test_the_checked_address_is_used_and_the_name_verified(connection: Connection) -> None:
    named = replace(
        connection,
        server=f"https://kubernetes.invalid:{connection.port}",
        tls_server_name="localhost",
        address="127.0.0.1",
    )
    assert Kube(named).version()
    with pytest.raises(TlsError):
        Kube(replace(named, tls_server_name=None)).version()


# --- a broken network ------------------------------------------------------------------------


def test_calls_share_a_socket(proxy: FaultProxy, through: Kube) -> None:
    for _ in range(5):
        through.version()
    assert proxy.connections == 1


def test_threads_share_a_door(kube: Kube) -> None:
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(kube.version()["gitVersion"]))
        for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 16


def test_refused(proxy: FaultProxy, through: Kube) -> None:
    proxy.behave(Mode.REFUSE)
    with pytest.raises(Unreachable) as caught:
        through.version()
    assert not caught.value.sent


@pytest.mark.parametrize(("mode", "sent"), [(Mode.HANG, None), (Mode.BLACK_HOLE, False)])
def test_no_answer(proxy: FaultProxy, through: Kube, mode: Mode, sent: bool | None) -> None:
    proxy.behave(mode)
    with pytest.raises(TimedOut) as caught:
        through.version()
    assert sent is None or caught.value.sent is sent


def test_a_silent_server_is_left_alone_and_tried_again(
    proxy: FaultProxy, through: Kube, monkeypatch: pytest.MonkeyPatch
) -> None:
    through.version()
    proxy.drop()
    proxy.behave(Mode.HANG)
    for _ in range(breaker.OPENS_AFTER):
        with pytest.raises(TimedOut):
            through.version()
    before = proxy.connections
    with pytest.raises(CircuitOpen) as caught:
        Kube(through.connection, budget=SHORT).version()
    assert not caught.value.sent
    assert proxy.connections == before, "it was not asked"

    monkeypatch.setattr(breaker, "OPEN_SECONDS", 0.0)
    breaker.breaker_of(through.connection.host, through.connection.port)._tries_at = 0.0
    with pytest.raises(TimedOut):  # the one that tries
        through.version()
    assert proxy.connections > before
    proxy.drop()
    proxy.behave(Mode.FORWARD)
    assert through.version()["gitVersion"]
    assert through.version()["gitVersion"]


def test_silence_after_the_handshake(proxy: FaultProxy, through: Kube, namespace: str) -> None:
    through.version()
    proxy.behave(Mode.HANG_AFTER, limit=0)
    with pytest.raises(TimedOut) as caught:
        through.create(config_map(namespace))
    assert proxy.faults[Mode.HANG_AFTER]
    assert caught.value.sent


def test_a_drip_is_cut_by_the_total_budget(proxy: FaultProxy, connection: Connection) -> None:
    """Each byte comes well within the read time-out; only the total can end this."""
    patient = Budget(connect=5.0, read=5.0, total=2.0)
    kube = Kube(replace(connection, server=proxy.url), budget=patient)
    kube.version()
    proxy.behave(Mode.DRIP, rate=4)
    with pytest.raises(TimedOut):
        kube.get("/api/v1")
    assert 0 < proxy.faults[Mode.DRIP] < 100


def test_a_reset_in_the_middle_is_no_short_answer(
    proxy: FaultProxy, through: Kube, namespace: str
) -> None:
    kube = Kube(through.connection)
    kube.create(config_map(namespace, x="y" * 300_000))
    proxy.drop()
    proxy.behave(Mode.RESET_AFTER, limit=100_000)
    with pytest.raises(Unreachable) as caught:
        kube.get(f"/api/v1/namespaces/{namespace}/configmaps/a")
    assert caught.value.sent
    assert proxy.faults[Mode.RESET_AFTER]


def test_silence_in_the_middle_is_no_short_answer(
    proxy: FaultProxy, through: Kube, namespace: str
) -> None:
    Kube(through.connection).create(config_map(namespace, x="y" * 300_000))
    proxy.drop()
    proxy.behave(Mode.HANG_AFTER, limit=100_000)
    with pytest.raises(TimedOut):
        list(through.list(CONFIG_MAPS, namespace=namespace))
    assert proxy.faults[Mode.HANG_AFTER]


def test_after_the_fault_is_gone_it_works_again(proxy: FaultProxy, through: Kube) -> None:
    through.version()
    proxy.behave(Mode.REFUSE)
    with pytest.raises(Unreachable):
        through.version()
    proxy.behave(Mode.FORWARD)
    assert through.version()
