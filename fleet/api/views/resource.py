"""Any object of a cluster over REST.

One scheme for every kind: `/clusters/{cluster}/resources/{group}/{version}/{plural}` is the
list, `…/{namespace}/{name}` below it one object. The group without a name is written `core`;
`-` stands for any group, for the preferred version, and for the namespace of kinds that have
none. Instead of the plural the kind, the singular or a short name will do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from fleet.api import live_documents
from fleet.api.serializers import resource as forms
from fleet.api.views.live import ResourceViews
from fleet.kube import PatchType
from fleet.live import actions, bulk, kinds, tables
from fleet.live.objects import (
    ref_of,
    resource_events,
    resource_object,
    resource_page,
    resource_reveal,
)
from fleet.live.owners import resource_owners
from fleet.live.schemas import kind_schema
from fleet.live.writing import Verb, Write, resource_delete, resource_write
from kubecarrier.api import paging
from kubecarrier.api.parameters import query_parameter
from kubecarrier.api.views import validated
from kubecarrier.lib.errors import InvalidError

_PATCHES: dict[str, PatchType] = {
    "application/json": PatchType.MERGE,
    **{str(one): one for one in PatchType},
}
_SECONDS = re.compile(r"[0-9]{1,6}")


DRY = query_parameter("dryRun", "All: answer what the server would make of it, store nothing.")
_FORCE = query_parameter("force", "true takes over fields of other managers (server-side apply).")
_LIST = [
    query_parameter("namespace", "Only there."),
    query_parameter("labelSelector", "Kubernetes' selector syntax."),
    query_parameter(
        "fieldSelector", "Fields that the kind can be selected by, such as metadata.name=x."
    ),
    query_parameter("search", "A part of the name; looks through up to 5000 objects per request."),
    query_parameter("limit", "Rows a page, 1 to 500; 50 unless told."),
    query_parameter("continue", "The token of the page before."),
    query_parameter("objects", "true answers whole objects instead of rows; not with search."),
]


class ResourceKindViewSet(ResourceViews):
    """What a cluster serves, and acts on several objects of any kinds."""

    parameters: ClassVar[Mapping[str, frozenset[str]]] = {"list": frozenset()}
    asks: ClassVar[Mapping[str, tuple[str, ...]]] = {"list": ("resources.view",)}

    @extend_schema(responses={200: forms.ResourceKindListSerializer}, operation_id="resource_kinds")
    def list(self, request: Request, cluster: str) -> Response:
        """Each kind once, in its group's preferred version, as kubectl api-resources does."""
        session = self.session(request, cluster)
        with session.doing("read what the cluster serves"):
            served = session.kube.resources()
        items = [
            live_documents.described(one, kinds.versions_of(served, one))
            for one in kinds.preferred(served)
        ]
        unknown = sorted(session.kube.discovery.stale_groups())
        return Response({"items": items, "unknownGroups": unknown})

    @extend_schema(
        request=forms.ResourceBulkSerializer, parameters=[DRY],
        responses={200: forms.ResourceOutcomeListSerializer}, operation_id="resource_bulk",
    )  # fmt: skip
    def bulk(self, request: Request, cluster: str) -> Response:
        """One act on several objects, each for itself."""
        dry = live_documents.dry_run(request)
        given = validated(forms.ResourceBulkSerializer, request)
        act = bulk.Act(
            given["action"],
            given["replicas"],
            live_documents.propagation(given["propagation"]),
            dry,
        )
        items = [bulk.Item(**one) for one in given["objects"]]
        return live_documents.outcomes(
            bulk.resource_bulk(self.session(request, cluster), items, act)
        )

    @extend_schema(
        request=forms.ResourceApplySerializer, parameters=[DRY],
        responses={200: forms.ResourceOutcomeListSerializer}, operation_id="resource_apply",
    )  # fmt: skip
    def apply(self, request: Request, cluster: str) -> Response:
        """Server-side apply of several documents, in their order, each for itself."""
        dry = live_documents.dry_run(request)
        given = validated(forms.ResourceApplySerializer, request)
        session = self.session(request, cluster)
        found = bulk.resource_apply(session, given["objects"], force=given["force"], dry_run=dry)
        return live_documents.outcomes(found)


