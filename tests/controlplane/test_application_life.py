"""The main job on two real clusters; helm and kubectl check it, not we."""

from __future__ import annotations

import json
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from tests.portal import Portal, eventually, web_chart
from tools.controlplane import ControlPlane, binaries

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def portal(settings: Any) -> Portal:
    settings.KUBECARRIER_HELM = str(binaries().path("helm"))
    user = User.objects.create_superuser("admin", "admin@example.org", "a-long-password")
    client = APIClient()
    client.force_authenticate(user)
    return Portal(client)


@pytest.fixture
def fleet(portal: Portal, cluster_one: ControlPlane, cluster_two: ControlPlane) -> Portal:
    portal.import_cluster(cluster_one, environment="prod")
    portal.import_cluster(cluster_two, environment="test")
    eventually(lambda: portal.ready("clusters/one") and portal.ready("clusters/two"))
    portal.local_repository(web_chart("0.1.0"), web_chart("0.2.0"))
    return portal


def deployments(kubectl: Any, plane: ControlPlane, namespace: str) -> dict[str, int]:
    found = json.loads(kubectl("get", "deployments", "-n", namespace, "-o", "json", cluster=plane))
    return {item["metadata"]["name"]: item["spec"]["replicas"] for item in found["items"]}


def helm_list(helm: Any, plane: ControlPlane, namespace: str) -> dict[str, Any]:
    found = json.loads(helm("list", "-n", namespace, "-o", "json", cluster=plane))
    return {item["name"]: item for item in found}


def test_whole_life(
    fleet: Portal, cluster_one: ControlPlane, cluster_two: ControlPlane, namespace: str, helm: Any, kubectl: Any
) -> None:
    spec = {
        "chart": "local/web",
        "version": "0.1.0",
        "namespace": namespace,
        "placement": {"clusters": ["one", "two"], "overrides": {"two": {"values": {"replicaCount": 2}}}},
        "env": {"COLOUR": "blue"},
        "configMaps": [{"name": "beside", "data": {"a": "1"}}],
        "secrets": [{"name": "hidden", "data": {"password": "canary-secret-1"}}],
    }
    fleet.apply("shop", **spec)
    eventually(lambda: fleet.ready("applications/shop"))
    for plane, replicas in ((cluster_one, 1), (cluster_two, 2)):
        assert helm_list(helm, plane, namespace)["shop"]["status"] == "deployed"
        assert deployments(kubectl, plane, namespace) == {"shop": replicas}
        assert kubectl("get", "configmap", "beside", "-n", namespace, "-o", "jsonpath={.data.a}", cluster=plane) == "1"
    assert "canary-secret-1" not in json.dumps(fleet.call("get", "applications/shop"))

    fleet.call("post", "applications/shop/scale", {"replicas": 3})
    eventually(lambda: fleet.ready("applications/shop"))
    assert deployments(kubectl, cluster_one, namespace) == {"shop": 3}
    assert deployments(kubectl, cluster_two, namespace) == {"shop": 2}

    fleet.call("post", "applications/shop/upgrade", {"version": "0.2.0"})
    eventually(lambda: fleet.ready("applications/shop"))
    assert helm_list(helm, cluster_one, namespace)["shop"]["chart"] == "web-0.2.0"

    fleet.call("post", "applications/shop/rollback", {"revision": 1})
    eventually(lambda: fleet.ready("applications/shop"))
    assert helm_list(helm, cluster_one, namespace)["shop"]["chart"] == "web-0.1.0"
    assert deployments(kubectl, cluster_one, namespace) == {"shop": 1}

    fleet.call("delete", "applications/shop")
    eventually(lambda: fleet.gone("applications/shop"))
    for plane in (cluster_one, cluster_two):
        assert helm_list(helm, plane, namespace) == {}
        assert deployments(kubectl, plane, namespace) == {}
        assert "beside" not in kubectl("get", "configmaps", "-n", namespace, cluster=plane)
