"""What the API says of itself: its kinds, their columns and schemas; logging in."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import authenticate
from drf_spectacular.utils import extend_schema
from knox.views import LogoutView as KnoxLogoutView
from rest_framework import serializers, status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.services import logins, tokens
from kubecarrier.api.explain import spec_schema
from kubecarrier.api.serializers import StrictSerializer
from kubecarrier.lib.errors import KubeCarrierError, NotFoundError
from kubecarrier.lib.manifests import API_VERSION, Kind, kinds


class LoginFailedError(KubeCarrierError):
    """Wrong name or password, or locked out: the answer does not say which."""

    http_status = 401


class LoginSerializer(StrictSerializer):
    """A name, a password, and what to call the token."""

    username = serializers.CharField(max_length=150)
    password = serializers.CharField(max_length=1000, write_only=True, trim_whitespace=False)
    name = serializers.CharField(max_length=100, required=False, default="cli")


class TokenSerializer(serializers.Serializer[Any]):
    """A new token, shown this once."""

    token = serializers.CharField()
    expiry = serializers.DateTimeField(allow_null=True)


class PersonSerializer(serializers.Serializer[Any]):
    """Who is asking."""

    username = serializers.CharField()
    email = serializers.CharField()
    isStaff = serializers.BooleanField()
    isSuperuser = serializers.BooleanField()


class KindSerializer(serializers.Serializer[Any]):
    """A kind, its table and the schema of its spec."""

    kind = serializers.CharField()
    apiVersion = serializers.CharField()
    plural = serializers.CharField()
    singular = serializers.CharField()
    shortNames = serializers.ListField(child=serializers.CharField())
    description = serializers.CharField()
    verbs = serializers.ListField(child=serializers.CharField())
    actions = serializers.ListField(child=serializers.CharField())
    filters = serializers.ListField(child=serializers.CharField())
    inProject = serializers.BooleanField()
    columns = serializers.ListField(child=serializers.DictField())
    schema = serializers.DictField()


class KindListSerializer(serializers.Serializer[Any]):
    """Every kind."""

    items = KindSerializer(many=True)


class LoginView(APIView):
    """Exchange a password for a token."""

    permission_classes = [AllowAny]
    authentication_classes = []

    @extend_schema(request=LoginSerializer, responses={200: TokenSerializer}, operation_id="login")
    def post(self, request: Request) -> Response:
        given = LoginSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        user = authenticate(
            request._request,
            username=given.validated_data["username"],
            password=given.validated_data["password"],
        )
        if user is None:
            logins.login_failed(username=given.validated_data["username"])
            raise LoginFailedError("login_failed", "The name or the password is wrong.")
        token, secret = logins.login(user=user, name=given.validated_data["name"])
        return Response({"token": secret, "expiry": token.expiry})


class LogoutView(KnoxLogoutView):  # type: ignore[misc]
    """Forget the token this request came with."""

    @extend_schema(request=None, responses={204: None}, operation_id="logout")
    def post(self, request: Request, format: str | None = None) -> Response:  # noqa: A002 - knox's name
        token: Any = request.auth
        if token is not None:
            tokens.token_revoke(token=token)
        return Response(None, status=status.HTTP_204_NO_CONTENT)


class UnknownView(APIView):
    """Every URL of the API that is none; known to be none only after logging in."""

    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        raise NotFoundError("not_found", "There is nothing at this address.")


class WhoAmIView(APIView):
    """Who the token belongs to."""

    @extend_schema(responses={200: PersonSerializer}, operation_id="whoami")
    def get(self, request: Request) -> Response:
        user: Any = request.user
        return Response(
            {
                "username": user.username,
                "email": user.email,
                "isStaff": user.is_staff,
                "isSuperuser": user.is_superuser,
            }
        )


class KindsView(APIView):
    """Everything this API serves; clients take tables and schemas from here."""

    @extend_schema(responses={200: KindListSerializer}, operation_id="kinds")
    def get(self, request: Request) -> Response:
        return Response({"items": [describe(kind) for kind in kinds()]})


def describe(kind: Kind) -> dict[str, Any]:
    """One kind as `GET /kinds` shows it."""
    return {
        "kind": kind.kind,
        "apiVersion": API_VERSION,
        "plural": kind.plural,
        "singular": kind.singular,
        "shortNames": list(kind.short_names),
        "description": kind.description,
        "verbs": kind.verbs,
        "actions": list(kind.actions),
        "filters": sorted(kind.parameters),
        "inProject": bool(kind.project),
        "columns": [
            {"name": c.name, "path": c.path, "type": c.type.value, "priority": c.priority}
            for c in kind.columns
        ],
        "schema": spec_schema(kind.spec_serializer),
    }
