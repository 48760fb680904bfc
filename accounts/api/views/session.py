"""Logging in by password, logging out, and who is asking."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import authenticate
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.serializers import LoginSerializer, PersonSerializer, TokenSerializer
from accounts.services import logins
from accounts.services import second_factors as factors
from kubecarrier.api.views import validated
from kubecarrier.lib.errors import DeniedError, KubeCarrierError


class LoginFailedError(KubeCarrierError):
    """Wrong name or password, or locked out: the answer does not say which."""

    http_status = 401


class LoginView(APIView):
    """Exchange a password for a token."""

    permission_classes = [AllowAny]
    authentication_classes = []

    @extend_schema(request=LoginSerializer, responses={200: TokenSerializer}, operation_id="login")
    def post(self, request: Request) -> Response:
        given = validated(LoginSerializer, request)
        try:
            user = authenticate(
                request._request, username=given["username"], password=given["password"]
            )
        except KubeCarrierError as error:  # of the directory; on record as in the console
            logins.login_refused(code=error.code)
            raise
        if user is None:
            logins.login_failed(username=given["username"])
            raise LoginFailedError("login_failed", "The name or the password is wrong.")
        _check_second_factor(user, given["code"])
        token, secret = logins.login(user=user, name=given["name"], scopes=given["scopes"])
        return Response(
            {"token": secret, "expiry": token.expiry}, headers={"Cache-Control": "no-store"}
        )


def _check_second_factor(user: Any, code: str) -> None:
    """After the password: raises LoginFailedError or DeniedError."""
    if factors.factor_missing(user):
        raise DeniedError(
            "second_factor_missing",
            "This account needs a second factor.",
            hint="Set it up in the console.",
        )
    if factors.factor_of(user) is None:
        return
    if not code:
        raise LoginFailedError("second_factor_needed", "A code of the second factor is needed.")
    if not factors.factor_check(user=user, code=code):
        logins.login_failed(username=user.username)
        raise LoginFailedError("login_failed", "The name, the password or the code is wrong.")


class LogoutView(APIView):
    """Forget the token this request came with."""

    permission_classes = [IsAuthenticated]
    needs_scope = ""

    @extend_schema(request=None, responses={204: None}, operation_id="logout")
    def post(self, request: Request) -> Response:
        token: Any = request.auth
        logins.logout(user=request.user, token=token)
        return Response(None, status=status.HTTP_204_NO_CONTENT)


class WhoAmIView(APIView):
    """Who the token belongs to."""

    needs_scope = ""

    @extend_schema(responses={200: PersonSerializer}, operation_id="whoami")
    def get(self, request: Request) -> Response:
        user: Any = request.user
        return Response(
            {
                "username": user.username,
                "email": user.email,
                "isStaff": user.is_staff,
                "isSuperuser": user.is_superuser,
                "groups": sorted(user.groups.values_list("name", flat=True)),
                "scopes": sorted(user.token_scopes)
                if getattr(user, "token_scopes", None)
                else None,
                "expiry": getattr(request.auth, "expiry", None),
            }
        )
