"""What happens to the objects themselves while the portal keeps them: in real clusters."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fleet.models import ConfigCopy
from tests.controlplane.config_items import data, edit, found, hear, save
from tests.controlplane.invariants import CONVERGED_SECONDS, invariants, revisions
from tests.controlplane.looks import deployments, helm_list
from tests.controlplane.test_release_failures import fleet_alarm
from tests.portal import Portal, chart, eventually
from tools.controlplane import ControlPlane

pytestmark = pytest.mark.django_db(transaction=True)

Json = dict[str, Any]
ON_ONE: Json = {"placement": {"clusters": ["one"]}}


def release_spec(namespace: str, **more: Any) -> Json:
    return {"chart": "local/web", "version": "0.1.0", "namespace": namespace, **ON_ONE, **more}


def at_once() -> None:
    """What waits for its back-off is looked at now."""
    from apps.models import Release

    for model in (ConfigCopy, Release):
        model.objects.status_update(next_reconcile_at="2020-01-01T00:00:00Z")


def test_a_namespace_that_is_stuck_in_terminating(
    fleet: Portal, cluster_one: ControlPlane, namespace: str, kubectl: Any
) -> None:
    """Nothing can be made there: said for both kinds, and done once it is gone."""

    def run(*words: str) -> str:
        return str(kubectl(*words, cluster=cluster_one))

    run("create", "configmap", "held", "-n", namespace)
    hold = '{"metadata": {"finalizers": ["example.org/held"]}}'
    run("patch", "configmap", "held", "-n", namespace, "--type=merge", "-p", hold)
    run("delete", "namespace", namespace, "--wait=false")
    with invariants(cluster_one):
        save(fleet, "settings", namespace, **ON_ONE)
        fleet.apply("web", **release_spec(namespace))
        copy = f"configcopies/settings.one.{namespace}"
        waiting = eventually(
            lambda: (
                (c := fleet.condition(copy, "Applied")).get("reason") == "NamespaceTerminating"
                and c
            )
        )
        assert namespace in waiting["message"]

        eventually(lambda: fleet.release("web.one")["reason"] == "NamespaceTerminating")
        assert not fleet.ready("applications/web")
        free = '{"metadata": {"finalizers": null}}'
        run("patch", "configmap", "held", "-n", namespace, "--type=merge", "-p", free)
        eventually(
            lambda: fleet.ready("configitems/settings") and fleet.ready("applications/web"),
            seconds=CONVERGED_SECONDS,
        )
    assert data(kubectl, cluster_one, namespace, "settings") == {"color": "blue", "size": "1"}
    assert deployments(kubectl, cluster_one, namespace) == {"web": 1}


def webhook(namespace: str) -> Json:
    """An admission webhook that nobody serves, and without which nothing may happen there."""
    where = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    rule = {
        "apiGroups": ["", "apps"],
        "apiVersions": ["v1"],
        "resources": ["configmaps", "deployments"],
        "operations": ["*"],
    }
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": namespace},
        "webhooks": [
            {
                "name": "guard.example.org",
                "rules": [rule],
                "namespaceSelector": where,
                "failurePolicy": "Fail",
                "sideEffects": "None",
                "timeoutSeconds": 2,
                "admissionReviewVersions": ["v1"],
                "clientConfig": {"url": "https://127.0.0.1:9/"},
            }
        ],
    }


def test_an_admission_webhook_is_down(
    fleet: Portal, cluster_one: ControlPlane, namespace: str, kubectl: Any
) -> None:
    """Its name is shown, and what it held up is tried again without anybody."""
    cluster_one.kubectl("create", "-f", "-", stdin=json.dumps(webhook(namespace)))
    try:
        with invariants(cluster_one):
            save(fleet, "settings", namespace, **ON_ONE)
            fleet.apply("web", **release_spec(namespace, onFailure="rollback"))
            paths = [f"configcopies/settings.one.{namespace}", "releases/web.one"]

            def named(path: str) -> bool:
                ready = fleet.condition(path, "Ready")
                return ready.get("status") != "True" and "guard.example.org" in str(ready)

            eventually(lambda: all(map(named, paths)))
            assert fleet.condition("releases/web.one", "Stalled").get("status") != "True"
            assert deployments(kubectl, cluster_one, namespace) == {}
            assert fleet.ready("clusters/one"), "the cluster itself is well"
            cluster_one.kubectl("delete", "validatingwebhookconfiguration", namespace)
            eventually(
                lambda: fleet.ready("configitems/settings") and fleet.ready("applications/web"),
                seconds=CONVERGED_SECONDS,
            )
    finally:
        gone = ("delete", "validatingwebhookconfiguration", namespace, "--ignore-not-found")
        cluster_one.kubectl(*gone)
    assert data(kubectl, cluster_one, namespace, "settings") == {"color": "blue", "size": "1"}
    assert deployments(kubectl, cluster_one, namespace) == {"web": 1}
    assert revisions(cluster_one, namespace, "web")[-1] == "deployed"


def test_another_controller_fights_for_a_field_of_a_release(
    fleet: Portal, cluster_one: ControlPlane, namespace: str, kubectl: Any
) -> None:
    """Five corrections in ten minutes, then it is shown who does it; a new wish is done all the same."""

    def scaled(replicas: int) -> None:
        patch = json.dumps({"spec": {"replicas": replicas}})
        kubectl(
            *("patch", "deployment", "web", "-n", namespace, "--type=merge", "-p", patch),
            "--field-manager=autoscaler",
            cluster=cluster_one,
        )
        fleet_alarm("web.one")

    with invariants(cluster_one) as (witness,):
        fleet.apply("web", **release_spec(namespace, driftPolicy="correct"))
        eventually(lambda: fleet.ready("applications/web"))
        before = witness.writes(name="web")["patch"]
        for round_ in range(5):
            scaled(3 + round_)
            eventually(lambda: deployments(kubectl, cluster_one, namespace) == {"web": 1})
            eventually(lambda: fleet.ready("releases/web.one"))
        scaled(9)
        drift = eventually(
            lambda: (
                (c := fleet.condition("releases/web.one", "Drifted")).get("reason") == "Flapping"
                and c
            )
        )
        assert "autoscaler" in drift["message"]
        assert "spec.replicas" in drift["message"]
        assert deployments(kubectl, cluster_one, namespace) == {"web": 9}
        assert witness.writes(name="web")["patch"] - before == 5
        fleet.apply("web", **release_spec(namespace, driftPolicy="correct", version="0.2.0"))
        eventually(lambda: fleet.ready("applications/web"), seconds=CONVERGED_SECONDS)


def test_what_is_to_be_deleted_is_gone_already(
    fleet: Portal, cluster_one: ControlPlane, namespace: str, kubectl: Any, helm: Any
) -> None:
    save(fleet, "settings", namespace, **ON_ONE)
    fleet.apply("web", **release_spec(namespace))
    fleet.apply("bare", **release_spec(namespace))
    names = ["configitems/settings", "applications/web", "applications/bare"]
    eventually(lambda: all(map(fleet.ready, names)))
    # The services of `web` stay for Helm to delete; of `bare` not even Helm's record is left.
    kubectl("delete", "cm", "settings", "-n", namespace, cluster=cluster_one)
    kubectl("delete", "deployment", "web", "-n", namespace, cluster=cluster_one)
    helm("uninstall", "bare", "-n", namespace, cluster=cluster_one)
    with invariants(cluster_one, deletes=[("services", "web")]):
        for name in names:
            fleet.call("delete", name)
        eventually(lambda: all(map(fleet.gone, names)))
    assert helm_list(helm, cluster_one, namespace) == {}
    assert deployments(kubectl, cluster_one, namespace) == {}
    operations = fleet.call("get", "operations?verb=delete")["items"]
    assert all(operation["status"]["succeeded"] for operation in operations)


def test_a_config_map_that_another_owner_took(
    fleet: Portal, cluster_one: ControlPlane, namespace: str, kubectl: Any
) -> None:
    """Its mark is another's now: it is neither changed nor deleted, and that is said."""
    save(fleet, "settings", namespace, **ON_ONE)
    eventually(lambda: fleet.ready("configitems/settings"))
    kubectl(
        *("annotate", "cm", "settings", "-n", namespace, "--overwrite"),
        "kubecarrier.io/owner=configitem/00000000-0000-0000-0000-000000000000",
        cluster=cluster_one,
    )
    edit(kubectl, cluster_one, namespace, "settings", color="theirs")
    with invariants(cluster_one) as (witness,):
        hear()
        copy = f"configcopies/settings.one.{namespace}"
        eventually(lambda: fleet.condition(copy, "Applied").get("reason") == "ObjectOwnedByOthers")
        fleet.call("post", "configitems/settings/set", {"data": {"size": "2"}})
        eventually(lambda: fleet.call("get", copy)["status"]["reason"] == "ObjectOwnedByOthers")
        fleet.call("delete", "configitems/settings")
        eventually(lambda: fleet.gone("configitems/settings"))
        assert not witness.writes(name="settings")
    assert data(kubectl, cluster_one, namespace, "settings")["color"] == "theirs"


