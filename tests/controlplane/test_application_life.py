"""The main job on two real clusters; helm and kubectl check it, not we."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.controlplane.looks import deployments, helm_list
from tests.portal import Portal, eventually
from tools.controlplane import ControlPlane

pytestmark = pytest.mark.django_db(transaction=True)


def test_whole_life(
    fleet: Portal,
    cluster_one: ControlPlane,
    cluster_two: ControlPlane,
    namespace: str,
    helm: Any,
    kubectl: Any,
) -> None:
    spec = {
        "chart": "local/web",
        "version": "0.1.0",
        "namespace": namespace,
        "placement": {
            "clusters": ["one", "two"],
            "overrides": {"two": {"values": {"replicaCount": 2}}},
        },
        "env": {"COLOUR": "blue"},
        "configMaps": [{"name": "beside", "data": {"a": "1"}}],
        "secrets": [{"name": "hidden", "data": {"password": "canary-secret-1"}}],
    }
    fleet.apply("shop", **spec)
    eventually(lambda: fleet.ready("applications/shop"))
    for plane, replicas in ((cluster_one, 1), (cluster_two, 2)):
        assert helm_list(helm, plane, namespace)["shop"]["status"] == "deployed"
        assert deployments(kubectl, plane, namespace) == {"shop": replicas}
        assert (
            kubectl(
                "get",
                "configmap",
                "beside",
                "-n",
                namespace,
                "-o",
                "jsonpath={.data.a}",
                cluster=plane,
            )
            == "1"
        )
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
