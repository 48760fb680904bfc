"""The account of a project in a cluster: made and kept before each use, taken with the last one.

There is no loop that looks after it: every step of Helm asks for it first, so what a
project lost is gone before its next chart is rendered.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from fleet.errors import ProjectStateError
from fleet.grants import objects
from fleet.grants.objects import Difference, Grant
from fleet.grants.project_account import STORAGE, ProjectAccount, grants
from fleet.kube import Kube, ObjectRef
from fleet.kube_errors import Forbidden, NotFound
from fleet.projects.objects import PROJECT

Json = dict[str, Any]

_FIELD_MANAGER = "kubecarrier"
_EFFECTIVE_SECONDS = 5.0
_POLL_SECONDS = 0.05
_ASKED = 5


def ensure(kube: Kube, account: ProjectAccount, namespace: str) -> None:
    """Bring the account to what its project allows, and wait until the cluster lets it act.

    Three lists when all is as wanted. Raises ProjectStateError, KubeError.
    """
    wished = _wished(kube, account)
    difference, before = _difference(kube, account, wished)
    if difference.foreign:
        text = f"{difference.foreign[0]} is there and is not ours; it is left alone."
        raise ProjectStateError("project_account_foreign", text)
    take(kube, difference)
    written = [obj for obj in difference.write if _put(kube, obj, needed=namespace)]
    if written:
        _await(kube, list(_questions(wished, before, namespace)))


def stands(kube: Kube, account: ProjectAccount, namespace: str) -> bool:
    """Whether it is as wanted and may act in `namespace`; changes nothing."""
    if namespace not in account.namespaces:
        return False
    difference, _ = _difference(kube, account, _wished(kube, account))
    return not any(_concerns(obj, namespace) for obj in difference.write)


def remove(kube: Kube, *, project: str, mark: str) -> None:
    """Take everything from the cluster that the account of a project has there."""
    present = _present(kube, project, mark)
    take(kube, objects.compare({}, present, mark))


def take(kube: Kube, difference: Difference) -> None:
    """Delete what is too many, each only as the object that was looked at."""
    for obj in difference.delete:
        try:
            kube.delete(objects.ref_of(obj), uid=obj["metadata"]["uid"])
        except NotFound:
            continue


def _wished(kube: Kube, account: ProjectAccount) -> list[Grant]:
    kube.discovery.forget()  # a kind that was installed a moment ago is part of the project
    served = kube.resources()
    if not served:
        raise ProjectStateError(
            "discovery_too_old",
            "The cluster does not list what it serves in one document (Kubernetes before 1.30),"
            " so a project's charts cannot be bounded there.",
        )
    return grants(account, served)


def _difference(
    kube: Kube, account: ProjectAccount, wished: list[Grant]
) -> tuple[Difference, dict[ObjectRef, Json]]:
    want = {ref: obj for grant in wished for ref, obj in objects.wanted(grant).items()}
    present = _present(kube, account.project, account.mark)
    for ref in want.keys() - present.keys():
        try:
            present[ref] = kube.get(ref)
        except NotFound:
            continue
    return objects.compare(want, present, account.mark), present


def _present(kube: Kube, project: str, mark: str) -> dict[ObjectRef, Json]:
    """What carries the labels and the mark of the project's account."""
    selector = f"{objects.SELECTOR},{PROJECT}={project}"
    return {
        objects.ref_of(obj): obj
        for kind in objects.KINDS
        for obj in kube.list(kube.resource_for(objects.API_VERSION, kind), label_selector=selector)
        if objects.is_of(obj, mark)
    }


def _put(kube: Kube, obj: Json, *, needed: str) -> bool:
    """Whether it was written: another namespace that is going, or gone, is no hindrance."""
    try:
        kube.apply(obj, field_manager=_FIELD_MANAGER, force=True)
    except (NotFound, Forbidden):
        if _concerns(obj, needed):
            raise
        return False
    return True


def _concerns(obj: Json, namespace: str) -> bool:
    return bool(obj["metadata"].get("namespace", namespace) == namespace)


def _questions(
    wished: list[Grant], before: dict[ObjectRef, Json], namespace: str
) -> Iterator[Json]:
    """What the cluster must answer with yes before the account is used: that it may store, and what is new."""
    for grant in wished:
        where = "" if grant.namespaces is None else namespace
        role = before.get(ObjectRef(objects.API_VERSION, "ClusterRole", "", grant.object_name), {})
        fresh = [rule for rule in grant.rules if rule not in (role.get("rules") or [])]
        for rule in [STORAGE, *fresh[:_ASKED]] if where else fresh[:_ASKED]:
            yield objects.review(grant.subjects[0], rule, where)


def _await(kube: Kube, questions: list[Json]) -> None:
    """The authorizer follows its own watch of what was written."""
    end = time.monotonic() + _EFFECTIVE_SECONDS
    for question in questions:
        while not (kube.create(question).get("status") or {}).get("allowed"):
            if time.monotonic() > end:
                text = "The cluster does not let the project's account act yet."
                raise ProjectStateError("project_account_not_effective", text)
            time.sleep(_POLL_SECONDS)
