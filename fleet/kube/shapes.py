"""What goes to an API server and comes back, as values: queries, pages, references. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from fleet.kube_errors import Invalid, ServerError
from fleet.resource import ObjectRef, Resource

Json = dict[str, Any]
Query = dict[str, str | int | None]


@dataclass(frozen=True, slots=True)
class ListPage:
    """One page. `continue_token` is "" on the last; `remaining` None: the server cannot tell."""

    items: tuple[Json, ...]
    resource_version: str
    continue_token: str
    remaining: int | None


def with_query(path: str, query: Query | None) -> str:
    """The path with what of the query is given."""
    given = {name: value for name, value in (query or {}).items() if value is not None}
    return f"{path}?{urlencode(given)}" if given else path


def page_of(document: Json, resource: Resource) -> ListPage:
    """Items of a list carry no apiVersion and kind, or those of the metadata form: set ours."""
    items = document.get("items", ...)
    if items is ... or not str(document.get("kind", "")).endswith("List"):
        raise ServerError("The answer is no list.")
    metadata = document.get("metadata") or {}
    named = {"apiVersion": resource.api_version, "kind": resource.kind}
    return ListPage(
        items=tuple({**item, **named} for item in items or ()),
        resource_version=str(metadata.get("resourceVersion") or ""),
        continue_token=str(metadata.get("continue") or ""),
        remaining=metadata.get("remainingItemCount"),
    )


def unseen(page: ListPage, seen: set[str]) -> Iterator[Json]:
    """The items of a page that no earlier page had."""
    for item in page.items:
        uid = str(item.get("metadata", {}).get("uid") or "")
        if uid and uid in seen:
            continue
        seen.add(uid)
        yield item


def is_bound(body: Any) -> bool:
    """Whether a write names the uid of what it changes: no other cluster has such an object."""
    if not isinstance(body, dict):
        return False
    options = body.get("deleteOptions") or body
    conditions = options.get("preconditions") or {}
    return bool(conditions.get("uid") or (body.get("metadata") or {}).get("uid"))


def ref_of(obj: Json, *, named: bool = True) -> ObjectRef:
    """The reference that an object holds; raises Invalid where it is incomplete."""
    metadata = obj.get("metadata") or {}
    name = str(metadata.get("name") or "")
    if not obj.get("apiVersion") or not obj.get("kind") or (named and not name):
        raise Invalid("An object needs apiVersion, kind and name.", code="kube_object_incomplete")
    return ObjectRef(
        str(obj["apiVersion"]), str(obj["kind"]), str(metadata.get("namespace") or ""), name
    )


def secret_values(body: Any) -> list[str]:
    """Values of a Secret that is being written: a server may quote them when it refuses."""
    if not isinstance(body, dict):
        return []
    parts = [body.get("data"), body.get("stringData")] if body.get("kind") == "Secret" else []
    return [str(value) for part in parts if isinstance(part, dict) for value in part.values()]


def eviction(pod: ObjectRef, uid: str, grace_period_seconds: int | None) -> Json:
    """The body that evicts exactly this pod."""
    options: Json = {"preconditions": {"uid": uid}}
    if grace_period_seconds is not None:
        options["gracePeriodSeconds"] = grace_period_seconds
    return {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": pod.name, "namespace": pod.namespace},
        "deleteOptions": options,
    }


def token_request(seconds: int) -> Json:
    """The body that asks for a token for the server's own audience."""
    return {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {"expirationSeconds": seconds},
    }


def token_of(made: Json) -> tuple[str, datetime]:
    """The token of a TokenRequest and its end; raises ServerError where there is none."""
    status = made.get("status") or {}
    try:
        return str(status["token"]), datetime.fromisoformat(str(status["expirationTimestamp"]))
    except (KeyError, ValueError) as error:
        raise ServerError("The answer holds no token.") from error
