"""The directory pass over REST: how the last went, and one on demand."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.serializers import DirectoryPassSerializer
from accounts.ldap.config import config, enabled
from accounts.models import DirectoryPass
from accounts.services.ldap_sync import sync_request
from kubecarrier.lib import access
from kubecarrier.lib.errors import NotFoundError
from kubecarrier.lib.tasks import enqueue


class LdapSyncView(APIView):
    """The comparison of the directory with the people here."""

    needs_scope = "identitymappings.edit"

    @extend_schema(responses={200: DirectoryPassSerializer}, operation_id="ldap_sync_read")
    def get(self, request: Request) -> Response:
        access.require(request.user, "identitymappings.view")
        row = DirectoryPass.objects.filter(issuer=config().issuer).first() if enabled() else None
        if row is None:
            raise NotFoundError("not_found", "No directory is configured, or no pass was made yet.")
        return Response(DirectoryPassSerializer(row).data)

    @extend_schema(request=None, responses={202: DirectoryPassSerializer}, operation_id="ldap_sync")
    def post(self, request: Request) -> Response:
        row = sync_request(actor=request.user)
        enqueue("accounts.tasks.sync_ldap")
        return Response(DirectoryPassSerializer(row).data, status=status.HTTP_202_ACCEPTED)
