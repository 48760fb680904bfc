"""Rendered manifests as objects: what a release is made of."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from fleet.resource import ObjectRef
from kubecarrier.lib import strict_yaml
from kubecarrier.lib.errors import InvalidError

Json = dict[str, Any]
# (apiVersion, kind) → whether such objects live in a namespace; None: not known.
ScopeOf = Callable[[str, str], bool | None]

MAX_BYTES = 32 * 1024 * 1024  # all documents together
_MAX_NODES = 2_000_000
_HOOK = "helm.sh/hook"
_KEEP = "helm.sh/resource-policy"
# Helm's own separator (pkg/release/v1/util, SplitManifests): `---` at the start of a line.
_SEPARATOR = re.compile(r"(?:^|\s*\n)---[ \t]*(?:#[^\n]*)?(?=\n|$)")


class ManifestError(InvalidError):
    """Codes `manifest_invalid` and `manifest_too_large`; `document` counts from 0."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """Objects in the order of the text, hooks apart (they are not part of the release)."""

    objects: tuple[Json, ...]
    hooks: tuple[Json, ...]


def parse_manifest(text: str) -> Manifest:
    """Multi-document YAML as Helm renders it; Lists are taken apart, empty documents left out.

    Raises ManifestError for what is no YAML, no mapping, or has no apiVersion,
    kind or name.
    """
    objects: list[Json] = []
    hooks: list[Json] = []
    for index, document in enumerate(_documents(text)):
        for obj in _flattened(document, index):
            (hooks if is_hook(obj) else objects).append(obj)
    return Manifest(tuple(objects), tuple(hooks))


def object_ref(obj: Json, *, default_namespace: str, namespaced: ScopeOf) -> ObjectRef:
    """The object's name in a cluster.

    An object without namespace goes to `default_namespace` unless its kind is
    cluster-wide; a kind nobody knows (its CRD comes with the release) counts
    as it is written.
    """
    api_version, kind = str(obj["apiVersion"]), str(obj["kind"])
    metadata = obj["metadata"]
    written = str(metadata.get("namespace") or "")
    scope = namespaced(api_version, kind)
    if scope is False:
        written = ""
    elif scope is True and not written:
        written = default_namespace
    return ObjectRef(api_version, kind, written, str(metadata["name"]))


def with_namespace(obj: Json, ref: ObjectRef) -> Json:
    """A copy that carries the namespace of its reference."""
    metadata = {key: item for key, item in obj["metadata"].items() if key != "namespace"}
    if ref.namespace:
        metadata["namespace"] = ref.namespace
    return {**obj, "metadata": metadata}


def object_refs(
    objects: Iterable[Json], *, default_namespace: str, namespaced: ScopeOf
) -> tuple[ObjectRef, ...]:
    """References in order, each once."""
    refs = (
        object_ref(obj, default_namespace=default_namespace, namespaced=namespaced)
        for obj in objects
    )
    return tuple(dict.fromkeys(refs))


def owned_fingerprint(obj: Json) -> tuple[str, str]:
    """(uid, generation, or `rv:` and the resourceVersion for kinds that count no generation).

    Equal fingerprints: nobody changed the object's spec. The reverse does not
    hold for kinds without generation (ConfigMap, Secret, Service): there every
    write counts.
    """
    metadata = obj.get("metadata") or {}
    generation = metadata.get("generation")
    if generation:
        return str(metadata.get("uid", "")), str(generation)
    return str(metadata.get("uid", "")), f"rv:{metadata.get('resourceVersion', '')}"


def is_hook(obj: Json) -> bool:
    """Helm runs it at a moment and forgets it."""
    return _HOOK in _annotations(obj)


def is_kept(obj: Json) -> bool:
    """Helm leaves it in the cluster when it uninstalls or drops it (resource-policy: keep)."""
    return str(_annotations(obj).get(_KEEP, "")).strip().lower() == "keep"


def _documents(text: str) -> Iterable[Any]:
    if len(text) > MAX_BYTES:
        raise ManifestError("manifest_too_large", f"A manifest has at most {MAX_BYTES} bytes.")
    pieces = (piece for piece in _SEPARATOR.split(text) if piece.strip())
    for index, piece in enumerate(pieces):
        document = _loaded(piece, index)
        if document is not None:  # only comments
            yield document


def _loaded(piece: str, index: int) -> object:
    try:
        return strict_yaml.load(
            piece, max_bytes=4 * MAX_BYTES, max_nodes=_MAX_NODES, dialect=strict_yaml.HELM
        )
    except strict_yaml.YamlError as error:
        raise ManifestError(
            "manifest_invalid",
            f"Document {index} of the manifest is no YAML that Kubernetes takes.",
            document=index,
            reason=str(error.code),
            line=error.data.get("line"),
        ) from None


def _flattened(document: Any, index: int) -> Iterable[Json]:
    """A `List` stands for its items."""
    if not isinstance(document, dict):
        raise _incomplete(index)
    if str(document.get("kind", "")).endswith("List") and isinstance(document.get("items"), list):
        for item in document["items"]:
            yield from _flattened(item, index)
        return
    metadata = document.get("metadata")
    named = isinstance(metadata, dict) and (metadata.get("name") or metadata.get("generateName"))
    if not (named and document.get("apiVersion") and document.get("kind")):
        raise _incomplete(index)
    yield document


def _incomplete(index: int) -> ManifestError:
    return ManifestError(
        "manifest_invalid",
        f"Document {index} of the manifest has no apiVersion, kind or name.",
        document=index,
    )


def _annotations(obj: Json) -> Json:
    annotations = (obj.get("metadata") or {}).get("annotations")
    return annotations if isinstance(annotations, dict) else {}
