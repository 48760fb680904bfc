"""What the inventory keeps of an object, as tables."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.inventory.jsonpath import value_at
from fleet.inventory.shapes import Shape

OBJ: dict[str, Any] = {
    "metadata": {"name": "site", "annotations": {"a.b/c": "dotted"}},
    "spec": {"names": ["one", "two"], "issuer": {"name": "acme"}, "replicas": 3},
    "status": {
        "conditions": [
            {"type": "Ready", "status": "True"},
            {"type": "Issuing", "status": "False"},
        ]
    },
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (".spec.issuer.name", "acme"),
        ("{.spec.issuer.name}", "acme"),
        ("$.spec.replicas", 3),
        (".spec.names[1]", "two"),
        (".spec.names[-1]", "two"),
        (".spec.names[5]", None),
        (".spec.names[*]", "one"),
        (r".metadata.annotations.a\.b/c", "dotted"),
        (".metadata.annotations['a.b/c']", "dotted"),
        ('.status.conditions[?(@.type=="Ready")].status', "True"),
        ("""[?(@.type == 'Ready')].status""", None),
        ('.status.conditions[?(@.type == "Issuing")].status', "False"),
        ('.status.conditions[?(@.type=="None")].status', None),
        (".spec.missing.deeper", None),
        ("..spec", None),
        (".spec.names[?(@ > 1)]", None),
        ("", OBJ),
    ],
)
def test_paths_of_printer_columns(path: str, value: Any) -> None:
    assert value_at(OBJ, path) == value


@given(st.text(max_size=80))
def test_any_path_gives_something_or_nothing(path: str) -> None:
    value_at(OBJ, path)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["spec", "status", "conditions", "type", "containers", "data", "a"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(
    st.sampled_from(
        ["Pod", "Deployment", "Job", "Service", "Ingress", "Node", "Secret", "PersistentVolume",
         "CustomResourceDefinition", "HorizontalPodAutoscaler", "Certificate"]
    ),
    st.fixed_dictionaries({"spec": _JSON, "status": _JSON, "data": _JSON}),
)  # fmt: skip
def test_no_form_of_an_object_stops_a_watch(kind: str, parts: dict[str, Any]) -> None:
    group = {
        "Deployment": "apps/v1",
        "Job": "batch/v1",
        "Ingress": "networking.k8s.io/v1",
        "CustomResourceDefinition": "apiextensions.k8s.io/v1",
        "HorizontalPodAutoscaler": "autoscaling/v2",
        "Certificate": "cert-manager.io/v1",
    }.get(kind, "v1")
    shape = Shape(
        group, kind, (("Ready", ".status.conditions[0].type"),) if kind == "Certificate" else ()
    )
    found = shape({"metadata": {"name": "x", "uid": "u"}, **parts})
    assert found["metadata"]["name"] == "x"
    assert len(found["health"]) == 3


def test_a_pod_in_few_bytes() -> None:
    pod = {
        "metadata": {
            "name": "web-1", "namespace": "shop", "uid": "u", "labels": {"app": "web"},
            "managedFields": [{"manager": "x" * 1000}], "annotations": {"a": "x" * 1000},
            "ownerReferences": [
                {"kind": "Other", "name": "o", "uid": "1"},
                {"kind": "ReplicaSet", "name": "web", "uid": "2", "controller": True},
            ],
        },
        "spec": {"nodeName": "n1", "containers": [{"image": "nginx", "env": [{"value": "x" * 500}]}]},
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [{"ready": True, "restartCount": 2, "state": {"running": {}}}],
        },
    }  # fmt: skip
    found = Shape("v1", "Pod")(pod)
    assert found["owner"] == {"kind": "ReplicaSet", "name": "web", "uid": "2"}
    assert found["columns"] == {
        "ready": "1/1",
        "status": "Running",
        "restarts": 2,
        "node": "n1",
        "images": ["nginx"],
    }
    assert found["health"][0] == "Healthy"
    assert len(str(found)) < 700
