"""Config items, their copies and the inbox over REST."""

from __future__ import annotations

from functools import partial
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from fleet.api import kinds
from fleet.api.serializers import (
    ActionResultSerializer,
    AdoptSerializer,
    ConfigDiffSerializer,
    ConfigPreviewSerializer,
    ConfigRevisionListSerializer,
    ConfigRollbackSerializer,
    ResolveSerializer,
    RevealedSerializer,
    RevealSerializer,
    SetKeysSerializer,
)
from fleet.choices import ConflictChoice
from fleet.configs.diffs import spec_text, unified
from fleet.configs.queries import digest_key, revision_content
from fleet.errors import ConfigItemInvalidError
from fleet.live.config_items import configitem_preview
from fleet.models import ConfigCopy, ConfigItem, ConfigItemRevision
from fleet.services.configconflicts import configconflict_resolve
from fleet.services.configitems import (
    configitem_adopt,
    configitem_apply,
    configitem_reveal,
    configitem_rollback,
    configitem_set,
    configitem_suspend,
)
from kubecarrier.api import documents
from kubecarrier.api.views import DocumentViewSet, maybe_dry, validated
from kubecarrier.lib.errors import InvalidError

_DRY = OpenApiParameter("dryRun", OpenApiTypes.STR, OpenApiParameter.QUERY)
_FROM = OpenApiParameter("from", OpenApiTypes.INT, OpenApiParameter.QUERY)
_TO = OpenApiParameter("to", OpenApiTypes.INT, OpenApiParameter.QUERY)


class ConfigItemViewSet(DocumentViewSet):
    """Config items."""

    kind = kinds.CONFIG_ITEM
    action_verbs = {"set": "edit", "preview": "view", "resume": "suspend"}
    action_parameters = {"diff": frozenset({"from", "to"})}

    @extend_schema(
        request=SetKeysSerializer, responses={202: ActionResultSerializer}, parameters=[_DRY]
    )
    @action(detail=True, methods=["post"])
    def set(self, request: Request, name: str) -> Response:
        """Change single keys; those not named stay."""
        return self._operate(request, name, configitem_set, **validated(SetKeysSerializer, request))

    @extend_schema(request=OpenApiTypes.OBJECT, responses={200: ConfigPreviewSerializer})
    @action(detail=True, methods=["post"])
    def preview(self, request: Request, name: str) -> Response:
        """What saving the document in the body (or what is saved, without one) would change."""
        item = self.find(request, name)
        document = request.data if isinstance(request.data, dict) else {}
        wish = documents.read(self.kind, document, name=name) if document else None
        if item is None and wish is None:
            self.fetch(request, name)
        if wish:
            self.require_write(request, name, item)
        save = partial(configitem_apply, actor=request.user, wish=wish) if wish else None
        return Response({"groups": configitem_preview(name=name, save=save)})

    @extend_schema(responses={200: ConfigDiffSerializer}, parameters=[_FROM, _TO])
    @action(detail=True, methods=["get"])
    def diff(self, request: Request, name: str) -> Response:
        """Two revisions; without `to` the newest, without `from` the one before it."""
        item: ConfigItem = self.fetch(request, name)
        newest = item.revisions.order_by("-number").values_list("number", flat=True).first() or 1
        to = _number(request, "to", newest)
        before = _number(request, "from", max(to - 1, 0))
        return Response({"diff": revision_diff(item, before, to)})

    @extend_schema(
        request=ConfigRollbackSerializer, responses={202: ActionResultSerializer}, parameters=[_DRY]
    )
    @action(detail=True, methods=["post"])
    def rollback(self, request: Request, name: str) -> Response:
        given = validated(ConfigRollbackSerializer, request)
        return self._operate(request, name, configitem_rollback, number=given["revision"])

    @extend_schema(request=RevealSerializer, responses={200: RevealedSerializer})
    @action(detail=True, methods=["post"])
    def reveal(self, request: Request, name: str) -> Response:
        """Values in clear; each call is on record."""
        given = validated(RevealSerializer, request)
        found = configitem_reveal(
            actor=request.user,
            item=self.fetch(request, name),
            keys=given["keys"],
            cluster=given["cluster"],
            number=given["revision"],
        )
        response = Response(found)
        response["Cache-Control"] = "no-store"
        return response

    @extend_schema(
        request=AdoptSerializer, responses={202: ActionResultSerializer}, parameters=[_DRY]
    )
    @action(detail=True, methods=["post"])
    def adopt(self, request: Request, name: str) -> Response:
        """Take over objects that are in the clusters already."""
        return self._operate(request, name, configitem_adopt, **validated(AdoptSerializer, request))

    @extend_schema(request=None, responses={202: ActionResultSerializer})
    @action(detail=True, methods=["post"])
    def suspend(self, request: Request, name: str) -> Response:
        return self._suspend(request, name, suspended=True)

    @extend_schema(request=None, responses={202: ActionResultSerializer})
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, name: str) -> Response:
        return self._suspend(request, name, suspended=False)

    @extend_schema(responses={200: ConfigRevisionListSerializer})
    @action(detail=True, methods=["get"])
    def revisions(self, request: Request, name: str) -> Response:
        rows = self.fetch(request, name).revisions.defer("secret_data")[:100]
        return Response({"items": [revision_document(row) for row in rows]})

    def _suspend(self, request: Request, name: str, *, suspended: bool) -> Response:
        with maybe_dry(request):
            item = self.fetch(request, name)
            return self.acted(
                configitem_suspend(actor=request.user, item=item, suspended=suspended)
            )

    def _operate(self, request: Request, name: str, service: Any, **given: Any) -> Response:
        with maybe_dry(request):
            row, operation = service(actor=request.user, item=self.fetch(request, name), **given)
            return self.acted(row, documents.export(kinds.OPERATION, operation))


