"""Rows as documents: the one form, written and read by the same serializer."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from rest_framework import serializers

from kubecarrier.api.serializers import (
    ConditionSerializer,
    MetadataSerializer,
    ProjectMetadataSerializer,
)
from kubecarrier.lib.errors import InvalidError
from kubecarrier.lib.manifests import API_VERSION, Kind, Wish
from kubecarrier.lib.spec import ReconciledModel

_WRITABLE_METADATA = frozenset({"name", "labels"})
_DOCUMENT_KEYS = frozenset({"apiVersion", "kind", "metadata", "spec", "status"})
_GENERATION = re.compile(r"[0-9]{1,10}")


def export(kind: Kind, row: Any) -> dict[str, Any]:
    """The whole document of one row."""
    return {
        "apiVersion": API_VERSION,
        "kind": kind.kind,
        "metadata": metadata(kind, row),
        "spec": spec(kind, row),
        "status": status(kind, row),
    }


def metadata(kind: Kind, row: Any) -> dict[str, Any]:
    """Name and identity; columns a kind does not have are left out."""
    found: dict[str, Any] = {
        "name": str(getattr(row, "name", row.pk)),
        **_project(kind, row),
        "uid": getattr(row, "uid", row.pk),
        "labels": getattr(row, "labels", {}),
        "createdAt": getattr(row, "created_at", None),
        "updatedAt": getattr(row, "updated_at", None),
    }
    if hasattr(row, "generation"):
        found["generation"] = row.generation
    if isinstance(row, ReconciledModel):
        found["deletionRequestedAt"] = row.deletion_requested_at
    return found


def _project(kind: Kind, row: Any) -> dict[str, Any]:
    if not kind.project:
        return {}
    project = getattr(row, kind.project)
    return {"project": project.name if project else None}


def spec(kind: Kind, row: Any) -> dict[str, Any]:
    """The spec as the serializer shows it: what is write-only is not in it."""
    if kind.spec_serializer is None:
        return {}
    return dict(kind.spec_serializer(row).data)


def status(kind: Kind, row: Any) -> dict[str, Any]:
    """Conditions as a list, the observed generation, and what the kind adds."""
    if not isinstance(row, ReconciledModel):
        return kind.status(row)
    listed = [{"type": name, **condition} for name, condition in sorted(row.conditions.items())]
    return {
        "ready": row.ready,
        "conditions": listed,
        "observedGeneration": row.observed_generation,
        "failures": row.failures,
        **kind.status(row),
    }


def etag(row: Any) -> str:
    """Changes with the spec, not with the status: it guards what people edit."""
    return f'"{row.pk.hex[:12]}.{row.generation}"'


def generation_of_etag(row: Any, header: str) -> int | None:
    """The generation that If-Match asks for; None for `*`; raises InvalidError."""
    if header.strip() == "*":
        return None
    uid, _, generation = header.strip().strip('"').partition(".")
    if not _GENERATION.fullmatch(generation) or uid != row.pk.hex[:12]:
        return -1
    return int(generation)


def read(kind: Kind, document: Any, *, name: str, generation: int | None = None) -> Wish:
    """A document from outside as a wish; raises InvalidError or DRF's ValidationError.

    What the server itself writes (status, uid, generation, times) is accepted
    and ignored, so that `get -o yaml | apply -f -` works.
    """
    if not isinstance(document, Mapping):
        raise InvalidError("document_invalid", "A document is a mapping.")
    if unknown := sorted(set(map(str, document)) - _DOCUMENT_KEYS):
        raise InvalidError("field_unknown", "Unknown field.", field=unknown[0][:80])
    for key, wanted in (("apiVersion", API_VERSION), ("kind", kind.kind)):
        if document.get(key, wanted) != wanted:
            raise InvalidError("document_invalid", f"{key} must be {wanted}.", field=key)
    given = document.get("metadata", {})
    if isinstance(given, Mapping) and given.get("name", name) != name:
        raise InvalidError(
            "name_mismatch", "The document names another object.", field="metadata.name"
        )
    meta = _read_metadata(kind, given, name)
    body = kind.spec_serializer(data=document.get("spec", {}))
    if not body.is_valid():
        raise serializers.ValidationError({"spec": body.errors})
    return Wish(
        name, meta["labels"], dict(body.validated_data), generation, _wished_project(given, meta)
    )


def metadata_serializer(kind: Kind) -> type[MetadataSerializer]:
    """The metadata of this kind's documents."""
    return ProjectMetadataSerializer if kind.project else MetadataSerializer


