"""API tokens as the API knows them: the secret is in no document."""

from __future__ import annotations

from typing import Any

from accounts.models import ApiToken
from accounts.permissions import visible_tokens
from accounts.services.tokens import token_delete
from kubecarrier.lib.manifests import Column, ColumnType, Kind, register


def token_status(token: ApiToken) -> dict[str, Any]:
    """Whose it is, what it is for, and when it was last used."""
    return {
        "title": token.title,
        "user": token.user.get_username(),
        "beginsWith": token.token_key[:8],
        "scopes": token.scopes,
        "networks": token.networks,
        "madeBy": token.made_by.get_username() if token.made_by else None,
        "createdAt": token.created,
        "expiresAt": token.expiry,
        "lastUsedAt": token.last_used_at,
        "lastUsedAddress": token.last_used_address,
    }


API_TOKEN = register(
    Kind(
        kind="ApiToken",
        plural="apitokens",
        short_names=("token", "tokens"),
        model=ApiToken,
        description="A token for the API: made once, shown once, revoked by deleting it.",
        columns=(
            Column("ID", "metadata.name"),
            Column("TITLE", "status.title"),
            Column("OWNER", "status.user"),
            Column("SCOPES", "status.scopes"),
            Column("EXPIRES", "status.expiresAt", ColumnType.DATE),
            Column("LAST-USED", "status.lastUsedAt", ColumnType.DATE),
            Column("FROM", "status.lastUsedAddress", priority=1),
            Column("NETWORKS", "status.networks", priority=1),
            Column("AGE", "status.createdAt", ColumnType.DATE, priority=1),
        ),
        spec_serializer=None,
        status=token_status,
        rows=visible_tokens,
        delete=token_delete,
        filters={"user": "user__username", "title": "title"},
        search=("title", "user__username"),
        order="-created",
    )
)
