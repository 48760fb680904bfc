"""Serializers that refuse what they do not know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from kubecarrier.lib.placement import check_labels
from kubecarrier.lib.spec import NAME_MAX_LENGTH, name_validators


class StrictSerializer(serializers.Serializer[Any]):
    """Unknown fields are errors: a misspelt key must not pass silently."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            writable = {name for name, field in self.fields.items() if not field.read_only}
            if unknown := sorted(set(map(str, data)) - writable):
                raise serializers.ValidationError(
                    {unknown[0][:80]: [serializers.ErrorDetail("Unknown field.", "field_unknown")]}
                )
        return super().to_internal_value(data)


class DescriptionField(serializers.CharField):
    """What people say of an object; every spec may have it."""

    def __init__(self, **options: Any) -> None:
        usual: dict[str, Any] = {"allow_blank": True, "default": "", "max_length": 2000}
        super().__init__(**usual | options)


class SuspendedField(serializers.BooleanField):
    """Paused or not; a document that says nothing of it keeps what is."""

    def __init__(self, *, what: str, **options: Any) -> None:
        text = f"Paused: {what} Absent keeps what is."
        usual: dict[str, Any] = {"required": False, "help_text": text}
        super().__init__(**usual | options)


class LabelsField(serializers.DictField):
    """Kubernetes labels."""

    child = serializers.CharField(allow_blank=True)

    def to_internal_value(self, data: Any) -> dict[str, str]:
        return check_labels(super().to_internal_value(data))


class MetadataSerializer(serializers.Serializer[Any]):
    """What every document says of itself; only name and labels are written."""

    name = serializers.CharField(validators=name_validators, help_text="Unique among its kind.")
    labels = LabelsField(
        required=False, default=dict, help_text="Key and value pairs for selectors."
    )
    uid = serializers.UUIDField(required=False, read_only=True)
    generation = serializers.IntegerField(
        read_only=True, help_text="Rises with each change of spec."
    )
    createdAt = serializers.DateTimeField(read_only=True)
    updatedAt = serializers.DateTimeField(read_only=True)
    deletionRequestedAt = serializers.DateTimeField(read_only=True, allow_null=True)


class ProjectMetadataSerializer(MetadataSerializer):
    """Of a kind that belongs to projects."""

    project = serializers.CharField(
        required=False,
        allow_null=True,
        allow_blank=True,
        max_length=NAME_MAX_LENGTH,
        help_text="The project it belongs to; absent keeps what is, null is none.",
    )


class ConditionSerializer(serializers.Serializer[Any]):
    """One condition of a status."""

    type = serializers.CharField()
    status = serializers.ChoiceField(choices=["True", "False", "Unknown"])
    reason = serializers.CharField()
    message = serializers.CharField()
    lastTransitionAt = serializers.DateTimeField()
    observedGeneration = serializers.IntegerField()


class ErrorDetailSerializer(serializers.Serializer[Any]):
    """The inside of the one error form."""

    code = serializers.CharField()
    message = serializers.CharField()
    field = serializers.CharField(allow_null=True)
    hint = serializers.CharField(allow_null=True)
    requestId = serializers.CharField()
    data = serializers.DictField()  # type: ignore[assignment]  # a field called like DRF's own


class ErrorSerializer(serializers.Serializer[Any]):
    """The one error form."""

    error = ErrorDetailSerializer()
