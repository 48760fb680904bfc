"""What a project allows: pure rules."""

from __future__ import annotations

import pytest

from fleet.errors import ProjectDeniedError, ProjectInvalidError
from fleet.projects.quota import check_hard, check_limits
from fleet.projects.rules import DEFAULT_KINDS, Rules, check_namespace_labels, kind_allowed
from kubecarrier.lib.errors import InvalidError
from kubecarrier.lib.placement import Placement

CLUSTERS = {"one": {"env": "prod"}, "two": {"env": "test"}, "three": {"env": "lab"}}


def rules(**more: object) -> Rules:
    placement = more.pop("placement", Placement(selector="env=prod"))
    return Rules("team", placement, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("patterns", "group", "kind", "allowed"),
    [
        (("*",), "apps", "Deployment", True),
        ((), "apps", "Deployment", False),
        (("Deployment",), "apps", "Deployment", True),
        (("Deployment",), "other.io", "Deployment", True),
        (("Deployment.apps",), "other.io", "Deployment", False),
        (("*.apps",), "apps", "StatefulSet", True),
        (("*.apps",), "", "Secret", False),
        (("*", "!Secret"), "", "Secret", False),
        (("*", "!Secret"), "", "ConfigMap", True),
        (("!Secret", "*"), "", "Secret", True),  # the last that matches decides
        (("*", "!*.rbac.authorization.k8s.io"), "rbac.authorization.k8s.io", "Role", False),
        (("*", "!*.rbac.authorization.k8s.io"), "apps", "Deployment", True),
        (DEFAULT_KINDS, "", "ResourceQuota", False),
        (DEFAULT_KINDS, "", "LimitRange", False),
        (DEFAULT_KINDS, "batch", "Job", True),
    ],
)
def test_kinds(patterns: tuple[str, ...], group: str, kind: str, allowed: bool) -> None:
    assert kind_allowed(patterns, group, kind) is allowed


@pytest.mark.parametrize(
    ("more", "names"),
    [
        ({}, {"one"}),
        ({"clusters": "env in (test,lab)"}, {"one", "two", "three"}),
        ({"clusters": "*"}, {"one", "two", "three"}),
        ({"placement": Placement()}, set()),
        ({"placement": Placement(clusters=("two",), exclude=("two",))}, set()),
    ],
)
def test_clusters_within(more: dict[str, object], names: set[str]) -> None:
    assert set(rules(**more).within(CLUSTERS)) == names


def refused(call: object, *args: object, **kwargs: object) -> ProjectDeniedError:
    with pytest.raises(ProjectDeniedError) as caught:
        call(*args, **kwargs)  # type: ignore[operator]
    return caught.value


def test_refusals_say_code_field_and_what_is_allowed() -> None:
    error = refused(rules().check_clusters, ["one", "two"], CLUSTERS, field="spec.placement")
    assert (error.code, error.field, error.data["denied"]) == (
        "project_cluster_denied",
        "spec.placement",
        ["two"],
    )
    assert error.hint == "It may be placed on: one."
    error = refused(rules(repositories=("team-*",)).check_repository, "other", field="spec.chart")
    assert (error.code, error.hint) == (
        "project_repository_denied",
        "It allows charts from: team-*.",
    )
    error = refused(
        rules(own=("a",), namespaces=("shared-?",)).check_namespaces,
        ["a", "shared-1", "kube-system", "shared-12"],
        field="spec.namespace",
    )
    assert error.code == "project_destination_denied"
    assert error.data["denied"] == ["kube-system", "shared-12"]
    error = refused(
        rules().check_kind,
        "rbac.authorization.k8s.io",
        "ClusterRole",
        namespaced=False,
        field="spec.chart",
    )
    assert error.code == "project_kind_denied"
    assert error.data["denied"] == ["ClusterRole.rbac.authorization.k8s.io"]


def test_a_cluster_that_is_not_in_the_fleet_is_nothing_to_refuse() -> None:
    rules().check_clusters(["nowhere"], CLUSTERS, field="x")


@pytest.mark.parametrize(
    "hard",
    [
        {"requests.cpu": "4", "limits.memory": "8Gi", "pods": "20"},
        {"count/jobs.batch": "5", "count/pods": "1"},
        {"fast.storageclass.storage.k8s.io/requests.storage": "100Gi"},
        {"requests.nvidia.com/gpu": "2", "hugepages-2Mi": "1Gi"},
        {},
    ],
)
def test_good_quotas(hard: dict[str, str]) -> None:
    assert check_hard(hard) == hard


@pytest.mark.parametrize(
    "hard",
    [
        {"cpus": "4"},
        {"requests.cpu": "4 cores"},
        {"requests.cpu": "-1"},
        {"pods": "1.5"},
        {"count/jobs.batch": "500m"},
        {"requests.cpu": ""},
        {"requests.cpu": "1" * 70},
        {"../etc": "1"},
        {"requests.cpu\n": "1"},
        {f"count/x{i}": "1" for i in range(101)},
    ],
)
def test_bad_quotas(hard: dict[str, str]) -> None:
    with pytest.raises(ProjectInvalidError) as caught:
        check_hard(hard)
    assert caught.value.code == "quota_invalid"


@pytest.mark.parametrize(
    ("limits", "good"),
    [
        ({"default": {"cpu": "1"}, "defaultRequest": {"cpu": "100m"}}, True),
        ({"min": {"memory": "1Mi"}, "max": {"memory": "1Gi"}}, True),
        ({"default": {"cpu": "1"}, "defaultRequest": {"cpu": "2"}}, False),
        ({"default": {"cpu": "3"}, "max": {"cpu": "2"}}, False),
        ({"min": {"pods": "1"}}, False),
    ],
)
def test_limits(limits: dict[str, dict[str, str]], good: bool) -> None:
    if good:
        assert check_limits(limits) == limits
    else:
        with pytest.raises(ProjectInvalidError):
            check_limits(limits)


@pytest.mark.parametrize(
    ("labels", "code"),
    [
        ({"kubecarrier.io/project": "other"}, "labels_reserved"),
        ({"app.kubernetes.io/managed-by": "x"}, "labels_reserved"),
        ({"a b": "x"}, "labels_invalid"),
    ],
)
def test_labels_that_say_whose_a_namespace_is(labels: dict[str, str], code: str) -> None:
    with pytest.raises(InvalidError) as caught:
        check_namespace_labels(labels)
    assert caught.value.code == code