class ResourceListViewSet(ResourceViews):
    """The objects of one kind."""

    parameters: ClassVar[Mapping[str, frozenset[str]]] = {
        "list": frozenset(one.name for one in _LIST),
        "schema_": frozenset(),
        "create": frozenset({"dryRun", "namespace"}),
    }
    asks: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "list": ("resources.view",),
        "schema_": ("resources.view",),
        "create": ("resources.create",),
    }

    @extend_schema(
        parameters=_LIST,
        responses={200: forms.ResourceTableSerializer},
        operation_id="resource_list",
    )
    def list(
        self, request: Request, cluster: str, group: str, version: str, plural: str
    ) -> Response:
        """A page, with the columns that the server prints."""
        given = request.query_params
        query = tables.Query(
            namespace=given.get("namespace", ""),
            label_selector=given.get("labelSelector", ""),
            field_selector=given.get("fieldSelector", ""),
            search=given.get("search", "").strip()[:200],
            limit=paging.read_limit(given.get("limit", "")),
            continue_token=given.get("continue", ""),
        )
        whole = live_documents.flag(request, "objects")
        if whole and query.search:
            raise InvalidError("parameter_invalid", "search is for rows.", field="search")
        session = self.session(request, cluster)
        kind = self.served(session, group, version, plural)
        if whole:
            return Response(live_documents.objects(resource_page(session, kind, query)))
        return Response(live_documents.table(kind, tables.resource_table(session, kind, query)))

    @extend_schema(
        request=OpenApiTypes.OBJECT, parameters=[DRY, _LIST[0]],
        responses={201: forms.ResourceWrittenSerializer}, operation_id="resource_create",
    )  # fmt: skip
    def create(
        self, request: Request, cluster: str, group: str, version: str, plural: str
    ) -> Response:
        """Create; 409 when the name is taken."""
        dry, given = live_documents.dry_run(request), request.data
        session = self.session(request, cluster)
        kind = self.served(session, group, version, plural)
        namespace = request.query_params.get("namespace", "")
        body = live_documents.document(given, kind, namespace=namespace)
        metadata = body["metadata"]
        name = str(metadata.get("name") or "")
        if not name and not metadata.get("generateName"):
            raise InvalidError("name_missing", "An object needs a name.", field="metadata.name")
        ref = ref_of(kind, namespace=str(metadata.get("namespace") or ""), name=name)
        return live_documents.written(
            resource_write(session, Write(Verb.CREATE, kind, ref, body), dry_run=dry)
        )

    @extend_schema(responses={200: OpenApiTypes.OBJECT}, operation_id="resource_schema")
    def schema_(
        self, request: Request, cluster: str, group: str, version: str, plural: str
    ) -> Response:
        """The kind's schema as the cluster publishes it, with its references filled in."""
        session = self.session(request, cluster)
        kind = self.served(session, group, version, plural)
        return Response(kind_schema(session, kind).expanded())


