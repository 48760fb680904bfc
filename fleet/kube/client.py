"""`Kube`: what can be asked of, and done to, one cluster."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import orjson

from fleet.connection import Connection
from fleet.kube.answers import error_of, object_of
from fleet.kube.discovery import AGGREGATED, Discovery, discovery_of
from fleet.kube.identity import Identity
from fleet.kube.shapes import (
    ListPage,
    Query,
    eviction,
    is_bound,
    page_of,
    ref_of,
    secret_values,
    token_of,
    token_request,
    unseen,
    with_query,
)
from fleet.kube.transport import RESPONSE_LIMIT_BYTES, Answer, Budget, transport_for
from fleet.kube_errors import AnotherCluster, Gone, Invalid
from fleet.resource import ObjectRef, Resource

Json = dict[str, Any]

_JSON = "application/json"
IDENTITY_PATH = "/api/v1/namespaces/kube-system"
_METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
_METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
_TABLE = "application/json;as=Table;g=meta.k8s.io;v=v1,application/json"


class PatchType(StrEnum):
    """The media type of a patch."""

    MERGE = "application/merge-patch+json"
    JSON = "application/json-patch+json"
    STRATEGIC = "application/strategic-merge-patch+json"
    APPLY = "application/apply-patch+yaml"


class Propagation(StrEnum):
    """What becomes of the dependents of a deleted object."""

    BACKGROUND = "Background"
    FOREGROUND = "Foreground"
    ORPHAN = "Orphan"


@dataclass(frozen=True, slots=True)
class ApplyResult:
    """The object after a server-side apply; `created` when it was not there before."""

    obj: Json
    created: bool


class Kube:
    """One API server, as one identity. Cheap to make: pools and TLS contexts are shared.

    Every call raises `fleet.kube_errors` and ends within `budget.total` seconds.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        budget: Budget | None = None,
        user_agent: str = "kubecarrier",
        identity: Identity | None = None,
        discovery: Discovery | None = None,
    ) -> None:
        self.connection = connection
        self.budget = budget or Budget()
        self.user_agent = user_agent
        self.identity = identity
        self.discovery = discovery or discovery_of(connection)
        self._secrets = connection.secrets()
        self._verified = not connection.cluster_uid

    def acting_as(self, identity: Identity) -> Kube:
        """The same server with a person's rights; every call of the result carries the identity."""
        return Kube(
            self.connection,
            budget=self.budget,
            user_agent=self.user_agent,
            identity=identity,
            discovery=self.discovery,
        )

    # --- the server ----------------------------------------------------------------------

    def verify(self) -> None:
        """Raises AnotherCluster unless the very cluster answers; asked once per door.

        Called before the first write that names no uid: what was imported may
        have been replaced behind its address since the last probe.
        """
        if self._verified:
            return
        portal = Kube(self.connection, budget=self.budget, user_agent=self.user_agent)
        found = portal.get(IDENTITY_PATH, metadata_only=True)["metadata"]["uid"]
        if found != self.connection.cluster_uid:
            raise AnotherCluster("Another cluster answers at this address.")
        self._verified = True

    def version(self) -> Json:
        """`gitVersion`, `platform`, `major`, `minor` and more."""
        return self.get("/version")

    def ready(self) -> bool:
        """Whether the server calls itself ready; no answer at all raises."""
        answer = self._send("GET", "/readyz", accept="text/plain")
        if answer.status in (200, 500, 503):
            return answer.status == 200
        raise error_of(answer, self._secrets)

    def resource_for(self, api_version: str, kind: str) -> Resource:
        """Raises UnknownKind. Remembered for ten minutes; a miss asks the server."""
        return self.discovery.resource(self._get_as, api_version, kind)

    def resources(self) -> tuple[Resource, ...]:
        """Every kind in the aggregated discovery document (empty on servers without one)."""
        return tuple(self.discovery.table(self._get_as).values())

    def discovery_documents(self) -> tuple[Json, Json]:
        """The aggregated discovery of `/api` and of `/apis`, as the server gives it now."""
        api = self._get_as("/api", accept=AGGREGATED)
        return api, self._get_as("/apis", accept=AGGREGATED)

    # --- reading -------------------------------------------------------------------------

    def get(self, target: str | ObjectRef, *, metadata_only: bool = False) -> Json:
        """An object by reference, or whatever JSON object is at a path such as `/version`."""
        path = target if isinstance(target, str) else self._path(target)
        return self._get_as(path, accept=_METADATA if metadata_only else _JSON)

    def text(
        self, path: str, *, query: Query | None = None, limit_bytes: int = 4 * 1024 * 1024
    ) -> str:
        """Plain text (logs, /metrics), at most `limit_bytes`; undecodable bytes are replaced."""
        answer = self._send("GET", path, query=query, accept="*/*", limit_bytes=limit_bytes)
        if answer.status != 200:
            raise error_of(answer, self._secrets)
        return answer.body.decode("utf-8", "replace")

    def list_page(
        self,
        resource: Resource,
        *,
        namespace: str | None = None,
        label_selector: str | None = None,
        field_selector: str | None = None,
        limit: int = 500,
        continue_token: str = "",
        metadata_only: bool = False,
    ) -> ListPage:
        """One page; raises Gone when `continue_token` is too old."""
        query: Query = {
            "limit": limit or None,
            "labelSelector": label_selector,
            "fieldSelector": field_selector,
            "continue": continue_token or None,
        }
        path = resource.path(namespace=namespace or "")
        accept = _METADATA_LIST if metadata_only else _JSON
        return page_of(self._get_as(path, accept=accept, query=query), resource)

    def table(
        self,
        resource: Resource,
        *,
        namespace: str | None = None,
        name: str = "",
        label_selector: str | None = None,
        field_selector: str | None = None,
        limit: int = 500,
        continue_token: str = "",
    ) -> Json:
        """One page as the server's own Table (its printer columns); rows carry metadata only.

        A List where an aggregated server knows no tables. Raises Gone as `list_page` does.
        """
        query: Query = {"includeObject": "Metadata"}
        if not name:
            query |= {
                "limit": limit or None,
                "labelSelector": label_selector,
                "fieldSelector": field_selector,
                "continue": continue_token or None,
            }
        path = resource.path(namespace=namespace or "", name=name)
        return self._get_as(path, accept=_TABLE, query=query)

    def list(
        self,
        resource: Resource,
        *,
        namespace: str | None = None,
        label_selector: str | None = None,
        field_selector: str | None = None,
        limit: int = 500,
        metadata_only: bool = False,
    ) -> Iterator[Json]:
        """Every object, page by page, each once; any failed page raises in the middle.

        When the continue token has become too old (410) the list is started
        again once and what was given already is left out: such an object may
        have been seen in an older state. The budget counts per page.
        """
        seen: set[str] = set()
        restarted, token = False, ""
        while True:
            try:
                page = self.list_page(
                    resource,
                    namespace=namespace,
                    label_selector=label_selector,
                    field_selector=field_selector,
                    limit=limit,
                    continue_token=token,
                    metadata_only=metadata_only,
                )
            except Gone:
                if restarted or not token:
                    raise
                restarted, token = True, ""
                continue
            yield from unseen(page, seen)
            token = page.continue_token
            if not token:
                return

    # --- writing -------------------------------------------------------------------------

    def create(self, obj: Json, *, field_manager: str | None = None, dry_run: bool = False) -> Json:
        """POST; raises AlreadyExists. `generateName` is allowed."""
        ref = ref_of(obj, named=False)
        path = self._resource(ref).path(namespace=ref.namespace)
        query: Query = {"fieldManager": field_manager, "dryRun": "All" if dry_run else None}
        return self._write("POST", path, obj, query=query, content_type=_JSON)

    def apply(
        self, obj: Json, *, field_manager: str, force: bool = False, dry_run: bool = False
    ) -> ApplyResult:
        """Server-side apply. Without `force` fields of other managers raise Conflict.fields."""
        query: Query = {
            "fieldManager": field_manager,
            "force": "true" if force else None,
            "dryRun": "All" if dry_run else None,
        }
        path, content = self._path(ref_of(obj)), PatchType.APPLY
        answer = self._send("PATCH", path, query=query, body=obj, content_type=content)
        return ApplyResult(object_of(answer, self._secrets_of(obj)), created=answer.status == 201)

    def patch(
        self,
        ref: ObjectRef,
        patch: Any,
        *,
        patch_type: PatchType = PatchType.MERGE,
        subresource: str = "",
        field_manager: str | None = None,
        dry_run: bool = False,
    ) -> Json:
        """Merge or strategic patch (a dict) or JSON patch (a list of operations)."""
        path = self._path(ref, subresource=subresource)
        query: Query = {"fieldManager": field_manager, "dryRun": "All" if dry_run else None}
        answer = self._send("PATCH", path, query=query, body=patch, content_type=patch_type)
        named = {**patch, "kind": ref.kind} if isinstance(patch, dict) else patch
        return object_of(answer, self._secrets_of(named))

    def replace(
        self,
        obj: Json,
        *,
        field_manager: str | None = None,
        subresource: str = "",
        dry_run: bool = False,
    ) -> Json:
        """PUT; raises Conflict when the object's resourceVersion is not the present one."""
        path = self._path(ref_of(obj), subresource=subresource)
        query: Query = {"fieldManager": field_manager, "dryRun": "All" if dry_run else None}
        return self._write("PUT", path, obj, query=query, content_type=_JSON)

    def delete(
        self,
        ref: ObjectRef,
        *,
        propagation: Propagation = Propagation.BACKGROUND,
        uid: str | None = None,
        resource_version: str | None = None,
        grace_period_seconds: int | None = None,
        dry_run: bool = False,
    ) -> Json:
        """Raises NotFound when gone, Conflict when it is not the object with that uid or version.

        Returns the server's answer: the object while finalizers keep it, else a Status.
        """
        preconditions = {"uid": uid, "resourceVersion": resource_version}
        options: Json = {
            "kind": "DeleteOptions",
            "apiVersion": "v1",
            "propagationPolicy": str(propagation),
            "preconditions": {name: value for name, value in preconditions.items() if value},
        }
        if grace_period_seconds is not None:
            options["gracePeriodSeconds"] = grace_period_seconds
        if dry_run:
            options["dryRun"] = ["All"]  # with a body the server ignores the query's dryRun
        return self._write("DELETE", self._path(ref), options, query={}, content_type=_JSON)

    def scale(self, ref: ObjectRef, replicas: int) -> Json:
        """Sets `spec.replicas` through the scale subresource; returns the Scale."""
        return self.patch(ref, {"spec": {"replicas": replicas}}, subresource="scale")

    def evict(self, pod: ObjectRef, *, uid: str, grace_period_seconds: int | None = None) -> None:
        """The eviction API: TooManyRequests where a disruption budget holds the pod back.

        Raises NotFound when the pod is gone and Conflict when it is another one by now.
        """
        self._post(pod, "eviction", eviction(pod, uid, grace_period_seconds))

    def token(self, account: ObjectRef, *, seconds: int) -> tuple[str, datetime]:
        """A token of a service account and its end: with the account, or then.

        The server may give less time than was asked for.
        """
        return token_of(self._post(account, "token", token_request(seconds)))

    # --- inside --------------------------------------------------------------------------

    def _post(self, ref: ObjectRef, subresource: str, body: Json) -> Json:
        path = self._path(ref, subresource=subresource)
        return self._write("POST", path, body, query={}, content_type=_JSON)

    def _resource(self, ref: ObjectRef) -> Resource:
        resource = self.resource_for(ref.api_version, ref.kind)
        if resource.namespaced and not ref.namespace:
            raise Invalid(f"{ref.kind} needs a namespace.", code="kube_namespace_missing")
        return resource

    def _path(self, ref: ObjectRef, *, subresource: str = "") -> str:
        """A reference without name would be the whole collection: refused."""
        if not ref.name:
            raise Invalid(f"{ref.kind} needs a name.", code="kube_name_missing")
        return self._resource(ref).path(
            namespace=ref.namespace, name=ref.name, subresource=subresource
        )

    def _get_as(self, path: str, *, accept: str, query: Query | None = None) -> Json:
        return object_of(self._send("GET", path, query=query, accept=accept), self._secrets)

    def _write(self, method: str, path: str, body: Any, *, query: Query, content_type: str) -> Json:
        answer = self._send(method, path, query=query, body=body, content_type=content_type)
        return object_of(answer, self._secrets_of(body))

    def _secrets_of(self, body: Any) -> tuple[str, ...]:
        return (*self._secrets, *secret_values(body))

    def _send(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: Any = None,
        accept: str = _JSON,
        content_type: str = "",
        limit_bytes: int = RESPONSE_LIMIT_BYTES,
    ) -> Answer:
        if method != "GET" and not (is_bound(body) or (query or {}).get("dryRun")):
            self.verify()
        headers = [("Accept", accept), ("User-Agent", self.user_agent)]
        if content_type:
            headers.append(("Content-Type", content_type))
        if self.identity is not None:
            headers += self.identity.headers()
        return transport_for(self.connection).exchange(
            method,
            with_query(path, query),
            headers=headers,
            body=None if body is None else orjson.dumps(body),
            budget=self.budget,
            limit_bytes=limit_bytes,
        )
