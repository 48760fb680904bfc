"""The documents of bindings."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from kubecarrier.api.serializers import StrictSerializer
from kubecarrier.lib.spec import name_validators


class ScopeSerializer(StrictSerializer):
    """One of: the platform; a project; clusters by name or selector, or namespaces of them."""

    platform = serializers.BooleanField(required=False, help_text="Everything there is.")
    project = serializers.CharField(required=False, validators=name_validators)
    clusters = serializers.ListField(
        child=serializers.CharField(validators=name_validators), required=False, max_length=1000
    )
    selector = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=1000,
        help_text="Clusters by their labels, such as env=prod; * is every cluster.",
    )
    namespaces = serializers.ListField(
        child=serializers.CharField(max_length=63),
        required=False,
        max_length=500,
        help_text="Only these namespaces of the clusters.",
    )


class BindingSpecSerializer(StrictSerializer):
    """Who holds what, and where."""

    description = serializers.CharField(
        required=False, allow_blank=True, default="", max_length=2000
    )
    role = serializers.CharField(validators=name_validators, help_text="The role's name.")
    users = serializers.ListField(
        child=serializers.CharField(max_length=150), required=False, default=list, max_length=1000
    )
    groups = serializers.ListField(
        child=serializers.CharField(max_length=150), required=False, default=list, max_length=200
    )
    scope = ScopeSerializer()

    def to_representation(self, instance: Any) -> dict[str, Any]:
        return {
            "description": instance.description,
            "role": instance.role.name,
            "users": sorted(user.username for user in instance.users.all()),
            "groups": sorted(group.name for group in instance.groups.all()),
            "scope": instance.scope,
        }
