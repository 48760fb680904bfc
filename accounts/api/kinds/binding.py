"""Bindings as the API knows them."""

from __future__ import annotations

from typing import Any

from accounts.api.serializers import BindingSpecSerializer
from accounts.models import Binding
from accounts.permissions import visible_bindings
from accounts.scopes_text import scope_text
from accounts.services.bindings import binding_apply, binding_delete
from kubecarrier.lib import granted
from kubecarrier.lib.manifests import Column, ColumnType, Kind, register


def binding_status(binding: Binding) -> dict[str, Any]:
    """On what it gives rights, and how far its grants are."""
    states = granted.binding_states(binding)
    return {
        "reason": binding.condition("Ready").get("reason", ""),
        "builtIn": binding.builtin,
        "scope": scope_text(binding.scope),
        "subjects": [
            *(f"user/{user.username}" for user in binding.users.all()),
            *(f"group/{group.name}" for group in binding.groups.all()),
        ],
        "holds": binding.held,
        "grants": [{"name": name, "ready": ready, "current": now} for name, ready, now in states],
    }


BINDING = register(
    Kind(
        kind="Binding",
        plural="bindings",
        short_names=("bi",),
        model=Binding,
        description="Gives a role to people and groups, on the platform or a part of it.",
        columns=(
            Column("NAME", "metadata.name"),
            Column("READY", "status.ready", ColumnType.READY),
            Column("ROLE", "spec.role"),
            Column("SCOPE", "status.scope"),
            Column("SUBJECTS", "status.subjects"),
            Column("AGE", "metadata.createdAt", ColumnType.DATE),
        ),
        spec_serializer=BindingSpecSerializer,
        status=binding_status,
        rows=visible_bindings,
        apply=binding_apply,
        delete=binding_delete,
        filters={
            "ready": "ready",
            "role": "role__name",
            "user": "users__username",
            "group": "groups__name",
        },
        search=("name", "description", "role__name"),
    )
)
