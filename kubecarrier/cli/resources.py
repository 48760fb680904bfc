"""Live objects of clusters, as the server answers them: kinds, rows, objects, results per object."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kubecarrier.cli.answers import Document
from kubecarrier.cli.api import Api, items_of, path_of
from kubecarrier.cli.errors import CliError, ExitCode, exit_code_for

_PAGE = 500
_STATUS_OF_CODE = {
    "kube_not_found": 404, "kube_unknown_kind": 404, "cluster_denied": 403, "permission_denied": 403,
    "kube_unreachable": 503, "kube_timed_out": 503, "not_tried": 503,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of one cluster."""

    group: str
    version: str
    kind: str
    plural: str
    singular: str
    namespaced: bool
    names: frozenset[str]

    @property
    def api_version(self) -> str:
        return self.version if self.group == "core" else f"{self.group}/{self.version}"

    @property
    def shown(self) -> str:
        """kubectl's `deployment.apps`."""
        return self.singular if self.group == "core" else f"{self.singular}.{self.group}"


@dataclass(frozen=True, slots=True)
class Asked:
    """Which objects: by names, or what the selectors leave. `namespace` "" is all of them."""

    names: tuple[str, ...] = ()
    namespace: str = "default"
    label_selector: str = ""
    field_selector: str = ""


class Kinds:
    """What one cluster serves."""

    def __init__(self, api: Api, cluster: str) -> None:
        self._cluster = cluster
        self.all = [
            _kind(item) for item in items_of(api.get(path_of("clusters", cluster, "resources")))
        ]

    def find(self, word: str) -> Kind:
        """By kind, plural, singular, short name, or `deployments.apps`; raises CliError."""
        wanted = word.lower()
        for kind in self.all:
            if wanted in kind.names or wanted in {f"{name}.{kind.group}" for name in kind.names}:
                return kind
        raise CliError(
            f"The cluster serves no “{word}”.",
            code="kube_unknown_kind", exit_code=ExitCode.NOT_FOUND,
            hint=f"`kubecarrier resource kinds --cluster {self._cluster}` lists what it serves.",
        )  # fmt: skip

    def of_document(self, document: Document) -> Kind | None:
        """The kind of a document; None where the cluster serves it in no preferred version."""
        wanted = (document.get("apiVersion"), document.get("kind"))
        return next((one for one in self.all if (one.api_version, one.kind) == wanted), None)


def list_path(cluster: str, kind: Kind) -> str:
    """The list of a kind."""
    return path_of("clusters", cluster, "resources", kind.group, kind.version, kind.plural)


def object_path(cluster: str, kind: Kind, namespace: str, name: str) -> str:
    """One object."""
    scope = namespace if kind.namespaced else "-"
    return f"{list_path(cluster, kind)}/{path_of(scope, name)}"


def rows(api: Api, cluster: str, kind: Kind, asked: Asked) -> tuple[list[Document], list[Document]]:
    """Columns and rows, over all pages."""
    columns: list[Document] = []
    found: list[Document] = []
    for page in _pages(api, cluster, kind, asked, {}):
        columns = [one for one in page.get("columns") or [] if isinstance(one, dict)]
        found += items_of(page)
    return columns, found


def objects(api: Api, cluster: str, kind: Kind, asked: Asked) -> list[Document]:
    """Whole objects, over all pages."""
    if asked.names:
        return [api.get(object_path(cluster, kind, asked.namespace, name)) for name in asked.names]
    pages = _pages(api, cluster, kind, asked, {"objects": "true"})
    return [item for page in pages for item in items_of(page)]


def _pages(
    api: Api, cluster: str, kind: Kind, asked: Asked, more: dict[str, str | int]
) -> list[Document]:
    if asked.names:
        paths = [object_path(cluster, kind, asked.namespace, name) for name in asked.names]
        return [api.get(path, {"row": "true"}) for path in paths]
    query: dict[str, str | int] = {"limit": _PAGE, **more}
    if kind.namespaced and asked.namespace:
        query["namespace"] = asked.namespace
    if asked.label_selector:
        query["labelSelector"] = asked.label_selector
    if asked.field_selector:
        query["fieldSelector"] = asked.field_selector
    found = []
    while True:
        page = api.get(list_path(cluster, kind), query)
        found.append(page)
        token = (page.get("metadata") or {}).get("continue")
        if not token:
            return found
        query["continue"] = str(token)


def chosen_items(kind: Kind, found: Sequence[Document]) -> list[Document]:
    """Rows as the items of a bulk action: these very objects, by uid."""
    return [
        {
            "apiVersion": kind.api_version, "kind": kind.kind, "uid": row["metadata"]["uid"],
            "namespace": row["metadata"]["namespace"], "name": row["metadata"]["name"],
        }
        for row in found
    ]  # fmt: skip


def named_items(kind: Kind, asked: Asked) -> list[Document]:
    """Names as the items of a bulk action."""
    namespace = asked.namespace if kind.namespaced else ""
    return [
        {"apiVersion": kind.api_version, "kind": kind.kind, "namespace": namespace, "name": name}
        for name in asked.names
    ]


def error_of_item(item: Document) -> CliError | None:
    """What became of one object of several, as an error."""
    error = item.get("error")
    if not isinstance(error, dict):
        return None
    code = str(error.get("code") or "error")
    status = _STATUS_OF_CODE.get(code, 409 if "conflict" in code else 400)
    where = "/".join(str(item.get(key)) for key in ("kind", "namespace", "name") if item.get(key))
    return CliError(
        f"{where}: {error.get('message')}",
        code=code,
        exit_code=exit_code_for(status),
        field=error.get("field"),
        hint=error.get("hint"),
        request_id=error.get("requestId"),
        data=error.get("data") if isinstance(error.get("data"), dict) else None,
    )


def _kind(item: Any) -> Kind:
    kind, plural = str(item.get("kind") or ""), str(item.get("plural") or "")
    singular = str(item.get("singular") or kind.lower())
    short = [str(name) for name in item.get("shortNames") or []]
    return Kind(
        group=str(item.get("group") or ""),
        version=str(item.get("version") or ""),
        kind=kind,
        plural=plural,
        singular=singular,
        namespaced=item.get("namespaced") is True,
        names=frozenset(name.lower() for name in (kind, plural, singular, *short)),
    )