def _wished_project(given: Mapping[str, Any], meta: dict[str, Any]) -> str | None:
    """Absent keeps the project, null and "" are none."""
    return (meta.get("project") or "") if "project" in given else None


def _read_metadata(kind: Kind, given: Any, name: str) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        raise InvalidError("document_invalid", "metadata is a mapping.", field="metadata")
    serializer = metadata_serializer(kind)
    known = set(serializer().fields)
    if unknown := sorted(set(map(str, given)) - known):
        raise InvalidError("field_unknown", "Unknown field.", field=f"metadata.{unknown[0][:80]}")
    labels = given.get("labels")
    data = {"labels": {} if labels is None else labels, "name": name}
    meta = serializer(
        data={**data, **({"project": given["project"]} if "project" in given else {})}
    )
    if not meta.is_valid():
        raise serializers.ValidationError({"metadata": meta.errors})
    if meta.validated_data["name"] != name:  # a field strips what stands around a name
        raise InvalidError("name_invalid", "A name has no blanks around it.", field="metadata.name")
    return dict(meta.validated_data)


def check_patch(patch: Any) -> None:
    """A patch says what to change, so what the server writes itself is refused in it."""
    if not isinstance(patch, Mapping):
        raise InvalidError("document_invalid", "A patch is a mapping.")
    if "status" in patch:
        raise InvalidError("field_read_only", "The status is observed.", field="status")
    given = patch.get("metadata")
    known = set(MetadataSerializer().fields) - _WRITABLE_METADATA
    if isinstance(given, Mapping) and (fixed := sorted(known & set(given))):
        raise InvalidError(
            "field_read_only", "The server writes this itself.", field=f"metadata.{fixed[0]}"
        )


def merge_patch(target: Any, patch: Any) -> Any:
    """RFC 7386: maps merge, null deletes, anything else replaces."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged


def sparse(document: dict[str, Any], paths: Sequence[str]) -> dict[str, Any]:
    """Only the dotted `paths` of a document, besides what identifies it."""
    kept: dict[str, Any] = {
        "apiVersion": document["apiVersion"],
        "kind": document["kind"],
        "metadata": {"name": document["metadata"]["name"]},
    }
    for path in paths:
        _copy_path(document, kept, path.split("."))
    return kept


def _copy_path(source: Any, target: dict[str, Any], keys: list[str]) -> None:
    for position, key in enumerate(keys):
        if not isinstance(source, Mapping) or key not in source:
            return
        source = source[key]
        if position == len(keys) - 1:
            target[key] = source
        else:
            target = target.setdefault(key, {})


@cache
def document_serializer(kind: Kind) -> type[serializers.Serializer[Any]]:
    """The document of a kind for the OpenAPI description."""
    fields: dict[str, Any] = {
        "apiVersion": serializers.CharField(default=API_VERSION),
        "kind": serializers.CharField(default=kind.kind),
        "metadata": metadata_serializer(kind)(),
        "status": _status_serializer(kind)(read_only=True),
    }
    if kind.spec_serializer is not None:
        fields["spec"] = kind.spec_serializer()
    name = kind.kind
    return type(
        f"{name}Serializer", (serializers.Serializer,), {**fields, "__doc__": kind.description}
    )


def _status_serializer(kind: Kind) -> type[serializers.Serializer[Any]]:
    fields = {
        "ready": serializers.ChoiceField(choices=["True", "False", "Unknown"], required=False),
        "conditions": ConditionSerializer(many=True, required=False),
        "observedGeneration": serializers.IntegerField(required=False),
    }
    return type(f"{kind.kind}StatusSerializer", (serializers.Serializer,), fields)


_ListMetadataSerializer = type(  # “continue” cannot be written as a class attribute
    "ListMetadataSerializer",
    (serializers.Serializer,),
    {"continue": serializers.CharField(allow_null=True)},
)


@cache
def list_serializer(kind: Kind) -> type[serializers.Serializer[Any]]:
    """The list of a kind for the OpenAPI description."""
    fields = {
        "apiVersion": serializers.CharField(default=API_VERSION),
        "kind": serializers.CharField(default=f"{kind.kind}List"),
        "metadata": _ListMetadataSerializer(),
        "items": document_serializer(kind)(many=True),
    }
    return type(f"{kind.kind}ListSerializer", (serializers.Serializer,), fields)