def test_a_deployment_that_another_release_took(
    fleet: Portal, cluster_one: ControlPlane, namespace: str, kubectl: Any
) -> None:
    """Drift of it is shown and not put back, and an uninstall leaves it alone."""
    fleet.apply("web", **release_spec(namespace, driftPolicy="correct"))
    eventually(lambda: fleet.ready("applications/web"))
    kubectl(
        *("annotate", "deployment", "web", "-n", namespace, "--overwrite"),
        "meta.helm.sh/release-name=theirs",
        cluster=cluster_one,
    )
    kubectl("scale", "deployment/web", "-n", namespace, "--replicas=3", cluster=cluster_one)
    with invariants(cluster_one, deletes=[("services", "web")]):
        fleet_alarm("web.one")
        drift = eventually(
            lambda: (
                (c := fleet.condition("releases/web.one", "Drifted")).get("status") == "True" and c
            )
        )
        assert "theirs" in drift["message"]
        assert deployments(kubectl, cluster_one, namespace) == {"web": 3}
        fleet.call("delete", "applications/web")
        eventually(lambda: fleet.gone("applications/web"), seconds=CONVERGED_SECONDS)
    assert deployments(kubectl, cluster_one, namespace) == {"web": 3}


WIDGETS = "widgets.faults.example"
WIDGET = """
apiVersion: faults.example/v1
kind: Widget
metadata: {name: {{ .Release.Name }}}
spec: {size: 1}
"""


