"""Login by device code: the command line's side."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.serializers import (
    DeviceBegunSerializer,
    DeviceCodeSerializer,
    DeviceTokenSerializer,
    TokenSerializer,
)
from accounts.services import devices
from kubecarrier.api.views import validated

_PRIVATE = {"Cache-Control": "no-store"}


class DeviceCodeView(APIView):
    """Begin: two codes, one for the person and one for the machine."""

    permission_classes = [AllowAny]
    authentication_classes = []

    @extend_schema(
        request=DeviceCodeSerializer,
        responses={200: DeviceBegunSerializer},
        operation_id="device_code",
    )
    def post(self, request: Request) -> Response:
        given = validated(DeviceCodeSerializer, request)
        begun = devices.device_begin(
            client=given["name"], scopes=given["scopes"], address=request.META.get("REMOTE_ADDR")
        )
        page = request.build_absolute_uri("/device")
        return Response(
            {
                "deviceCode": begun.device_code,
                "userCode": begun.user_code,
                "verificationUri": page,
                "verificationUriComplete": f"{page}?code={begun.user_code}",
                "expiresIn": int(devices.LIFETIME.total_seconds()),
                "interval": begun.row.interval_seconds,
            },
            headers=_PRIVATE,
        )


class DeviceTokenView(APIView):
    """Poll: the token, or why there is none yet (RFC 8628, 3.5)."""

    permission_classes = [AllowAny]
    authentication_classes = []

    @extend_schema(
        request=DeviceTokenSerializer,
        responses={200: TokenSerializer},
        operation_id="device_token",
    )
    def post(self, request: Request) -> Response:
        given = validated(DeviceTokenSerializer, request)
        token, secret = devices.device_collect(device_code=given["deviceCode"])
        return Response({"token": secret, "expiry": token.expiry}, headers=_PRIVATE)
