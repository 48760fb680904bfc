"""Service accounts as the API knows them."""

from __future__ import annotations

from typing import Any

from accounts.api.serializers import ServiceAccountSpecSerializer
from accounts.models import ServiceAccount
from accounts.permissions import visible_service_accounts
from accounts.services.service_accounts import service_account_apply, service_account_delete
from kubecarrier.lib.manifests import Column, ColumnType, Kind, register


def service_account_status(row: ServiceAccount) -> dict[str, Any]:
    """The name under which it acts."""
    return {"username": row.user.username}


SERVICE_ACCOUNT = register(
    Kind(
        kind="ServiceAccount",
        plural="serviceaccounts",
        short_names=("sa",),
        model=ServiceAccount,
        description="Whom a machine logs in as: it has tokens and never a session.",
        columns=(
            Column("NAME", "metadata.name"),
            Column("PROJECT", "spec.project"),
            Column("ACTIVE", "spec.active"),
            Column("USERNAME", "status.username"),
            Column("AGE", "metadata.createdAt", ColumnType.DATE),
            Column("DESCRIPTION", "spec.description", priority=1),
        ),
        spec_serializer=ServiceAccountSpecSerializer,
        status=service_account_status,
        rows=visible_service_accounts,
        apply=service_account_apply,
        delete=service_account_delete,
        filters={"project": "project"},
        search=("name", "description", "project"),
    )
)
