"""API tokens over REST."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import kinds
from accounts.api.serializers import MadeTokenSerializer, NewTokenSerializer
from accounts.permissions import visible_service_accounts
from accounts.services import tokens
from kubecarrier.api import documents
from kubecarrier.api.views import DocumentViewSet, maybe_dry, validated
from kubecarrier.lib import access
from kubecarrier.lib.errors import NotFoundError


class ApiTokenViewSet(DocumentViewSet):
    """Tokens are made by POST, which answers the secret this once, and called by their id."""

    kind = kinds.API_TOKEN
    http_method_names = ["get", "post", "delete", "head", "options"]

    @extend_schema(
        request=NewTokenSerializer,
        responses={201: MadeTokenSerializer},
        operation_id="apitokens_create",
    )
    def create(self, request: Request) -> Response:
        given = validated(NewTokenSerializer, request)
        seconds = given["lifetimeSeconds"]
        wish: dict[str, Any] = {
            "name": given["title"],
            "scopes": given["scopes"],
            "networks": given["networks"],
            "lifetime": None if seconds is None else timedelta(seconds=seconds),
        }
        with maybe_dry(request):
            if given["serviceAccount"]:
                account = self._account(request, given["serviceAccount"])
                made = tokens.token_create_for(actor=request.user, account=account, **wish)
            else:
                made = tokens.token_create(user=request.user, **wish)
            token, secret = made
            body = {"token": secret, "object": documents.export(self.kind, token)}
        return Response(body, status=status.HTTP_201_CREATED, headers={"Cache-Control": "no-store"})

    def require_verb(self, request: Request, verb: str, row: Any) -> None:
        access.require(request.user, *tokens.revoking(row))

    def _account(self, request: Request, name: str) -> Any:
        row = visible_service_accounts(request.user).filter(name=name).first()
        if row is None:
            raise NotFoundError(
                "not_found", f"There is no service account “{name}”.", field="serviceAccount"
            )
        return row