def widgets() -> Json:
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": WIDGETS},
        "spec": {
            "group": "faults.example",
            "scope": "Namespaced",
            "names": {"plural": "widgets", "kind": "Widget", "singular": "widget"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
        },
    }


def test_a_definition_is_removed_under_a_release(
    fleet: Portal, cluster_one: ControlPlane, namespace: str, kubectl: Any
) -> None:
    """The object is missing, which is shown; once the kind is served again it is put back."""

    def define() -> None:
        cluster_one.kubectl("apply", "-f", "-", stdin=json.dumps(widgets()))
        cluster_one.kubectl("wait", "crd", WIDGETS, "--for=condition=Established")

    define()
    try:
        fleet.upload("local", chart("custom", "1.0.0", templates__widget_yaml=WIDGET))
        spec = release_spec(namespace, chart="local/custom", version="1.0.0", driftPolicy="correct")
        fleet.apply("custom", **spec)
        eventually(lambda: fleet.ready("applications/custom"))
        with invariants(cluster_one):
            cluster_one.kubectl("delete", "crd", WIDGETS)
            fleet_alarm("custom.one")
            eventually(lambda: not fleet.ready("releases/custom.one"))
            ready = fleet.condition("releases/custom.one", "Ready")
            assert ready["status"] in {"False", "Unknown"}
            define()
            fleet_alarm("custom.one")
            at_once()
            eventually(lambda: fleet.ready("applications/custom"), seconds=CONVERGED_SECONDS)
        assert found(kubectl, cluster_one, namespace, "custom", "widget")
        fleet.call("delete", "applications/custom")
        eventually(lambda: fleet.gone("applications/custom"))
    finally:
        cluster_one.kubectl("delete", "crd", WIDGETS, "--ignore-not-found")
