"""Identity mappings as the API knows them."""

from __future__ import annotations

from typing import Any

from accounts.api.serializers import IdentityMappingSpecSerializer
from accounts.models import IdentityMapping
from accounts.permissions import visible_identity_mappings
from accounts.services.identity_mappings import (
    identity_mapping_apply,
    identity_mapping_delete,
)
from kubecarrier.lib.manifests import Column, ColumnType, Kind, register


def identity_mapping_status(row: IdentityMapping) -> dict[str, Any]:
    """Nothing is observed of it."""
    return {}


IDENTITY_MAPPING = register(
    Kind(
        kind="IdentityMapping",
        plural="identitymappings",
        short_names=("idm",),
        model=IdentityMapping,
        description="Which group of the OIDC provider or the LDAP directory is which group here.",
        columns=(
            Column("NAME", "metadata.name"),
            Column("SOURCE", "spec.source"),
            Column("THERE", "spec.value"),
            Column("HERE", "spec.group"),
            Column("AGE", "metadata.createdAt", ColumnType.DATE),
        ),
        spec_serializer=IdentityMappingSpecSerializer,
        status=identity_mapping_status,
        rows=visible_identity_mappings,
        apply=identity_mapping_apply,
        delete=identity_mapping_delete,
        filters={"source": "source", "group": "group__name"},
        search=("name", "value", "group__name"),
    )
)
