"""An identity mapping's spec."""

from __future__ import annotations

from rest_framework import serializers

from accounts.models import IdentitySource
from kubecarrier.api.serializers import StrictSerializer


class IdentityMappingSpecSerializer(StrictSerializer):
    """Whoever is in a group there is in a group here."""

    source = serializers.ChoiceField(  # type: ignore[assignment]  # called like DRF's own
        choices=IdentitySource.values, help_text="oidc or ldap."
    )
    value = serializers.CharField(
        max_length=500,
        help_text="The group there: as the claim holds it; for LDAP its name or its whole DN.",
    )
    group = serializers.CharField(
        max_length=150, source="group.name", help_text="The group here; it must exist."
    )

    def to_internal_value(self, data: object) -> dict[str, object]:
        """The group by its name: flat for the service."""
        found = dict(super().to_internal_value(data))
        found["group"] = found["group"]["name"]
        return found
