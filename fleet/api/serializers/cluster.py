"""The documents of clusters, and what their actions take."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from fleet.choices import RemovalPolicy
from fleet.inventory.chosen import PATTERN
from kubecarrier.api.serializers import (
    DescriptionField,
    LabelsField,
    StrictSerializer,
    SuspendedField,
)
from kubecarrier.lib.spec import name_validators


class CredentialSerializer(StrictSerializer):
    """A token, or a client certificate with its key. Goes in, never comes out."""

    token = serializers.CharField(required=False, allow_blank=True, max_length=32768)
    clientCertificate = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=65536,
        source="client_cert_pem",
        help_text="PEM.",
    )
    clientKey = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=65536,
        source="client_key_pem",
        help_text="PEM.",
    )


class InventoryRulesSerializer(StrictSerializer):
    """Which kinds are in the inventory: the usual ones and custom ones, and what is said here."""

    include = serializers.ListField(
        child=serializers.RegexField(r"^(?:" + PATTERN.pattern + r")\Z", max_length=320),
        required=False,
        default=list,
        max_length=100,
        help_text="Further kinds: plural, plural.group, with * for any characters.",
    )
    exclude = serializers.ListField(
        child=serializers.RegexField(r"^(?:" + PATTERN.pattern + r")\Z", max_length=320),
        required=False,
        default=list,
        max_length=100,
        help_text="Kinds to leave out; wins over everything else.",
    )


class ClusterSpecSerializer(StrictSerializer):
    """How a cluster is reached and what is said of it."""

    server = serializers.CharField(max_length=500, help_text="https://host:port of its API server.")
    caCertificate = serializers.CharField(
        required=False,
        allow_blank=True,
        default="",
        max_length=262144,
        source="ca_pem",
        help_text="PEM of the CA that signed the server's certificate; empty: the machine's own trust.",
    )
    tlsServerName = serializers.CharField(
        required=False,
        allow_blank=True,
        default="",
        max_length=253,
        source="tls_server_name",
        help_text="The name that the server's certificate must carry, where it is not the host.",
    )
    peopleServer = serializers.CharField(
        required=False,
        allow_blank=True,
        default="",
        max_length=500,
        source="people_server",
        help_text="https://host:port that people's kubeconfigs name; empty: server. Never called.",
    )
    peopleCaCertificate = serializers.CharField(
        required=False,
        allow_blank=True,
        default="",
        max_length=262144,
        source="people_ca_pem",
        help_text="PEM of the CA there; empty: the trust of the person's machine.",
    )
    peopleTlsServerName = serializers.CharField(
        required=False,
        allow_blank=True,
        default="",
        max_length=253,
        source="people_tls_server_name",
        help_text="The name that the certificate there must carry, where it is not the host.",
    )
    credential = CredentialSerializer(
        required=False,
        write_only=True,
        help_text="Needed at creation and when the address changes.",
    )
    provider = serializers.CharField(required=False, allow_blank=True, default="", max_length=63)
    region = serializers.CharField(required=False, allow_blank=True, default="", max_length=63)
    environment = serializers.CharField(required=False, allow_blank=True, default="", max_length=63)
    description = DescriptionField()
    suspended = SuspendedField(what="nothing is changed in the cluster.")
    inventory = InventoryRulesSerializer(
        required=False,
        source="inventory_rules",
        help_text="Which kinds are in the inventory. Absent keeps what is.",
    )
    removalPolicy = serializers.ChoiceField(
        required=False,
        default=RemovalPolicy.ORPHAN.value,
        choices=RemovalPolicy.values,
        source="removal_policy",
        help_text="What becomes of our objects when the cluster is removed.",
    )


class ClusterImportSerializer(StrictSerializer):
    """Either a kubeconfig with contexts, or a server with a token."""

    kubeconfig = serializers.CharField(
        required=False, max_length=1048576, write_only=True, trim_whitespace=False
    )
    contexts = serializers.ListField(
        child=serializers.CharField(max_length=253),
        required=False,
        allow_null=True,
        max_length=200,
        help_text='Which contexts to import; null: the current one. ["*"]: all.',
    )
    names = serializers.DictField(
        child=serializers.CharField(validators=name_validators),
        required=False,
        default=dict,
        help_text="Context → the cluster's name in the fleet.",
    )
    name = serializers.CharField(required=False, validators=name_validators)
    server = serializers.CharField(required=False, max_length=500)
    token = serializers.CharField(required=False, max_length=32768, write_only=True)
    caData = serializers.CharField(
        required=False, allow_blank=True, max_length=262144, help_text="PEM, or base64 of it."
    )
    labels = LabelsField(required=False, default=dict)
    provider = serializers.CharField(required=False, allow_blank=True, default="", max_length=63)
    region = serializers.CharField(required=False, allow_blank=True, default="", max_length=63)
    environment = serializers.CharField(required=False, allow_blank=True, default="", max_length=63)
    description = DescriptionField()
    allowInsecure = serializers.BooleanField(required=False, default=False)


class ImportedSerializer(serializers.Serializer[Any]):
    """What became of one context."""

    context = serializers.CharField()  # type: ignore[assignment]  # a field called like DRF's own
    name = serializers.CharField()
    result = serializers.ChoiceField(choices=["created", "error"])
    error = serializers.DictField(allow_null=True)
    object = serializers.DictField(allow_null=True)


class ImportResultSerializer(serializers.Serializer[Any]):
    """What became of each context."""

    items = ImportedSerializer(many=True)


class RenameSerializer(StrictSerializer):
    """A new name."""

    newName = serializers.CharField(validators=name_validators)


class RotateSerializer(StrictSerializer):
    """A kubeconfig with one context, or a token."""

    kubeconfig = serializers.CharField(
        required=False, max_length=1048576, write_only=True, trim_whitespace=False
    )
    context = serializers.CharField(  # type: ignore[assignment]  # the same
        required=False, max_length=253
    )
    token = serializers.CharField(required=False, max_length=32768, write_only=True)


class AccountManifestSerializer(serializers.Serializer[Any]):
    """What the portal needs in the cluster."""

    manifest = serializers.CharField(help_text="YAML for kubectl apply, a reason at each rule.")
