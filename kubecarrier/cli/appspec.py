"""The spec of an application, from the options of `app create`, `deploy` and `diff`."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from kubecarrier.cli.answers import Document
from kubecarrier.cli.errors import usage_error
from kubecarrier.cli.kinds import Kind
from kubecarrier.cli.values import from_files, merged, with_sets


class OnFailure(StrEnum):
    """What becomes of the objects of a failed install or upgrade."""

    KEEP = "keep"
    REMOVE = "remove"
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True)
class Change:
    """What the options ask for; what is empty stays as it is."""

    chart: str = ""
    version: str = ""
    namespace: str = ""
    files: tuple[Path, ...] = ()
    sets: tuple[str, ...] = ()
    strings: tuple[str, ...] = ()
    clusters: tuple[str, ...] = ()
    selector: str = ""
    on_failure: OnFailure | None = None
    keep_resources: bool | None = None
    project: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether no option was given."""
        return self == Change()


def has_text_values(kind: Kind) -> bool:
    """Whether this server takes values as YAML text, comments kept, rather than as a mapping."""
    properties = kind.schema.get("properties")
    values = properties.get("values") if isinstance(properties, dict) else None
    return isinstance(values, dict) and values.get("type") == "string"


def document_of(
    name: str, spec: Document, labels: Document | None = None, project: str = ""
) -> Document:
    """An application as a document; without a project, it keeps the one that is."""
    meta: Document = {"name": name, "labels": labels or {}}
    return {
        "apiVersion": "kubecarrier.io/v1",
        "kind": "Application",
        "metadata": {**meta, **({"project": project} if project else {})},
        "spec": spec,
    }


def changed(spec: Document, change: Change, *, as_text: bool) -> Document:
    """A copy of `spec` with the options applied; raises a usage error."""
    found = copy.deepcopy(spec)
    found |= {key: value for key, value in _scalars(change).items() if value not in ("", None)}
    if change.clusters or change.selector:
        found["placement"] = _placement(found.get("placement") or {}, change)
    if change.files or change.sets or change.strings:
        found["values"] = _values(found.get("values"), change, as_text=as_text)
    return found


def require_new(spec: Document) -> None:
    """What a new application cannot do without; raises a usage error."""
    missing = [f"--{key}" for key in ("chart", "namespace") if not spec.get(key)]
    if missing:
        raise usage_error(f"A new application needs {' and '.join(missing)}.")


def _scalars(change: Change) -> dict[str, Any]:
    return {
        "chart": change.chart,
        "version": change.version,
        "namespace": change.namespace,
        "onFailure": change.on_failure.value if change.on_failure else None,
        "keepResources": change.keep_resources,
    }


def _placement(current: Document, change: Change) -> Document:
    """`--cluster` replaces the names, `--selector` the selector; exclusions and overrides stay."""
    placement = dict(current)
    if change.clusters:
        placement["clusters"] = list(change.clusters)
    if change.selector:
        placement["selector"] = change.selector
    return placement


def _values(current: Any, change: Change, *, as_text: bool) -> Any:
    """Files replace the values, as `helm upgrade -f` does; `--set` goes on top of what stands."""
    from kubecarrier.cli import yamlio

    text = ""
    if change.files:
        values, text = from_files(change.files)
    elif isinstance(current, str):
        values = yamlio.load(current, "the present values") or {}
    else:
        values = merged({}, current or {})
    if as_text and text and not (change.sets or change.strings):
        return text
    values = with_sets(values, change.sets, change.strings)
    return yamlio.dump(values) if as_text else values
