"""The documents of chart repositories."""

from __future__ import annotations

from rest_framework import serializers

from apps.choices import RepositoryType
from kubecarrier.api.serializers import DescriptionField, StrictSerializer, SuspendedField


class RepositorySpecSerializer(StrictSerializer):
    """Where charts come from."""

    type = serializers.ChoiceField(
        choices=RepositoryType.values,
        required=False,
        default=RepositoryType.HTTP.value,
        help_text="http: an index.yaml; oci: a registry, its charts named; local: uploaded here.",
    )
    url = serializers.CharField(required=False, allow_blank=True, default="", max_length=500)
    username = serializers.CharField(required=False, allow_blank=True, default="", max_length=200)
    password = serializers.CharField(
        required=False,
        allow_blank=True,
        write_only=True,
        max_length=4000,
        trim_whitespace=False,
        help_text="Goes in, never comes out; absent keeps what is stored.",
    )
    caCertificate = serializers.CharField(
        required=False,
        allow_blank=True,
        default="",
        max_length=262144,
        source="ca_pem",
        help_text="PEM.",
    )
    plainHttp = serializers.BooleanField(
        required=False,
        default=False,
        source="plain_http",
        help_text="OCI only, and only for a registry on this machine.",
    )
    charts = serializers.ListField(
        child=serializers.RegexField(r"^[a-z0-9]([-._a-z0-9/]*[a-z0-9])?$", max_length=200),
        required=False,
        default=list,
        source="references",
        max_length=500,
        help_text="OCI only: the names of its charts, for a registry cannot be listed.",
    )
    refreshSeconds = serializers.IntegerField(
        required=False, default=3600, min_value=30, max_value=604800, source="refresh_seconds"
    )
    description = DescriptionField()
    suspended = SuspendedField(what="it is not refreshed.")
