"""One's own console sessions over REST: seen, ended, all ended with every token."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.serializers import LoginSessionListSerializer
from accounts.models import LoginSession
from accounts.services import sessions, tokens
from kubecarrier.lib.errors import NotFoundError


class LoginSessionsView(APIView):
    """All of them."""

    needs_scope = "sessions.view"

    @extend_schema(responses={200: LoginSessionListSerializer}, operation_id="sessions_list")
    def get(self, request: Request) -> Response:
        user: Any = request.user
        rows = LoginSession.objects.filter(user=user)
        return Response(LoginSessionListSerializer({"items": rows}).data)


class LoginSessionView(APIView):
    """One of them."""

    needs_scope = "sessions.delete"

    @extend_schema(request=None, responses={204: None}, operation_id="sessions_end")
    def delete(self, request: Request, pk: UUID) -> Response:
        user: Any = request.user
        row = LoginSession.objects.filter(user=user, pk=pk).first()
        if row is None:
            raise NotFoundError("not_found", "There is no such session.")
        sessions.session_end(row=row, said="ended by hand")
        return Response(status=status.HTTP_204_NO_CONTENT)


class LogoutEverywhereView(APIView):
    """Every browser and every token, the one that asks included."""

    needs_scope = "sessions.delete"

    @extend_schema(request=None, responses={204: None}, operation_id="logout_everywhere")
    def post(self, request: Request) -> Response:
        sessions.sessions_end(user=request.user)
        tokens.tokens_revoke(user=request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)
