"""Config maps and secrets beside a release, changed by hand: heard of by the watch, shown, put right."""

from __future__ import annotations

import json
from typing import Any

from tests.controlplane.test_up_life import alarm, at_rest, client_of, portal
from tests.db.test_up import Portal, wait
from tests.portal import web_chart
from tools.controlplane import ControlPlane

__all__ = ["portal"]

Json = dict[str, Any]
SECONDS = 20  # far below the hourly look: what comes sooner was heard of


def document(namespace: str, policy: str) -> Json:
    return {
        "spec": {
            "chart": "local/web",
            "version": "0.1.0",
            "namespace": namespace,
            "placement": {"clusters": ["one"]},
            "configMaps": [{"name": "beside", "data": {"a": "1"}}],
            "secrets": [{"name": "keys", "data": {"TOKEN": "canary-secret-9"}}],
            "driftPolicy": policy,
        }
    }


def test_changed_and_deleted_by_hand(
    portal: Portal,
    cluster_one: ControlPlane,
    namespace: str,
) -> None:
    client = client_of(portal)

    def said() -> str:
        return portal.said

    def kubectl(*words: str) -> str:
        return cluster_one.kubectl("-n", namespace, *words)

    def release() -> Json:
        found: Json = client.send("GET", "releases/shop.one")["status"]
        return found

    def healed() -> Json:
        found: Json = json.loads(kubectl("get", "configmap/beside", "-o", "json"))["data"]
        return found

    def token() -> str:
        return kubectl("get", "secret/keys", "-o", "jsonpath={.data.TOKEN}")

    client.send(
        "POST",
        "clusters/import",
        {"kubeconfig": cluster_one.kubeconfig.read_text(), "name": "one"},
    )
    client.send("PUT", "repositories/local", {"spec": {"type": "local"}})
    client.send("POST", "repositories/local/charts", web_chart())
    client.send("PUT", "applications/shop", document(namespace, "detect"))
    wait(lambda: client.ready("applications/shop"), 60, said)
    quiet = at_rest(portal)

    kubectl("patch", "configmap/beside", "-p", '{"data": {"a": "2", "more": "x"}}')
    wait(lambda: alarm(portal)[0] > quiet[0], 60, said)
    wait(lambda: release()["drifted"] == "True", SECONDS, said)
    (drift,) = release()["drift"]
    assert (drift["kind"], drift["name"], drift["fields"]) == ("ConfigMap", "beside", ["data.a"])
    assert "kubectl-patch" in drift["managers"]
    assert kubectl("get", "configmap/beside", "-o", "jsonpath={.data.a}") == "2", "only shown"
    at_rest(portal)

    client.send("PUT", "applications/shop", document(namespace, "correct"))
    wait(lambda: healed() == {"a": "1", "more": "x"}, SECONDS, said)
    wait(lambda: release()["drifted"] == "False", SECONDS, said)
    quiet = at_rest(portal)

    kubectl("delete", "secret/keys")
    wait(lambda: alarm(portal)[0] > quiet[0], 60, said)
    wait(lambda: "keys" in kubectl("get", "secrets", "-o", "name"), SECONDS, said)
    assert token() == "Y2FuYXJ5LXNlY3JldC05"
    wait(lambda: release()["ready"] == "True", SECONDS, said)
    quiet = at_rest(portal)

    kubectl("patch", "secret/keys", "-p", '{"stringData": {"TOKEN": "another"}}')
    wait(lambda: alarm(portal)[0] > quiet[0], 60, said)
    wait(lambda: token() == "Y2FuYXJ5LXNlY3JldC05", SECONDS, said)
    at_rest(portal)
    assert "canary-secret-9" not in json.dumps(release()) + portal.said

    # In one request: what is deleted is back before another command could make its own.
    taken = {"metadata": {"annotations": None, "labels": None}, "data": {"a": "somebody's"}}
    kubectl("patch", "configmap/beside", "--type=merge", "-p", json.dumps(taken))
    wait(lambda: release()["drifted"] == "True", SECONDS, said)
    assert healed()["a"] == "somebody's", "an object without our mark is not ours to change"

    client.send("DELETE", "applications/shop")
    wait(lambda: "shop" not in kubectl("get", "deployments", "-o", "name"), 60, said)
    wait(lambda: "keys" not in kubectl("get", "secrets", "-o", "name"), 60, said)
    assert "beside" in kubectl("get", "configmaps", "-o", "name"), "it was somebody's"
