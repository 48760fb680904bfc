"""What a change of an application needs: the whole right to edit, or a part of it.

Somebody may be allowed to change the number of replicas, or image tags, or the chart's
version, and nothing else. What a change is, is read from the stored and the wanted
spec, so that console, REST, CLI and git agree.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Set
from typing import Any

from apps.models import Application
from apps.queries import secret_data
from apps.values import parse_values
from kubecarrier.lib import access
from kubecarrier.lib.manifests import Wish

CREATE, EDIT = "create", "edit"
CREATING = frozenset({CREATE})
REPLICA_KEYS = ("replicaCount", "replicas")
_VERSION_COLUMNS = frozenset({"version", "resolved_version", "digest"})
# The grammar of a tag or digest; anything wider could leave the quotes of a template.
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}|sha256:[0-9a-f]{64}")
_MAX_REPLICAS = 10_000
Path = tuple[str, ...]


def demand(verbs: Set[str], row: Any) -> None:
    """Raises DeniedError unless the acting person may edit, or holds each of `verbs`, on `row`."""
    user = access.acting_person()
    if user is None or not verbs or access.may(user, "applications.edit", row):
        return
    for verb in sorted(verbs):
        access.require(user, f"applications.{verb}", row)


def demand_reach(verbs: Set[str], row: Application) -> None:
    """What an application reaches after a change of where it is placed must be held too."""
    if (user := access.acting_person()) is not None:
        for verb in sorted(verbs & {CREATE, EDIT, "rollback"}):
            access.require_reach(user, f"applications.{verb}", row)


def needed(
    row: Application, project: Any, wish: Wish, spec: Mapping[str, Any], data: Any
) -> frozenset[str]:
    """The verbs that going from `row` to the wanted spec takes; empty: nothing changes."""
    verbs: set[str] = set()
    if row.project != project or secret_data(row) != data or row.labels != wish.labels:
        verbs.add(EDIT)
    for column, value in spec.items():
        stored = getattr(row, column)
        if stored != value:
            verbs |= _of_column(column, stored, value)
    return frozenset(verbs)


def _of_column(column: str, before: Any, after: Any) -> set[str]:
    if column in _VERSION_COLUMNS:
        return {"upgrade"}
    if column == "values":
        return _of_values(parse_values(before), parse_values(after))
    if column == "placement":
        return _of_placement(before, after)
    if column == "suspended":
        return {"pause"}
    return {EDIT}


def _of_placement(before: Mapping[str, Any], after: Mapping[str, Any]) -> set[str]:
    """Where it is placed is an edit; the values of an override are judged like values."""
    was, now = dict(before), dict(after)
    overrides, wanted = was.pop("overrides", {}) or {}, now.pop("overrides", {}) or {}
    keys = was.keys() | now.keys()
    if any((was.get(key) or None) != (now.get(key) or None) for key in keys):
        return {EDIT}
    verbs: set[str] = set()
    for cluster in overrides.keys() | wanted.keys():
        old, new = dict(overrides.get(cluster, {})), dict(wanted.get(cluster, {}))
        verbs |= _of_values(old.pop("values", {}), new.pop("values", {}))
        if old != new:
            verbs.add(EDIT)
    return verbs


def _of_values(before: Any, after: Any) -> set[str]:
    return {_verb(path, value) for path, value in _changed(before, after)}


def _verb(path: Path, value: Any) -> str:
    last = path[-1] if path else ""
    whole = isinstance(value, int) and not isinstance(value, bool)
    if last in REPLICA_KEYS and whole and 0 <= value <= _MAX_REPLICAS:
        return "scale"
    of_image = last == "tag" and any("image" in part.lower() for part in path[:-1])
    if of_image and isinstance(value, str) and _TAG.fullmatch(value):
        return "image"
    return EDIT


_ABSENT = object()


def _changed(before: Any, after: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Each leaf that differs, with what is wanted there; what went is a leaf without a value."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in before.keys() | after.keys():
            at = (*path, str(key))
            yield from _changed(before.get(key, _ABSENT), after.get(key, _ABSENT), at)
    elif before is _ABSENT and isinstance(after, Mapping) and after:
        yield from _changed({}, after, path)
    elif (
        before is _ABSENT or after is _ABSENT or before != after or type(before) is not type(after)
    ):
        yield path, after
