"""The placement of placed kinds in documents."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from kubecarrier.api.serializers import StrictSerializer
from kubecarrier.lib.spec import name_validators


class PlacementSerializer(StrictSerializer):
    """On which clusters: the named, the selected, less the excluded. A kind adds its `overrides`."""

    clusters = serializers.ListField(
        child=serializers.CharField(validators=name_validators),
        required=False,
        default=list,
        max_length=1000,
    )
    selector = serializers.CharField(
        required=False,
        allow_blank=True,
        default="",
        max_length=2000,
        help_text="Kubernetes' selector over the clusters' labels; * is everywhere.",
    )
    exclude = serializers.ListField(
        child=serializers.CharField(validators=name_validators),
        required=False,
        default=list,
        max_length=1000,
    )


def whole(serializer: type[serializers.Serializer[Any]], value: Any) -> dict[str, Any]:
    """`value` with every default of `serializer` filled in, so that equal ones are equal in JSON columns."""
    given = serializer(data=value)
    given.is_valid(raise_exception=True)
    return plain(given.validated_data)  # type: ignore[no-any-return]


def plain(value: Any) -> Any:
    """DRF's ordered mappings as plain dicts and lists, as JSON columns hold them."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return value