class ConfigCopyViewSet(DocumentViewSet):
    """Config copies, one per item, cluster and namespace."""

    kind = kinds.CONFIG_COPY
    action_verbs = {"adopt": "configitems.adopt"}
    http_method_names = ["get", "head", "options", "post"]

    @extend_schema(exclude=True)
    def create(self, request: Request) -> Response:
        raise InvalidError("read_only", "Config copies come from config items.")

    @extend_schema(request=None, responses={202: ActionResultSerializer})
    @action(detail=True, methods=["post"])
    def adopt(self, request: Request, name: str) -> Response:
        """Take over the object that is there already."""
        copy: ConfigCopy = self.fetch(request, name)
        with maybe_dry(request):
            _, operation = configitem_adopt(
                actor=request.user,
                item=copy.item,
                cluster=copy.cluster.name,
                namespace=copy.namespace,
            )
            document = documents.export(kinds.OPERATION, operation)
            return self.acted(self.fetch(request, name), document)


class ConfigConflictViewSet(DocumentViewSet):
    """The inbox."""

    kind = kinds.CONFIG_CONFLICT
    action_verbs = {"resolve": "configitems.edit"}
    http_method_names = ["get", "head", "options", "post"]

    @extend_schema(exclude=True)
    def create(self, request: Request) -> Response:
        raise InvalidError("read_only", "Conflicts come from changes in clusters.")

    @extend_schema(
        request=ResolveSerializer, responses={202: ActionResultSerializer}, parameters=[_DRY]
    )
    @action(detail=True, methods=["post"])
    def resolve(self, request: Request, name: str) -> Response:
        """Adopt everywhere, revert, pin on its cluster, or ignore the keys."""
        choice = ConflictChoice(validated(ResolveSerializer, request)["choice"])
        with maybe_dry(request):
            conflict = self.fetch(request, name)
            configconflict_resolve(actor=request.user, conflict=conflict, choice=choice)
            return self.acted(self.fetch(request, name))


def revision_document(row: ConfigItemRevision) -> dict[str, Any]:
    """One saved spec; of a secret the keys only."""
    return {
        "number": row.number,
        "author": row.author_name or None,
        "channel": row.channel,
        "reason": row.reason,
        "createdAt": row.created_at,
        "changed": row.changed,
        "spec": row.spec,
    }


def revision_diff(item: ConfigItem, before: int, after: int) -> str:
    """Two revisions as a unified diff; 0 is nothing yet."""
    rows = {row.number: row for row in item.revisions.filter(number__in={before, after})}
    if missing := {number for number in (before, after) if number} - set(rows):
        raise ConfigItemInvalidError(
            "revision_not_found", f"There is no revision {min(missing)}.", field="to"
        )
    key = digest_key()
    old, new = (
        spec_text(rows[n].spec, revision_content(rows[n]), key=key) if n else ""
        for n in (before, after)
    )
    return unified(old, new, f"revision {before}", f"revision {after}")


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, "")
    if text and not (text.isdecimal() and text.isascii() and len(text) < 9):
        raise InvalidError("revision_invalid", "A revision is a number.", field=name)
    return int(text) if text else default
