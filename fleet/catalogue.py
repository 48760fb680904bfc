"""What a cluster serves, read from its discovery and its OpenAPI documents, as values.

The server's digest of an OpenAPI document says whether it changed since the
last look, so that a quiet cluster costs three small requests. What is kept of
a document are its schemas.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson

from fleet.kube import Kube
from fleet.kube_errors import Forbidden, NotFound, ServerError
from fleet.resource import Resource

Json = dict[str, Any]
Documents = Mapping[str, Sequence[str]]  # path → the server's digest, ours

_DEFINITIONS = Resource(
    "apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", False
)
_OPENAPI = "/openapi/v3"


@dataclass(slots=True)
class Type:
    """One kind; `versions` as on ServedResource, the server's preferred first."""

    name: str
    group: str
    plural: str
    kind: str
    singular: str
    short_names: list[str]
    categories: list[str]
    namespaced: bool
    custom: bool
    versions: list[Json] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Seen:
    """`silent`: group versions whose own server did not answer, so their kinds are unknown."""

    types: list[Type]
    silent: frozenset[str]
    documents: dict[str, list[str]]
    schemas: dict[str, Json]  # our digest → schemas; only what was read now


def look(kube: Kube, known: Documents, stored: Callable[[str], bool]) -> Seen:
    """Everything at once; raises KubeError. `stored`: whether we hold a digest's content."""
    documents = kube.discovery_documents()
    custom = frozenset(
        str((one.get("metadata") or {}).get("name"))
        for one in kube.list(_DEFINITIONS, metadata_only=True)
    )
    types, silent = types_in(documents, custom)
    found, schemas = _documents(kube, known, stored)
    for one in types:
        for version in one.versions:
            digests = found.get(_path(one.group, version["name"]))
            if digests:
                version["schema"] = digests[1]
    return Seen(types, silent, found, schemas)


def types_in(
    documents: Iterable[Json], custom: frozenset[str]
) -> tuple[list[Type], frozenset[str]]:
    """Pure: the kinds of aggregated discovery documents; raises ServerError for another form."""
    types: dict[str, Type] = {}
    silent: set[str] = set()
    for document in documents:
        if document.get("kind") != "APIGroupDiscoveryList":
            raise ServerError(
                "The server does not speak aggregated discovery (Kubernetes 1.30 and newer do).",
                code="discovery_too_old",
            )
        for group, version, resources, stale in _versions(document):
            if stale:
                silent.add(f"{group}/{version}" if group else version)
            for entry in resources:
                _note(types, entry, group, version, custom)
    return list(types.values()), frozenset(silent)


def _versions(document: Json) -> Iterator[tuple[str, str, list[Json], bool]]:
    for group in document.get("items") or ():
        name = str((group.get("metadata") or {}).get("name") or "")
        for version in group.get("versions") or ():
            stale = version.get("freshness") == "Stale"
            yield name, str(version["version"]), version.get("resources") or [], stale


def _note(
    types: dict[str, Type], entry: Json, group: str, version: str, custom: frozenset[str]
) -> None:
    plural = str(entry["resource"])[:63]
    name = f"{plural}.{group}" if group else plural
    kind = str((entry.get("responseKind") or {}).get("kind") or "")[:63]
    one = types.get(name)
    if one is None:
        one = types[name] = Type(
            name=name[:320],
            group=group[:253],
            plural=plural,
            kind=kind,
            singular=str(entry.get("singularResource") or "")[:63],
            short_names=[str(each) for each in entry.get("shortNames") or ()],
            categories=[str(each) for each in entry.get("categories") or ()],
            namespaced=entry.get("scope") == "Namespaced",
            custom=name in custom,
        )
    verbs = sorted(map(str, entry.get("verbs") or ()))
    subresources = [str(each.get("subresource")) for each in entry.get("subresources") or ()]
    one.versions.append({"name": version, "verbs": verbs, "subresources": sorted(subresources)})


def with_definitions(types: Iterable[Type], definitions: Mapping[str, Json]) -> None:
    """Add what only CRDs say: printer columns, which version is stored, which is deprecated."""
    for one in types:
        told = {each["name"]: each for each in definitions.get(one.name, {}).get("versions") or ()}
        for version in one.versions:
            given = told.get(version["name"])
            if given:
                version |= {
                    "columns": given.get("columns") or [],
                    "storage": bool(given.get("storage")),
                    "deprecated": bool(given.get("deprecated")),
                }


def _documents(
    kube: Kube, known: Documents, stored: Callable[[str], bool]
) -> tuple[dict[str, list[str]], dict[str, Json]]:
    """Path → digests, and the schemas of the documents that changed."""
    try:
        index = kube.get(_OPENAPI).get("paths") or {}
    except (Forbidden, NotFound):
        return {}, {}  # this identity may not read it, or an old server: kinds without schemas
    found: dict[str, list[str]] = {}
    schemas: dict[str, Json] = {}
    for path, entry in sorted(index.items()):
        if not path.startswith(("api/", "apis/")) or path.count("/") not in (1, 2):
            continue
        theirs = _hash(str((entry or {}).get("serverRelativeURL") or ""))
        before = known.get(path)
        if theirs and before and before[0] == theirs and stored(before[1]):
            found[path] = list(before)
            continue
        document = kube.get(f"{_OPENAPI}/{path}")
        content = ((document.get("components") or {}).get("schemas")) or {}
        digest = digest_of(content)
        found[path] = [theirs, digest]
        schemas[digest] = content
    return found, schemas


def digest_of(schemas: Json) -> str:
    """Our own: equal content has one digest wherever it comes from."""
    return hashlib.sha256(orjson.dumps(schemas, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _hash(url: str) -> str:
    return (parse_qs(urlsplit(url).query).get("hash") or [""])[0][:128]


def _path(group: str, version: str) -> str:
    return f"apis/{group}/{version}" if group else f"api/{version}"
