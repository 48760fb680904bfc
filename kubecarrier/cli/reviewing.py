"""Access reviews for the terminal: questions to the portal or to a cluster, and their tables."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass

from kubecarrier.cli.answers import Document
from kubecarrier.cli.api import Api, items_of, path_of
from kubecarrier.cli.clean import clean
from kubecarrier.cli.errors import usage_error
from kubecarrier.cli.kinds import Kinds
from kubecarrier.cli.tables import NONE, UNKNOWN, age

#: Verbs that only Kubernetes has; `create` and `delete` are the portal's as well.
_KUBERNETES = frozenset(
    {"get", "list", "watch", "update", "patch", "deletecollection", "impersonate", "bind",
     "escalate", "approve", "sign", "proxy", "use", "*"}
)  # fmt: skip
_BOTH = frozenset({"create", "delete"})
# Kinds of the portal that are called as Kubernetes calls its own.
_SHARED = frozenset({"nodes", "namespaces"})
# Who writes kubectl's verbs about the portal's own kinds means these.
_AS_PORTAL = {"get": "view", "list": "view", "watch": "view", "update": "edit", "patch": "edit"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a question is asked."""

    project: str = ""
    cluster: str = ""
    namespace: str = ""


def of_cluster(api: Api, verb: str, kind: str, place: Place) -> bool:
    """Whether this is for the cluster's own authorizer: kubectl's verb on a kind of Kubernetes."""
    if not place.cluster:
        return False
    if verb in _KUBERNETES or kind.startswith("/"):
        return True
    if verb not in _BOTH:
        return False
    found = next((one for one in Kinds.fetch(api).all if kind.lower() in one.names), None)
    return found is None or found.plural in _SHARED


def portal_question(verb: str, what: str, place: Place) -> dict[str, str]:
    """The body or the parameters of a question about the portal's own kinds."""
    kind, _, name = what.partition("/")
    if what.startswith("/"):
        raise usage_error("A path is asked of a cluster: say which with --cluster.")
    if not kind and "." not in verb:
        raise usage_error("Name a kind, or a whole right such as applications.edit.")
    found = {
        "verb": _AS_PORTAL.get(verb, verb), "kind": kind, "name": name, "project": place.project,
        "cluster": place.cluster, "namespace": place.namespace,
    }  # fmt: skip
    return {key: text for key, text in found.items() if text}


def cluster_question(verb: str, what: str, subresource: str, place: Place) -> dict[str, str]:
    """The body or the parameters of a question to a cluster, in kubectl's spelling."""
    if place.project:
        raise usage_error("A cluster knows no projects: leave --project out.")
    if what.startswith("/"):
        kind, name = what, ""
    else:
        kind, _, name = what.partition("/")
    if not kind:
        raise usage_error("Name a kind.")
    found = {
        "verb": verb, "resource": kind, "name": name, "subresource": subresource,
        "namespace": place.namespace,
    }  # fmt: skip
    return {key: text for key, text in found.items() if text}


def cluster_path(cluster: str, question: str) -> str:
    """`clusters/NAME/can-i`."""
    return path_of("clusters", cluster, question)


def holders_table(items: Iterable[Document], *, wide: bool) -> tuple[list[str], list[list[str]]]:
    """A line for each way of each person."""
    headers = ["Who", "Kind", "Through", "Binding", "Role", "Scope"]
    more = ["Held-on", "Tokens"] if wide else []
    rows = []
    for item in items:
        for way in item.get("by") or []:
            row = [
                _who(item), str(item.get("kind")), _through(way), str(way.get("binding") or NONE),
                str(way.get("role") or NONE), str(way.get("where") or NONE),
            ]  # fmt: skip
            rows.append(
                row + ([str(way.get("on") or NONE), str(item.get("tokens"))] if wide else [])
            )
    return headers + more, rows


def subjects_table(items: Iterable[Document]) -> tuple[list[str], list[list[str]]]:
    """Whom a cluster's own RBAC allows it."""
    headers = ["Subject", "Kind", "Binding", "Role", "Namespace", "By"]
    rows = [
        [
            str(item.get("name")), str(item.get("kind")), str(item.get("binding")),
            str(item.get("role")), str(item.get("namespace") or "*"),
            "kubecarrier" if item.get("ours") else "others",
        ]
        for item in items
    ]  # fmt: skip
    return headers, rows


def lines_table(items: Iterable[Document], *, wide: bool) -> tuple[list[str], list[list[str]]]:
    """What bindings give, person by person."""
    headers = ["Who", "Role", "Scope", "Binding", "Through"]
    rows = []
    for item in items:
        row = [_who(item), *(str(item.get(key)) for key in ("role", "where", "binding")), _through(item)]  # fmt: skip
        rows.append(row + ([str(item.get("kind")), age(item.get("since"))] if wide else []))
    return headers + (["Kind", "Age"] if wide else []), rows


def drift_table(items: Iterable[Document], *, wide: bool) -> tuple[list[str], list[list[str]]]:
    """What differs; a cluster that could not be asked is a line, too."""
    headers = ["Cluster", "State", "Object", "Binding", "Message"]
    rows = []
    for item in items:
        unknown = item.get("state") == "Unknown"
        since = f" Last seen {age(item.get('at'))} ago." if unknown and item.get("at") else ""
        what = UNKNOWN if unknown else _object(item)
        row = [
            str(item.get("cluster")), str(item.get("state")), what,
            str(item.get("binding") or NONE), f"{item.get('message')}{since}",
        ]  # fmt: skip
        rows.append(row + ([str(bool(item.get("settled"))).lower()] if wide else []))
    return headers + (["Settled"] if wide else []), rows


def orphans_table(items: Iterable[Document], *, wide: bool) -> tuple[list[str], list[list[str]]]:
    """What nobody needs, or nobody should have."""
    headers = ["Reason", "Object", "Cluster", "Message"]
    rows = []
    for item in items:
        row = [
            str(item.get("reason")), _object(item), str(item.get("cluster") or NONE),
            str(item.get("message")),
        ]  # fmt: skip
        rows.append(row + ([age(item.get("since")) if item.get("since") else NONE] if wide else []))
    return headers + (["Age"] if wide else []), rows


def pages(api: Api, path: str, params: dict[str, str]) -> Iterable[Document]:
    """Every page of a report."""
    query = dict(params)
    while True:
        page = api.get(path, query)
        items_of(page)
        yield page
        token = (page.get("metadata") or {}).get("continue")
        if not token:
            return
        query["continue"] = str(token)


def write_csv(api: Api, path: str, params: dict[str, str]) -> None:
    """The server's own CSV, no cell of which is a formula."""
    answer = api.call("GET", path, params={**params, "format": "csv"})
    text = answer.content.decode("utf-8", "replace")
    sys.stdout.write(clean(text) if sys.stdout.isatty() else text)


def _who(item: Document) -> str:
    name = str(item.get("user"))
    return name if item.get("active", True) else f"{name} (inactive)"


def _through(way: Document) -> str:
    if way.get("through") == "group":
        return f"group {way.get('group')}"
    return str(way.get("through"))


def _object(item: Document) -> str:
    place = f"{item['namespace']}/" if item.get("namespace") else ""
    return f"{item.get('kind')}/{place}{item.get('name')}"
