"""What a grant puts into a cluster, and how what is there differs from it. Pure.

ClusterRole and ClusterRoleBinding for a whole cluster; ClusterRole and a RoleBinding
in each namespace otherwise. All carry the owner mark, and nothing without it is touched.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fleet.resource import ObjectRef

Json = dict[str, Any]

API_VERSION = "rbac.authorization.k8s.io/v1"
GROUP = "rbac.authorization.k8s.io"
MANAGED_BY = "app.kubernetes.io/managed-by"
SELECTOR = f"{MANAGED_BY}=kubecarrier"
OWNER = "kubecarrier.io/owner"
KINDS = ("ClusterRole", "ClusterRoleBinding", "RoleBinding")
# Not taken for a difference: the server fills these in.
_SERVER_FIELDS = ("apiGroup",)


@dataclass(frozen=True, slots=True)
class Grant:
    """What a binding wants on one cluster; `namespaces` None: in all of it.

    `labels` are further ones, by which its objects are found.
    """

    name: str
    owner: str
    rules: Sequence[Mapping[str, Any]]
    subjects: Sequence[Mapping[str, str]]
    namespaces: Sequence[str] | None
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def object_name(self) -> str:
        """The name of each of its objects."""
        return f"kubecarrier:{self.name}"


def owner_of(binding_id: Any) -> str:
    """The owner mark of everything that a binding makes in a cluster."""
    return f"binding/{binding_id}"


def wanted(grant: Grant) -> dict[ObjectRef, Json]:
    """Every object of the grant."""
    found = [_object(grant, "ClusterRole", "", {"rules": [dict(rule) for rule in grant.rules]})]
    bound = {
        "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": grant.object_name},
        "subjects": [_subject(subject) for subject in grant.subjects],
    }
    if grant.namespaces is None:
        found.append(_object(grant, "ClusterRoleBinding", "", bound))
    else:
        found += [_object(grant, "RoleBinding", one, bound) for one in grant.namespaces]
    return {ref_of(obj): obj for obj in found}


def _subject(subject: Mapping[str, str]) -> Json:
    """People and groups are names of the authorizer's; a service account is an object of the core."""
    if subject["kind"] == "ServiceAccount":
        return dict(subject)
    return {"apiGroup": GROUP, **subject}


def _object(grant: Grant, kind: str, namespace: str, body: Json) -> Json:
    metadata: Json = {
        "name": grant.object_name,
        "labels": {MANAGED_BY: "kubecarrier", **grant.labels},
        "annotations": {OWNER: grant.owner},
    }
    if namespace:
        metadata["namespace"] = namespace
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, **body}


def ref_of(obj: Mapping[str, Any]) -> ObjectRef:
    """Which object this is."""
    metadata = obj["metadata"]
    return ObjectRef(
        API_VERSION, str(obj["kind"]), str(metadata.get("namespace") or ""), str(metadata["name"])
    )


def is_of(obj: Mapping[str, Any], owner: str) -> bool:
    """Whether an object carries that owner mark and our label."""
    metadata = obj.get("metadata") or {}
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    return bool(labels.get(MANAGED_BY) == "kubecarrier" and annotations.get(OWNER) == owner)


@dataclass(frozen=True, slots=True)
class Difference:
    """What has to be done: objects to write, to delete, and what stands in the way."""

    write: tuple[Json, ...] = ()
    delete: tuple[Json, ...] = ()
    foreign: tuple[ObjectRef, ...] = ()
    said: tuple[str, ...] = ()

    @property
    def nothing(self) -> bool:
        return not (self.write or self.delete or self.foreign)


def compare(
    want: Mapping[ObjectRef, Json], present: Mapping[ObjectRef, Json], owner: str
) -> Difference:
    """`present` is what carries the owner mark, and whatever else has one of the wanted names."""
    write, foreign, said = [], [], []
    for ref, obj in want.items():
        live = present.get(ref)
        if live is None:
            write.append(obj)
            said.append(f"{ref} is missing")
        elif not is_of(live, owner):
            foreign.append(ref)
        elif fields := differing(obj, live):
            write.append(obj)
            said.append(f"{ref} differs in {', '.join(fields)}")
    gone = [o for ref, o in present.items() if ref not in want and is_of(o, owner)]
    said += [f"{ref_of(obj)} is too many" for obj in gone]
    return Difference(tuple(write), tuple(gone), tuple(foreign), tuple(said))


def differing(obj: Json, live: Mapping[str, Any]) -> list[str]:
    """The parts of one object that differ: an added subject is as much as a missing one."""
    keys = [key for key in ("rules", "roleRef", "subjects") if key in obj]
    return [key for key in keys if _plain(obj[key]) != _plain(live.get(key))]


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in sorted(value.items()) if v and k not in _SERVER_FIELDS}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def reviews(grant: Grant, *, limit: int = 20) -> Iterable[Json]:
    """SubjectAccessReviews that must be allowed: each subject, the first rule, where it holds."""
    rule = grant.rules[0]
    where = [""] if grant.namespaces is None else list(grant.namespaces)
    asked = 0
    for subject in grant.subjects:
        for namespace in where:
            if asked >= limit:
                return
            asked += 1
            yield review(subject, rule, namespace)


def review(subject: Mapping[str, str], rule: Mapping[str, Any], namespace: str) -> Json:
    """One SubjectAccessReview. A group is asked for with a person that nobody is."""
    spec: Json = {"user": "kubecarrier:nobody"}
    if subject["kind"] == "User":
        spec["user"] = subject["name"]
    elif subject["kind"] == "ServiceAccount":
        spec["user"] = f"system:serviceaccount:{subject['namespace']}:{subject['name']}"
    else:
        spec["groups"] = [subject["name"]]
    if urls := rule.get("nonResourceURLs"):
        spec["nonResourceAttributes"] = {"path": urls[0], "verb": rule["verbs"][0]}
    else:
        resource, _, sub = rule["resources"][0].partition("/")
        attributes = {
            "group": rule["apiGroups"][0], "resource": resource, "subresource": sub,
            "verb": rule["verbs"][0], "namespace": namespace,
            "name": (rule.get("resourceNames") or [""])[0],
        }  # fmt: skip
        spec["resourceAttributes"] = {key: value for key, value in attributes.items() if value}
    return {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": spec,
    }
