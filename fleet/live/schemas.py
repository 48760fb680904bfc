"""The schema of a kind, from the server's own OpenAPI v3 document.

The index names each document with a hash of its content, so a document is read
once per connection and content. Only what one kind needs of it is kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from fleet.connection import Connection
from fleet.kube import Kube, Resource
from fleet.kube_errors import NotFound
from fleet.live.session import BUDGET, Session
from kubecarrier.lib.errors import NotFoundError

Json = dict[str, Any]

_ROOT = "/openapi/v3"
_REF = "#/components/schemas/"
_GVK = "x-kubernetes-group-version-kind"
_EXPANDED_DEPTH = 24
_RECURSIVE = "x-kubecarrier-recursive"


@dataclass(frozen=True, slots=True)
class Schema:
    """The schema of a kind with the components that it refers to."""

    root: Json
    components: dict[str, Json] = field(repr=False)

    def resolved(self, node: Any) -> Json:
        """A node with its reference followed (one step); what stands beside the reference wins."""
        seen = 0
        found: Json = node if isinstance(node, dict) else {}
        while (name := _ref_of(found)) and seen < _EXPANDED_DEPTH:
            beside = {k: v for k, v in found.items() if k not in {"$ref", "allOf"}}
            found = {**self.components.get(name, {}), **beside}
            seen += 1
        return found

    def expanded(self) -> Json:
        """Without references; where a type contains itself it ends with a mark."""
        found: Json = self._expanded(self.root, ())
        return found

    def _expanded(self, node: Any, above: tuple[str, ...]) -> Any:
        if isinstance(node, list):
            return [self._expanded(item, above) for item in node]
        if not isinstance(node, dict):
            return node
        if name := _ref_of(node):
            if name in above or len(above) > _EXPANDED_DEPTH:
                return {"type": "object", "description": f"{name}", _RECURSIVE: True}
            above = (*above, name)
            node = self.resolved(node)
        return {key: self._expanded(value, above) for key, value in node.items()}


def kind_schema(session: Session, kind: Resource) -> Schema:
    """Raises NotFoundError `schema_unknown` where the server publishes none."""
    session.require("resources.view")
    with session.doing(f"read the schema of {kind.kind}"):
        return schema_of(session.kube, kind)


def schema_of(kube: Kube, kind: Resource) -> Schema:
    """As above, for a door."""
    prefix = f"apis/{kind.api_version}" if kind.group else f"api/{kind.version}"
    try:
        index = kube.get(_ROOT)
        entry = (index.get("paths") or {}).get(prefix) or {}
        url = str(entry.get("serverRelativeURL") or "")
        if not url.startswith(f"{_ROOT}/"):
            raise _unknown(kind)
        return _published(kube.connection, url, kind)
    except NotFound as error:
        raise _unknown(kind) from error


@lru_cache(maxsize=128)
def _published(connection: Connection, url: str, kind: Resource) -> Schema:
    """Read by the portal itself: who may read the index may read what it names."""
    found = _of_document(Kube(connection, budget=BUDGET).get(url), kind)
    if found is None:
        raise _unknown(kind)
    return found


def _unknown(kind: Resource) -> NotFoundError:
    return NotFoundError("schema_unknown", f"The cluster publishes no schema of {kind.kind}.")


def _of_document(document: Json, kind: Resource) -> Schema | None:
    """The kind's component and everything below it."""
    components = (document.get("components") or {}).get("schemas") or {}
    wanted = {"group": kind.group, "version": kind.version, "kind": kind.kind}
    root = next((c for c in components.values() if wanted in (c.get(_GVK) or ())), None)
    if root is None:
        return None
    needed: dict[str, Json] = {}
    queue: list[Any] = [root]
    while queue:
        node = queue.pop()
        if isinstance(node, list):
            queue += node
        elif isinstance(node, dict):
            name = str(node.get("$ref") or "").removeprefix(_REF)
            if name and name in components and name not in needed:
                needed[name] = components[name]
                queue.append(components[name])
            queue += [value for value in node.values() if isinstance(value, dict | list)]
    return Schema(root, needed)


def _ref_of(node: Json) -> str:
    """The component a node stands for: `$ref`, or `allOf` with one, as Kubernetes writes it."""
    if isinstance(ref := node.get("$ref"), str):
        return ref.removeprefix(_REF)
    only = node.get("allOf")
    if isinstance(only, list) and len(only) == 1 and isinstance(only[0], dict):
        ref = only[0].get("$ref")
        return ref.removeprefix(_REF) if isinstance(ref, str) else ""
    return ""
