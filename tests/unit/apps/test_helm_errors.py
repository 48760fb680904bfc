"""Helm's sentences and what they mean."""

# ruff: noqa: E501 (a row of a table stays one line)
from __future__ import annotations

from pathlib import Path

import pytest

from apps.helm import Helm
from apps.helm.errors import (
    HelmFailed,
    HelmReason,
    HelmUnavailable,
    classify,
    error_from_stderr,
)

R = HelmReason

SENTENCES: list[tuple[HelmReason, str]] = [
    (R.ANOTHER_OPERATION, "another operation (install/upgrade/rollback) is in progress"),
    (R.ANOTHER_OPERATION, 'create: failed to create: secrets "sh.helm.release.v1.a.v2" already exists'),
    (R.NOT_FOUND, "uninstall: Release not loaded: a: release: not found"),
    (R.NOT_FOUND, "release has no 9 version"),
    (R.INVALID_VALUES, "values don't meet the specifications of the schema(s) in the following chart(s):\ndemo:"),
    (R.INVALID_VALUES, "failed to parse /proc/self/fd/5: error converting YAML to JSON: yaml"),
    (
        R.OWNERSHIP,
        'unable to continue with install: ServiceAccount "a" in namespace "b" exists and cannot be '
        "imported into the current release: invalid ownership metadata; label validation error",
    ),
    (R.HOOK_FAILED, "failed pre-install: 1 error occurred: job failed: BackoffLimitExceeded"),
    (R.HOOK_FAILED, "UPGRADE FAILED: pre-upgrade hooks failed: timed out waiting for the condition"),
    (R.HOOK_FAILED, "failed post-install: context deadline exceeded"),
    (
        R.RECORD_TOO_LARGE,
        'create: failed to create: Secret "sh.helm.release.v1.a.v1" is invalid: data: Too long: '
        "may not be more than 1048576 bytes",
    ),
    (R.RECORD_TOO_LARGE, "create: failed to create: etcdserver: request is too large"),
    (R.CONFLICT, 'conflict occurred while applying object b/a apps/v1, Kind=Deployment: Apply failed with 1 conflict: conflict with "x"'),
    (R.DENIED, "kubernetes cluster unreachable: Get https://a/version: tls: failed to verify certificate: x509: certificate signed by unknown authority"),
    (R.DENIED, "kubernetes cluster unreachable: the server has asked for the client to provide credentials"),
    (R.REFUSED, 'pods "a" is forbidden: violates PodSecurity "baseline:latest": hostPath volumes (volume "host")'),
    (R.REFUSED, 'pods "a" is forbidden: exceeded quota: kubecarrier, requested: pods=1, used: pods=3, limited: pods=3'),
    (R.REFUSED, 'admission webhook "validate.kyverno.svc" denied the request: no'),
    (R.DENIED, 'roles.rbac.authorization.k8s.io "a" is forbidden: user "b" (groups=["c"]) is attempting to grant RBAC permissions not currently held'),
    (R.DENIED, 'secrets is forbidden: User "a" cannot list resource "secrets"'),
    (R.RENDER_FAILED, "template: demo/templates/a.yaml:3:5: executing at <required>: error calling required: x"),
    (R.RENDER_FAILED, "execution error at (demo/templates/a.yaml:1:4): no"),
    (R.RENDER_FAILED, "YAML parse error on demo/templates/a.yaml: error converting YAML to JSON"),
    (R.RENDER_FAILED, "chart requires kubeVersion: >=9 which is incompatible with Kubernetes v1.37.2"),
    (R.RENDER_FAILED, 'unable to build kubernetes objects from release manifest: resource mapping not found for name: "a"'),
    (R.UNREACHABLE, 'kubernetes cluster unreachable: Get "https://a/version": dial tcp 127.0.0.1:1: connect: connection refused'),
    (R.UNREACHABLE, 'cluster reachability check failed: Get "https://a/version": EOF'),
    (R.UNREACHABLE, "the server is currently unable to handle the request"),
    (R.UNREACHABLE, "dial tcp: lookup a.example: no such host"),
    (R.UNREACHABLE, "etcdserver: leader changed"),
    (R.TIMEOUT, "context deadline exceeded"),
    (R.FAILED, "something new"),
]  # fmt: skip


@pytest.mark.parametrize(("reason", "sentence"), SENTENCES)
def test_reasons(reason: HelmReason, sentence: str) -> None:
    assert classify(sentence) is reason


def test_the_error_line_alone_is_told() -> None:
    stderr = 'level=WARN msg="x"\nWARNING: readable\nError: UPGRADE FAILED: no\nlevel=INFO msg=y\n'
    error = error_from_stderr(stderr, ())
    assert error.message == "UPGRADE FAILED: no"
    assert isinstance(error, HelmFailed)
    assert error.code == "helm_failed"


def test_a_silent_failure_has_words() -> None:
    assert error_from_stderr("", ()).message


def test_transient_ones_are_transient() -> None:
    assert isinstance(error_from_stderr("Error: connection refused", ()), HelmUnavailable)


def test_secrets_are_redacted_before_the_cut() -> None:
    error = error_from_stderr(
        "Error: " + "x" * 1990 + "canary-secret-value", ["canary-secret-value"]
    )
    assert len(error.message) <= 2000
    assert "canary" not in error.message


def test_a_machine_without_helm_is_no_fault_of_the_release(tmp_path: Path) -> None:
    """Transient: another worker, or this one once it is mended, does it."""
    with pytest.raises(HelmUnavailable) as caught:
        Helm(Path("no-such-helm-program"), tmp_path).version()
    assert caught.value.reason is HelmReason.MISSING
