"""The documents of roles."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts.builtin import permissions_of, rules_of
from kubecarrier.api.serializers import StrictSerializer


def _texts(**more: Any) -> serializers.ListField:
    child = serializers.CharField(max_length=253, allow_blank=True)
    return serializers.ListField(child=child, required=False, max_length=200, **more)


class RuleSerializer(StrictSerializer):
    """A PolicyRule, as Kubernetes writes it."""

    apiGroups = _texts(help_text='API groups; "" is the core group, "*" every one.')
    resources = _texts(help_text="Plurals, such as deployments or deployments/scale.")
    verbs = _texts(help_text="get, list, watch, create, update, patch, delete ...")
    resourceNames = _texts(help_text="Only objects of these names.")
    nonResourceURLs = _texts(help_text="Other URLs, such as /metrics.")


class RoleSpecSerializer(StrictSerializer):
    """What a role holds."""

    description = serializers.CharField(
        required=False, allow_blank=True, default="", max_length=2000
    )
    permissions = serializers.ListField(
        child=serializers.CharField(max_length=100),
        required=False,
        default=list,
        max_length=500,
        help_text="Permissions of the portal, such as applications.rollback: docs/roles.md.",
    )
    rules = RuleSerializer(
        many=True, required=False, default=list, help_text="What it may do in clusters."
    )
    requiresSecondFactor = serializers.BooleanField(
        required=False, default=False, source="requires_second_factor",
        help_text="Whoever has the role, anywhere, must have a second factor (local accounts).",
    )  # fmt: skip

    def to_representation(self, instance: Any) -> dict[str, Any]:
        """A built-in role shows what it holds today."""
        return {
            "description": instance.description,
            "requiresSecondFactor": instance.requires_second_factor,
            "permissions": sorted(permissions_of(instance)),
            "rules": [dict(rule) for rule in rules_of(instance)],
        }
