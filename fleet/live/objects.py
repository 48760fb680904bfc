"""Single objects: read, with their events, and a Secret's values revealed as an act of its own."""

from __future__ import annotations

import base64
import binascii
from dataclasses import replace
from typing import Any

from fleet.kube import Kube, ListPage, ObjectRef, Resource
from fleet.kube_errors import NotFound
from fleet.live.session import Session
from fleet.live.shown import shown
from fleet.live.tables import Query, fresh_token
from kubecarrier.lib.errors import InvalidError, NotFoundError

Json = dict[str, Any]

_EVENTS = Resource("", "v1", "events", "Event", namespaced=True)
_EVENTS_SHOWN = 200


def ref_of(kind: Resource, *, namespace: str, name: str) -> ObjectRef:
    """The object that a path names; raises InvalidError where the namespace does not fit the kind."""
    if kind.namespaced and not namespace:
        raise InvalidError(
            "namespace_missing", f"{kind.kind} needs a namespace.", field="namespace"
        )
    if not kind.namespaced and namespace:
        raise InvalidError(
            "namespace_superfluous", f"{kind.kind} stands in no namespace.", field="namespace",
            hint="Write - in the path.",
        )  # fmt: skip
    return ObjectRef(kind.api_version, kind.kind, namespace, name)


def live_object(kube: Kube, kind: Resource, ref: ObjectRef) -> Json:
    """As the server has it, values of secrets and all: for the inside only.

    Raises NotFoundError with a sentence for people; the server names the plural.
    """
    try:
        return kube.get(kind.path(namespace=ref.namespace, name=ref.name))
    except NotFound as error:
        raise NotFoundError("kube_not_found", f"There is no {ref}.", status=404) from error


def resource_object(
    session: Session, kind: Resource, ref: ObjectRef, *, managed_fields: bool = False
) -> Json:
    """One object for people; raises NotFoundError."""
    session.require("resources.view")
    with session.doing(f"get {ref}", namespace=ref.namespace):
        found = live_object(session.kube, kind, ref)
    return shown(found, managed_fields=managed_fields)


def resource_page(
    session: Session, kind: Resource, query: Query, *, managed_fields: bool = False
) -> ListPage:
    """A page of whole objects for people; `query.search` is not for these."""
    session.require("resources.view")
    with session.doing(f"list {kind.plural}"), fresh_token():
        page = session.kube.list_page(
            kind,
            namespace=query.namespace or None,
            label_selector=query.label_selector or None,
            field_selector=query.field_selector or None,
            limit=query.limit,
            continue_token=query.continue_token,
        )
    items = tuple(shown(item, managed_fields=managed_fields) for item in page.items)
    return replace(page, items=items)


def resource_events(session: Session, kind: Resource, ref: ObjectRef) -> list[Json]:
    """The object's events, the newest first; at most 200."""
    session.require("resources.view")
    with session.doing(f"list events of {ref}", namespace=ref.namespace):
        obj = live_object(session.kube, kind, ref)
        selector = f"involvedObject.uid={obj['metadata']['uid']}"
        page = session.kube.list_page(
            _EVENTS,
            namespace=ref.namespace or None,
            field_selector=selector,
            limit=_EVENTS_SHOWN,
        )
    return sorted((_event(item) for item in page.items), key=_when, reverse=True)


def resource_reveal(session: Session, kind: Resource, ref: ObjectRef) -> dict[str, str]:
    """The values of a Secret as text (base64 where they are none); on record before they are seen.

    Raises DeniedError, and InvalidError for what is no Secret.
    """
    session.require("resources.reveal")
    if (kind.group, kind.kind) != ("", "Secret"):
        raise InvalidError("not_a_secret", "Only a Secret has values to reveal.", field="kind")
    with session.doing(f"reveal {ref}", namespace=ref.namespace):
        found = live_object(session.kube, kind, ref)
    session.on_record("resource-reveal", f"reveal {ref}", namespace=ref.namespace)
    return {name: _text(value) for name, value in sorted((found.get("data") or {}).items())}


def _text(encoded: Any) -> str:
    try:
        return base64.b64decode(str(encoded), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return f"base64:{encoded}"


def _event(item: Json) -> Json:
    series = item.get("series") or {}
    metadata = item.get("metadata") or {}
    source = item.get("source") or {}
    last = series.get("lastObservedTime") or item.get("lastTimestamp") or item.get("eventTime")
    return {
        "type": item.get("type") or "",
        "reason": item.get("reason") or "",
        "message": item.get("message") or "",
        "count": series.get("count") or item.get("count") or 1,
        "source": item.get("reportingComponent") or source.get("component") or "",
        "firstAt": item.get("firstTimestamp")
        or item.get("eventTime")
        or metadata["creationTimestamp"],
        "lastAt": last or metadata["creationTimestamp"],
    }


def _when(event: Json) -> str:
    return str(event["lastAt"])
