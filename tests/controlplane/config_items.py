"""Config items in real clusters: the words in which their tests speak."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from fleet import addresses
from fleet.kube import Kube
from fleet.models import Cluster
from fleet.queries import connection_of
from fleet.watching.configs import ConfigWatcher
from kubecarrier.lib.watching import Event, EventType
from tests.portal import Portal
from tools.controlplane import ControlPlane

Json = dict[str, Any]


def save(portal: Portal, name: str, namespace: str, code: int = 201, **more: Any) -> Json:
    """Save a config item on both clusters, unless told otherwise."""
    spec = {
        "namespaces": [namespace],
        "data": {"color": "blue", "size": "1"},
        "placement": {"clusters": ["one", "two"]},
        **more,
    }
    return portal.call("put", f"configitems/{name}", {"spec": spec}, code=code)


def hear() -> None:
    """What a watch's first list tells the controller, for every cluster that answers."""
    watcher = ConfigWatcher()
    for cluster in Cluster.objects.all():
        kube = Kube(addresses.guarded(connection_of(cluster), addresses.policy()))
        events = []
        for spec in watcher.specs(cluster.pk):
            resource = kube.resource_for(spec.api_version, spec.kind)
            listed = list(
                kube.list(resource, label_selector=spec.label_selector, metadata_only=True)
            )
            events += [Event(EventType.ADDED, spec, obj, initial=True) for obj in listed]
            present = frozenset((o["metadata"]["namespace"], o["metadata"]["name"]) for o in listed)
            events.append(Event(EventType.LISTED, spec, present=present))
        watcher.changed(cluster.pk, events)


def found(kubectl: Any, plane: ControlPlane, namespace: str, name: str, kind: str = "cm") -> Json:
    """The object as kubectl shows it; {} where it is not."""
    text = kubectl(
        *("get", kind, name, "-n", namespace, "-o", "json", "--ignore-not-found"),
        "--show-managed-fields",
        cluster=plane,
    )
    return dict(json.loads(text)) if text.strip() else {}


def data(kubectl: Any, plane: ControlPlane, namespace: str, name: str, kind: str = "cm") -> Json:
    """The object's data."""
    return dict(found(kubectl, plane, namespace, name, kind).get("data") or {})


def edit(
    kubectl: Any, plane: ControlPlane, namespace: str, name: str, **values: str | None
) -> None:
    """Somebody changes keys of a config map by hand."""
    patch = json.dumps({"data": values})
    kubectl("patch", "cm", name, "-n", namespace, "--type=merge", "-p", patch, cluster=plane)


def writes(plane: ControlPlane, namespace: str, name: str) -> Counter[str]:
    """What our portal did to an object, by verb, as the API server's audit log has it."""
    done: Counter[str] = Counter()
    for line in plane.audit_log.read_text().splitlines():
        entry = json.loads(line)
        ref = entry.get("objectRef") or {}
        if (ref.get("namespace"), ref.get("name")) != (namespace, name):
            continue
        if entry.get("stage") != "ResponseComplete" or entry.get("userAgent") != "kubecarrier":
            continue
        if entry["responseStatus"]["code"] < 300:
            done[entry["verb"]] += 1
    return done