class ResourceViewSet(ResourceViews):
    """One object."""

    parameters: ClassVar[Mapping[str, frozenset[str]]] = {
        "retrieve": frozenset({"managedFields", "row"}),
        "events": frozenset(),
        "owners": frozenset(),
        "reveal": frozenset(),
        "partial_update": frozenset({"dryRun", "force"}),
        "destroy": frozenset(
            {"dryRun", "propagationPolicy", "uid", "resourceVersion", "gracePeriodSeconds"}
        ),
    }
    asks: ClassVar[Mapping[str, tuple[str, ...]]] = {
        **dict.fromkeys(("retrieve", "events", "owners"), ("resources.view",)),
        "update": ("resources.edit",),
        "partial_update": ("resources.edit", "resources.create"),
        "destroy": ("resources.delete",),
        "scale": ("resources.scale",),
        "restart": ("resources.restart",),
        **dict.fromkeys(("suspend", "resume"), ("resources.suspend",)),
        "reveal": ("resources.reveal",),
    }

    @extend_schema(
        parameters=[
            query_parameter("managedFields", "true shows field ownership too."),
            query_parameter("row", "true answers the list's columns for this object instead."),
        ],
        responses={200: OpenApiTypes.OBJECT}, operation_id="resource_get",
    )  # fmt: skip
    def retrieve(self, request: Request, **path: str) -> Response:
        """As it stands in the cluster; a Secret's values are fingerprints."""
        managed = live_documents.flag(request, "managedFields")
        row = live_documents.flag(request, "row")
        session, kind, ref = self.one(request, **path)
        if row:
            found = tables.row_of(session, kind, namespace=ref.namespace, name=ref.name)
            return Response(live_documents.table(kind, found))
        obj = resource_object(session, kind, ref, managed_fields=managed)
        version = str(obj["metadata"].get("resourceVersion") or "")
        return Response(obj, headers={"ETag": f'"{version}"'})

    @extend_schema(
        request=OpenApiTypes.OBJECT, parameters=[DRY],
        responses={200: forms.ResourceWrittenSerializer}, operation_id="resource_replace",
    )  # fmt: skip
    def update(self, request: Request, **path: str) -> Response:
        """Replace the whole object; needs the resourceVersion that was read, there or in If-Match."""
        dry, given = live_documents.dry_run(request), request.data
        session, kind, ref = self.one(request, **path)
        body = live_documents.document(given, kind, namespace=ref.namespace, name=ref.name)
        version, if_match = live_documents.version(request, body["metadata"])
        if not version:
            raise InvalidError(
                "resource_version_missing", "Say which version you read.",
                field="metadata.resourceVersion", hint="Or send it as If-Match.",
            )  # fmt: skip
        wish = Write(Verb.REPLACE, kind, ref, body, version=version, if_match=if_match)
        return live_documents.written(resource_write(session, wish, dry_run=dry))

    @extend_schema(
        request=dict.fromkeys(_PATCHES, OpenApiTypes.OBJECT), parameters=[DRY, _FORCE],
        responses={200: forms.ResourceWrittenSerializer, 201: forms.ResourceWrittenSerializer},
        operation_id="resource_patch",
    )  # fmt: skip
    def partial_update(self, request: Request, **path: str) -> Response:
        """Patch by content type: merge, strategic merge, JSON patch, or server-side apply."""
        dry, force = live_documents.dry_run(request), live_documents.flag(request, "force")
        media = (request.content_type or "").partition(";")[0].strip()
        patch_type = _PATCHES.get(media, PatchType.MERGE)
        body: Any = request.data
        if isinstance(body, dict) != (patch_type is not PatchType.JSON):
            raise InvalidError("patch_invalid", "A patch is a mapping, a JSON patch is a list.")
        metadata = body.get("metadata") if isinstance(body, dict) else None
        if not isinstance(metadata, dict | None):
            raise InvalidError("patch_invalid", "metadata is a mapping.", field="metadata")
        session, kind, ref = self.one(request, **path)
        if patch_type is PatchType.APPLY:
            body = live_documents.document(body, kind, namespace=ref.namespace, name=ref.name)
        version, if_match = live_documents.version(request, metadata)
        verb = Verb.APPLY if patch_type is PatchType.APPLY else Verb.PATCH
        wish = Write(verb, kind, ref, body, patch_type, version, if_match, force)
        return live_documents.written(resource_write(session, wish, dry_run=dry))

    @extend_schema(
        parameters=[
            DRY,
            query_parameter("propagationPolicy", "background, foreground or orphan."),
            query_parameter("uid", "Only the object with this uid."),
            query_parameter("resourceVersion", "Only in this version."),
            query_parameter("gracePeriodSeconds", "How long pods may take to end."),
        ],
        responses={200: forms.ResourceActedSerializer}, operation_id="resource_delete",
    )  # fmt: skip
    def destroy(self, request: Request, **path: str) -> Response:
        """Delete; `gone` is false while finalizers or grace keep it."""
        dry, given = live_documents.dry_run(request), request.query_params
        propagation = live_documents.propagation(given.get("propagationPolicy", "background"))
        grace = given.get("gracePeriodSeconds", "")
        if grace and not _SECONDS.fullmatch(grace):
            raise InvalidError("grace_invalid", "A number of seconds.", field="gracePeriodSeconds")
        session, kind, ref = self.one(request, **path)
        version, _ = live_documents.version(
            request, {"resourceVersion": given.get("resourceVersion", "")}
        )
        return Response(
            resource_delete(
                session, kind, ref, propagation=propagation, uid=given.get("uid", ""),
                version=version, grace_period_seconds=int(grace) if grace else None, dry_run=dry,
            )
        )  # fmt: skip

    @extend_schema(
        responses={200: forms.ResourceEventListSerializer}, operation_id="resource_events"
    )
    def events(self, request: Request, **path: str) -> Response:
        """The object's events, the newest first."""
        return Response({"items": resource_events(*self.one(request, **path))})

    @extend_schema(responses={200: forms.ResourceOwnersSerializer}, operation_id="resource_owners")
    def owners(self, request: Request, **path: str) -> Response:
        """Who owns it, and what it owns."""
        return Response(resource_owners(*self.one(request, **path)))

    @extend_schema(
        request=None,
        responses={200: forms.ResourceRevealSerializer},
        operation_id="resource_reveal",
    )
    def reveal(self, request: Request, **path: str) -> Response:
        """The values of a Secret: a permission of its own, and on record."""
        return Response({"data": resource_reveal(*self.one(request, **path))})

    @extend_schema(
        request=forms.ResourceScaleSerializer, parameters=[DRY],
        responses={200: forms.ResourceActedSerializer}, operation_id="resource_scale",
    )  # fmt: skip
    def scale(self, request: Request, **path: str) -> Response:
        """Through the scale subresource."""
        dry = live_documents.dry_run(request)
        given = validated(forms.ResourceScaleSerializer, request)
        one = self.one(request, **path)
        return Response(actions.resource_scale(*one, replicas=given["replicas"], dry_run=dry))

    @extend_schema(
        request=None, parameters=[DRY], responses={200: forms.ResourceActedSerializer},
        operation_id="resource_restart",
    )  # fmt: skip
    def restart(self, request: Request, **path: str) -> Response:
        """The same pods anew, one after the other."""
        dry = live_documents.dry_run(request)
        return Response(actions.resource_restart(*self.one(request, **path), dry_run=dry))

    @extend_schema(
        request=None, parameters=[DRY], responses={200: forms.ResourceActedSerializer},
        operation_id="resource_suspend",
    )  # fmt: skip
    def suspend(self, request: Request, **path: str) -> Response:
        """A CronJob makes no more jobs, a Job loses its pods."""
        dry, one = live_documents.dry_run(request), self.one(request, **path)
        return Response(actions.resource_suspend(*one, suspended=True, dry_run=dry))

    @extend_schema(
        request=None, parameters=[DRY], responses={200: forms.ResourceActedSerializer},
        operation_id="resource_resume",
    )  # fmt: skip
    def resume(self, request: Request, **path: str) -> Response:
        """The end of a suspension."""
        dry, one = live_documents.dry_run(request), self.one(request, **path)
        return Response(actions.resource_suspend(*one, suspended=False, dry_run=dry))
