"""Rendered manifests as objects."""

from __future__ import annotations

from typing import Any

import pytest

from apps.objects import (
    ManifestError,
    is_kept,
    object_ref,
    object_refs,
    owned_fingerprint,
    parse_manifest,
    with_namespace,
)
from fleet.resource import ObjectRef

RENDERED = """---
# Source: demo/templates/account.yaml
apiVersion: v1
kind: ServiceAccount
metadata:
  name: demo
---
# only a comment
---

---
# Source: demo/templates/deployment.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: demo
  namespace: other
  annotations: {helm.sh/resource-policy: " Keep "}
spec: {template: {spec: {containers: [{name: a, args: ["---", on]}]}}}
--- # Source: demo/templates/test.yaml
apiVersion: v1
kind: Pod
metadata:
  name: test
  annotations: {"helm.sh/hook": test}
"""


def scope(api_version: str, kind: str) -> bool | None:
    return {"Deployment": True, "ServiceAccount": True, "ClusterRole": False}.get(kind)


def test_objects_and_hooks_in_order() -> None:
    manifest = parse_manifest(RENDERED)
    assert [obj["kind"] for obj in manifest.objects] == ["ServiceAccount", "Deployment"]
    assert [obj["kind"] for obj in manifest.hooks] == ["Pod"]
    assert [is_kept(obj) for obj in manifest.objects] == [False, True]


def test_scalars_mean_what_they_mean_to_helm() -> None:
    deployment = parse_manifest(RENDERED).objects[1]
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    assert container["args"] == ["---", True]


def test_separator_inside_a_block_text_is_no_separator() -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  x: |\n    ---\n    b\n"
    assert parse_manifest(text).objects[0]["data"]["x"] == "---\nb\n"


def test_lists_are_taken_apart() -> None:
    item = "{apiVersion: v1, kind: ConfigMap, metadata: {name: %s}}"
    text = f"apiVersion: v1\nkind: List\nitems: [{item % 'a'}, {item % 'b'}]"
    assert [obj["metadata"]["name"] for obj in parse_manifest(text).objects] == ["a", "b"]


@pytest.mark.parametrize("text", ["", "---", "# nothing\n---\n", "\n\n---\n\n---\n"])
def test_nothing(text: str) -> None:
    assert parse_manifest(text).objects == ()


@pytest.mark.parametrize(
    "text",
    [
        "just text",
        "[1]",
        "kind: Pod\nmetadata: {name: a}",
        "apiVersion: v1\nmetadata: {name: a}",
        "apiVersion: v1\nkind: Pod",
        "apiVersion: v1\nkind: Pod\nmetadata: {}",
        "apiVersion: v1\nkind: Pod\nmetadata: text",
        "a: [",
        "a: " + "[" * 2000,
    ],
)
def test_what_is_no_object(text: str) -> None:
    good = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n---\n"
    with pytest.raises(ManifestError) as caught:
        parse_manifest(good + text)
    assert caught.value.code == "manifest_invalid"
    assert caught.value.data["document"] == 1


def test_alias_bomb_is_refused() -> None:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    for last, this in zip("abcdefgh", "bcdefghi", strict=True):
        lines.append(f"{this}: &{this} [{', '.join([f'*{last}'] * 9)}]")
    with pytest.raises(ManifestError):
        parse_manifest("\n".join(lines))


def obj(kind: str, namespace: str | None = None, api_version: str = "v1") -> dict[str, Any]:
    metadata = {"name": "a"} | ({"namespace": namespace} if namespace is not None else {})
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata}


@pytest.mark.parametrize(
    ("given", "namespace"),
    [
        (obj("Deployment"), "default-ns"),
        (obj("Deployment", ""), "default-ns"),
        (obj("Deployment", "other"), "other"),
        (obj("ClusterRole"), ""),
        (obj("ClusterRole", "ignored"), ""),
        (obj("Widget"), ""),
        (obj("Widget", "other"), "other"),
    ],
)
def test_namespace_by_scope(given: dict[str, Any], namespace: str) -> None:
    ref = object_ref(given, default_namespace="default-ns", namespaced=scope)
    assert ref == ObjectRef("v1", given["kind"], namespace, "a")
    assert with_namespace(given, ref)["metadata"].get("namespace", "") == namespace


def test_each_reference_once() -> None:
    twice = [obj("Deployment"), obj("Deployment", "default-ns")]
    refs = object_refs(twice, default_namespace="default-ns", namespaced=scope)
    assert len(refs) == 1


@pytest.mark.parametrize(
    ("metadata", "fingerprint"),
    [
        ({"uid": "u", "generation": 3, "resourceVersion": "9"}, ("u", "3")),
        ({"uid": "u", "resourceVersion": "9"}, ("u", "rv:9")),
        ({"uid": "u", "generation": 0, "resourceVersion": "9"}, ("u", "rv:9")),
        ({}, ("", "rv:")),
    ],
)
def test_fingerprints(metadata: dict[str, Any], fingerprint: tuple[str, str]) -> None:
    assert owned_fingerprint({"metadata": metadata}) == fingerprint
