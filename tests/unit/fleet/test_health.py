"""Health by kind: shapes as API servers give them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.health import Health, HealthStatus, health, missing, summarize

Json = dict[str, Any]
H, P, D, S, U = (
    HealthStatus.HEALTHY,
    HealthStatus.PROGRESSING,
    HealthStatus.DEGRADED,
    HealthStatus.SUSPENDED,
    HealthStatus.UNKNOWN,
)


def obj(kind: str, spec: Json | None = None, status: Json | None = None) -> Json:
    """`group/version:Kind`; generation 2."""
    api_version, _, name = kind.rpartition(":")
    return {
        "apiVersion": api_version or "v1",
        "kind": name,
        "metadata": {"name": "a", "generation": 2},
        "spec": spec or {},
        "status": status or {},
    }


def conditions(**states: str) -> Json:
    """`Ready="False:Reason"`."""
    parts = {kind: state.partition(":") for kind, state in states.items()}
    return {
        "conditions": [
            {"type": kind, "status": status, "reason": reason, "message": reason}
            for kind, (status, _, reason) in parts.items()
        ]
    }


def deployment(spec: Json | None = None, **status: Any) -> Json:
    return obj("apps/v1:Deployment", {"replicas": 2, **(spec or {})}, seen(**status))


def seen(**status: Any) -> Json:
    return {"observedGeneration": 2, **status}


DEPLOYED: Json = {"replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2}


def stateful(strategy: Json | None = None, **status: Any) -> Json:
    spec = {"replicas": 2, "updateStrategy": strategy or {"type": "RollingUpdate"}}
    revisions = {"currentRevision": "r2", "updateRevision": "r2"}
    return obj("apps/v1:StatefulSet", spec, seen(**{**revisions, **status}))


def daemon(spec: Json | None = None, **status: Any) -> Json:
    counts = {"desiredNumberScheduled": 2, "updatedNumberScheduled": 2, "numberAvailable": 2}
    return obj("apps/v1:DaemonSet", spec, seen(**{**counts, **status}))


def partitioned(count: int) -> Json:
    return {"type": "RollingUpdate", "rollingUpdate": {"partition": count}}


def pod(phase: str, **status: Any) -> Json:
    return obj("Pod", status={"phase": phase, **status})


def waiting(reason: str) -> list[Json]:
    return [{"name": "a", "state": {"waiting": {"reason": reason, "message": "why"}}}]


def load_balancer(**status: Any) -> Json:
    return obj("Service", {"type": "LoadBalancer"}, {"loadBalancer": status})


def crd(**states: str) -> Json:
    return obj("apiextensions.k8s.io/v1:CustomResourceDefinition", status=conditions(**states))


def widget(**states: str) -> Json:
    return obj("a.example/v1:Widget", status=conditions(**states))


def hpa(**states: str) -> Json:
    return obj("autoscaling/v2:HorizontalPodAutoscaler", status=conditions(**states))


TABLE: list[tuple[Json, HealthStatus, str]] = [
    # Deployment
    (deployment(**DEPLOYED), H, "Available"),
    (deployment({"replicas": 0}), H, "Available"),
    (obj("apps/v1:Deployment", {"replicas": 2}), P, "NotObserved"),
    (deployment(observedGeneration=1, **DEPLOYED), P, "NotObserved"),
    (deployment({"paused": True}, **DEPLOYED), S, "Paused"),
    (deployment(replicas=2, updatedReplicas=1, availableReplicas=2), P, "Updating"),
    (deployment(replicas=3, updatedReplicas=2, availableReplicas=3), P, "Terminating"),
    (deployment(replicas=2, updatedReplicas=2, availableReplicas=1), P, "NotAvailable"),
    (
        deployment(**DEPLOYED, **conditions(Progressing="False:ProgressDeadlineExceeded")),
        D,
        "ProgressDeadlineExceeded",
    ),
    (deployment(**conditions(ReplicaFailure="True:FailedCreate")), D, "ReplicaFailure"),
    (obj("apps/v1:Deployment", {}, seen(**{**DEPLOYED, "replicas": 2})), H, "Available"),
    # StatefulSet
    (stateful(readyReplicas=2, updatedReplicas=2), H, "Ready"),
    (stateful(readyReplicas=1), P, "NotReady"),
    (stateful(readyReplicas=2, currentRevision="r1", updatedReplicas=1), P, "Updating"),
    (stateful({"type": "OnDelete"}, readyReplicas=2, currentRevision="r1"), H, "Ready"),
    (stateful(partitioned(1), readyReplicas=2, currentRevision="r1", updatedReplicas=1), H, "Ready"),
    (stateful(partitioned(1), readyReplicas=2, updatedReplicas=0), P, "Updating"),
    (stateful(partitioned(5), readyReplicas=2), H, "Ready"),
    # DaemonSet
    (daemon(), H, "Available"),
    (daemon(updatedNumberScheduled=1), P, "Updating"),
    (daemon({"updateStrategy": {"type": "OnDelete"}}, updatedNumberScheduled=1), H, "Available"),
    (daemon(numberAvailable=1), P, "NotAvailable"),
    (daemon(desiredNumberScheduled=0, updatedNumberScheduled=0, numberAvailable=0), H, "Available"),
    # ReplicaSet
    (obj("apps/v1:ReplicaSet", {"replicas": 1}, seen(availableReplicas=1)), H, "Available"),
    (obj("apps/v1:ReplicaSet", {"replicas": 1}, seen()), P, "NotAvailable"),
    (
        obj("apps/v1:ReplicaSet", {}, seen(**conditions(ReplicaFailure="True:Quota"))),
        D,
        "ReplicaFailure",
    ),
    # Job, CronJob
    (obj("batch/v1:Job", status=conditions(Complete="True")), H, "Complete"),
    (obj("batch/v1:Job", status=conditions(Failed="True:BackoffLimitExceeded")), D, "Failed"),
    (obj("batch/v1:Job", {"suspend": True}, conditions(Suspended="True")), S, "Suspended"),
    (obj("batch/v1:Job", {"suspend": True}), S, "Suspended"),
    (obj("batch/v1:Job", status={"active": 1}), P, "Running"),
    (obj("batch/v1:Job"), P, "Running"),
    (obj("batch/v1:CronJob", {"suspend": True}), S, "Suspended"),
    (obj("batch/v1:CronJob"), H, "Scheduled"),
    # Pod
    (pod("Running", **conditions(Ready="True")), H, "Ready"),
    (pod("Running", **conditions(Ready="False:ContainersNotReady")), P, "NotReady"),
    (pod("Pending"), P, "Pending"),
    (pod("Pending", **conditions(PodScheduled="False:Unschedulable")), P, "Unschedulable"),
    (pod("Pending", containerStatuses=waiting("ImagePullBackOff")), D, "ImagePullBackOff"),
    (pod("Pending", containerStatuses=waiting("ContainerCreating")), P, "Pending"),
    (pod("Pending", initContainerStatuses=waiting("CrashLoopBackOff")), D, "CrashLoopBackOff"),
    (pod("Running", containerStatuses=waiting("CrashLoopBackOff")), D, "CrashLoopBackOff"),
    (pod("Succeeded"), H, "Completed"),
    (pod("Failed", message="OOM"), D, "Failed"),
    (pod("Unknown"), U, "PhaseUnknown"),
    (obj("Pod"), P, "Pending"),
    # storage
    (obj("PersistentVolumeClaim", status={"phase": "Bound"}), H, "Bound"),
    (obj("PersistentVolumeClaim", status={"phase": "Pending"}), P, "Pending"),
    (obj("PersistentVolumeClaim", status={"phase": "Lost"}), D, "Lost"),
    (obj("PersistentVolumeClaim"), P, "NotObserved"),
    (obj("PersistentVolume", status={"phase": "Failed"}), D, "Failed"),
    (obj("PersistentVolume", status={"phase": "Available"}), H, "Available"),
    # network
    (obj("Service", {"type": "ClusterIP"}), H, "Exists"),
    (obj("Service"), H, "Exists"),
    (load_balancer(), P, "NoAddress"),
    (load_balancer(ingress=[{"ip": "10.0.0.1"}]), H, "AddressAssigned"),
    (obj("networking.k8s.io/v1:Ingress"), H, "Exists"),
    (
        obj("networking.k8s.io/v1:Ingress", status={"loadBalancer": {"ingress": [{}]}}),
        H,
        "AddressAssigned",
    ),
    # extensions
    (crd(NamesAccepted="True", Established="True"), H, "Established"),
    (crd(), P, "Installing"),
    (crd(NamesAccepted="True", Established="False:Installing"), P, "Installing"),
    (crd(NamesAccepted="False:MultipleNamesNotAllowed"), D, "NamesNotAccepted"),
    (crd(NamesAccepted="True", Established="False:NotAccepted"), D, "NotEstablished"),
    (obj("apiregistration.k8s.io/v1:APIService", status=conditions(Available="True")), H, "Available"),
    (
        obj("apiregistration.k8s.io/v1:APIService", status=conditions(Available="False:Missing")),
        P,
        "Missing",
    ),
    (obj("apiregistration.k8s.io/v1:APIService"), P, "NotAvailable"),
    # cluster
    (obj("Namespace", status={"phase": "Active"}), H, "Active"),
    (obj("Namespace", status={"phase": "Terminating"}), P, "Terminating"),
    (obj("Node", status=conditions(Ready="True")), H, "Ready"),
    (obj("Node", {"unschedulable": True}, conditions(Ready="True")), S, "Cordoned"),
    (obj("Node", status=conditions(Ready="False:KubeletNotReady")), D, "NodeNotReady"),
    (obj("Node", status=conditions(Ready="Unknown:NodeStatusUnknown")), U, "NodeSilent"),
    # scaling
    (hpa(AbleToScale="True", ScalingActive="True"), H, "Active"),
    (hpa(AbleToScale="True", ScalingActive="False:FailedGetResourceMetric"), D, "FailedGetResourceMetric"),
    (hpa(AbleToScale="False:BackoffBoth", ScalingActive="False:ScalingDisabled"), S, "ScalingDisabled"),
    (hpa(), P, "Waiting"),
    (obj("policy/v1:PodDisruptionBudget", status=seen(currentHealthy=2, desiredHealthy=1)), H, "SufficientPods"),
    (obj("policy/v1:PodDisruptionBudget", status=seen(currentHealthy=0, desiredHealthy=1)), P, "InsufficientPods"),
    (obj("policy/v1:PodDisruptionBudget"), P, "NotObserved"),
    (
        obj("policy/v1:PodDisruptionBudget", status=seen(**conditions(DisruptionAllowed="False:SyncFailed"))),
        D,
        "SyncFailed",
    ),
    # the rest
    (obj("ConfigMap"), H, "Exists"),
    (widget(), H, "Exists"),
    (widget(Ready="True"), H, "Ready"),
    (widget(Ready="False:Pending"), P, "NotReady"),
    (widget(Ready="Unknown"), P, "NotReady"),
    (widget(Available="True"), H, "Available"),
    (widget(Available="False"), P, "NotAvailable"),
    (widget(Ready="True", Reconciling="True:New"), P, "Reconciling"),
    (widget(Ready="False", Stalled="True:Broken"), D, "Stalled"),
    (widget(Failed="True:Broken"), D, "Failed"),
    (obj("a.example/v1:Widget", status={"observedGeneration": 1, **conditions(Ready="True")}), P, "NotObserved"),
    ({**obj("ConfigMap"), "metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}, P, "Terminating"),
    ({}, H, "Exists"),
    # odd shapes
    (deployment({"replicas": "many"}), U, "Unreadable"),
    (obj("batch/v1:Job", status={"conditions": "none"}), P, "Running"),
    (obj("Pod", status={"phase": "Running", "containerStatuses": 5}), U, "Unreadable"),
    ({"apiVersion": "v1", "kind": "Pod", "status": ["x"], "metadata": None}, P, "Pending"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "status", "reason"), TABLE)
def test_table(given: Json, status: HealthStatus, reason: str) -> None:
    found = health(given)
    assert (found.status, found.reason) == (status, reason)
    assert reason.isalnum()


def test_a_conditions_words_are_told() -> None:
    assert health(widget(Stalled="True:Broken")).message == "Broken"


def test_worst_wins() -> None:
    found = [health(obj("ConfigMap")), health(widget(Ready="False")), missing()]
    assert summarize(found).reason == "Missing"
    assert summarize(found[:2]).status is P
    assert summarize(found[:1]).status is H


def test_nothing_is_healthy() -> None:
    assert summarize([]) == Health(H, "NoObjects")


def test_the_number_of_bad_ones_is_told() -> None:
    assert (
        "2 of 3 objects are Degraded."
        in summarize([missing(), missing(), health(obj("ConfigMap"))]).message
    )


_TREE = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["phase", "conditions", "type", "status", "replicas", "observedGeneration"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)


@given(given=st.sampled_from([row[0] for row in TABLE]), status=_TREE, spec=_TREE)
def test_never_raises(given: Json, status: Any, spec: Any) -> None:
    assert isinstance(health({**given, "status": status, "spec": spec}), Health)
