"""Clusters over REST: each action parses, fetches with permission, calls one function, renders."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from fleet.api import kinds
from fleet.api.serializers import (
    AccountManifestSerializer,
    ActionResultSerializer,
    ClusterImportSerializer,
    ImportResultSerializer,
    RenameSerializer,
    RotateSerializer,
)
from fleet.services import imports
from fleet.services.clusters import (
    cluster_probe,
    cluster_rename,
    cluster_rotate,
    cluster_suspend,
)
from fleet.services.exchanges import account_manifest, cluster_exchange
from fleet.services.rotations import cluster_rotate_credential
from kubecarrier.api import documents, errors
from kubecarrier.api.views import DocumentViewSet, maybe_dry, validated
from kubecarrier.lib.errors import InvalidError


class ClusterViewSet(DocumentViewSet):
    """Clusters of the fleet."""

    kind = kinds.CLUSTER
    action_verbs = {
        "import_": "create",
        "probe": "operate",
        "suspend": "operate",
        "resume": "operate",
        "rename": "edit",
        "rotate": "credentials",
        "exchange": "credentials",
        "rotate_credential": "credentials",
        "account_manifest": "credentials",
    }
    action_parameters = {"account_manifest": frozenset()}

    @extend_schema(request=ClusterImportSerializer, responses={200: ImportResultSerializer})
    @action(detail=False, methods=["post"], url_path="import", url_name="import")
    def import_(self, request: Request) -> Response:
        given = validated(ClusterImportSerializer, request)
        with maybe_dry(request):
            items = [self._imported(one) for one in imports.clusters_import(given)]
        return Response({"items": items})

    @extend_schema(request=None, responses={202: ActionResultSerializer})
    @action(detail=True, methods=["post"])
    def probe(self, request: Request, name: str) -> Response:
        cluster = self.fetch(request, name)
        with maybe_dry(request):
            cluster_probe(cluster=cluster)
        return self.acted(cluster)

    @extend_schema(request=None, responses={202: ActionResultSerializer})
    @action(detail=True, methods=["post"])
    def suspend(self, request: Request, name: str) -> Response:
        with maybe_dry(request):
            return self.acted(cluster_suspend(cluster=self.fetch(request, name), suspended=True))

    @extend_schema(request=None, responses={202: ActionResultSerializer})
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, name: str) -> Response:
        with maybe_dry(request):
            return self.acted(cluster_suspend(cluster=self.fetch(request, name), suspended=False))

    @extend_schema(request=RenameSerializer, responses={202: ActionResultSerializer})
    @action(detail=True, methods=["post"])
    def rename(self, request: Request, name: str) -> Response:
        given = validated(RenameSerializer, request)
        with maybe_dry(request):
            cluster = cluster_rename(cluster=self.fetch(request, name), name=given["newName"])
            return self.acted(cluster)

    @extend_schema(request=RotateSerializer, responses={202: ActionResultSerializer})
    @action(detail=True, methods=["post"])
    def rotate(self, request: Request, name: str) -> Response:
        given = validated(RotateSerializer, request)
        cluster = self.fetch(request, name)
        connection = imports.rotation_connection(cluster, given)
        with maybe_dry(request):
            return self.acted(cluster_rotate(cluster=cluster, connection=connection))

    @extend_schema(responses={200: AccountManifestSerializer})
    @action(detail=True, methods=["get"], url_path="account-manifest", url_name="account-manifest")
    def account_manifest(self, request: Request, name: str) -> Response:
        return Response({"manifest": account_manifest(cluster=self.fetch(request, name))})

    @extend_schema(request=None, responses={202: ActionResultSerializer})
    @action(detail=True, methods=["post"])
    def exchange(self, request: Request, name: str) -> Response:
        cluster = self.fetch(request, name)
        if request.query_params.get("dryRun"):  # the account would really be made
            raise InvalidError("dry_run_unsupported", "An exchange has no dry run.", field="dryRun")
        return self.acted(cluster_exchange(cluster=cluster))

    @extend_schema(request=None, responses={202: ActionResultSerializer})
    @action(
        detail=True, methods=["post"], url_path="rotate-credential", url_name="rotate-credential"
    )
    def rotate_credential(self, request: Request, name: str) -> Response:
        cluster = self.fetch(request, name)
        if request.query_params.get("dryRun"):  # the token would really be made
            raise InvalidError("dry_run_unsupported", "A renewal has no dry run.", field="dryRun")
        return self.acted(cluster_rotate_credential(cluster=cluster))

    def _imported(self, one: imports.Imported) -> dict[str, Any]:
        return {
            "context": one.context,
            "name": one.name,
            "result": "error" if one.error else "created",
            "error": errors.of(one.error) if one.error else None,
            "object": documents.export(self.kind, one.cluster) if one.cluster else None,
        }
