"""Names of things in a cluster: which object, and where its kind is served."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from kubecarrier.lib.errors import InvalidError


@dataclass(frozen=True, slots=True, order=True)
class ObjectRef:
    """One object. `api_version` is `v1` or `group/version`; `namespace` is "" when cluster-wide."""

    api_version: str
    kind: str
    namespace: str
    name: str

    @property
    def group(self) -> str:
        return self.api_version.rpartition("/")[0]

    def __str__(self) -> str:
        where = f"{self.namespace}/" if self.namespace else ""
        return f"{self.kind} {where}{self.name}"


@dataclass(frozen=True, slots=True)
class Resource:
    """A served kind: `plural` is its name in paths, `verbs` what it can do (discovery).

    `subresources` are names such as `scale`; older servers leave the last four empty.
    """

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool
    verbs: frozenset[str] = frozenset()
    singular: str = ""
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: frozenset[str] = frozenset()

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, *, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """Path below the server's base; `namespace` is left out for cluster-wide kinds."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        scope = ("namespaces", namespace) if self.namespaced and namespace else ()
        return "/".join(
            (root, *map(segment, (*scope, self.plural, *filter(None, (name, subresource)))))
        )


def segment(text: str) -> str:
    """One path segment; refuses what could leave it (Kubernetes' own path segment rule)."""
    if text in ("", ".", "..") or "/" in text or "%" in text:
        raise InvalidError("object_name_invalid", f"{text!r} cannot be part of an object's path.")
    return quote(text, safe=":")
