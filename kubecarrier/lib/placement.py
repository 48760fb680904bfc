"""Placement: on which clusters a placed kind runs, and what differs there.

The selector syntax is Kubernetes' own (`env=prod,tier in (a,b),!legacy`);
source of the rules: "Labels and Selectors" in Kubernetes' concepts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from django.db import models
from django.db.models import F, Func, TextField, Value
from django.db.models.lookups import Exact

from kubecarrier.lib.errors import InvalidError

_KEY = r"(?:[a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?"
_VALUE = r"(?:[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?"
_MAX_LENGTH = 63
_MAX_PREFIX_LENGTH = 253
# Matched in full: `$` would let a line break at the end pass.
_KEY_RE = re.compile(_KEY)
_VALUE_RE = re.compile(_VALUE)
_SET_RE = re.compile(r"(?P<key>\S+)\s+(?P<operator>in|notin)\s*\((?P<values>[^()]*)\)")
_EQUAL_RE = re.compile(r"(?P<key>[^=!\s]+)\s*(?P<operator>==|=|!=)\s*(?P<value>\S*)")


class Operator(StrEnum):
    """The four requirements of a label selector."""

    IN = "in"
    NOT_IN = "notin"
    EXISTS = "exists"
    ABSENT = "!"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One comma-separated part of a selector."""

    key: str
    operator: Operator
    values: frozenset[str] = frozenset()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Kubernetes' rule: `notin` and `!=` also match where the key is absent."""
        match self.operator:
            case Operator.IN:
                return labels.get(self.key) in self.values
            case Operator.NOT_IN:
                return labels.get(self.key) not in self.values
            case Operator.EXISTS:
                return self.key in labels
            case Operator.ABSENT:
                return self.key not in labels


@dataclass(frozen=True, slots=True)
class Selector:
    """All requirements must hold; an empty selector matches everything."""

    requirements: tuple[Requirement, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether an object with these labels is selected."""
        return all(requirement.matches(labels) for requirement in self.requirements)


def parse_selector(text: str, *, where: str = "labelSelector") -> Selector:
    """Read Kubernetes' selector syntax; raises InvalidError `selector_invalid`."""
    parts = [part.strip() for part in re.split(r",(?![^()]*\))", text)]
    if parts == [""]:
        return Selector()
    return Selector(tuple(_requirement(part, where) for part in parts))


def _requirement(text: str, where: str) -> Requirement:
    if found := _SET_RE.fullmatch(text):
        if not found["values"].strip():
            raise _invalid(found["key"], where)
        values = frozenset(value.strip() for value in found["values"].split(","))
        return _checked(Requirement(found["key"], Operator(found["operator"]), values), where)
    if found := _EQUAL_RE.fullmatch(text):
        operator = Operator.NOT_IN if found["operator"] == "!=" else Operator.IN
        return _checked(Requirement(found["key"], operator, frozenset({found["value"]})), where)
    if text.startswith("!"):
        return _checked(Requirement(text[1:].strip(), Operator.ABSENT), where)
    return _checked(Requirement(text, Operator.EXISTS), where)


def _checked(requirement: Requirement, where: str) -> Requirement:
    if not is_label_key(requirement.key) or not all(map(is_label_value, requirement.values)):
        raise _invalid(requirement.key, where)
    return requirement


def _invalid(key: str, where: str) -> InvalidError:
    return InvalidError(
        "selector_invalid",
        f"Not a label selector at “{key[:80]}”.",
        field=where,
        hint="Write for example: env=prod,tier in (web,api),!legacy",
    )


def is_label_key(key: str) -> bool:
    """Kubernetes' rule for a label's key, the optional DNS prefix included."""
    prefix, _, name = key.rpartition("/")
    fits = len(name) <= _MAX_LENGTH and len(prefix) <= _MAX_PREFIX_LENGTH
    return fits and bool(_KEY_RE.fullmatch(key))


def is_label_value(value: str) -> bool:
    """Kubernetes' rule for a label's value."""
    return len(value) <= _MAX_LENGTH and bool(_VALUE_RE.fullmatch(value))


def check_labels(labels: object, *, where: str = "metadata.labels") -> dict[str, str]:
    """`labels` as a mapping of valid keys and values; raises InvalidError `labels_invalid`."""
    if not isinstance(labels, dict):
        raise InvalidError(
            "labels_invalid", "Labels are a mapping of keys and values.", field=where
        )
    for key, value in labels.items():
        valid = isinstance(key, str) and isinstance(value, str)
        if not valid or not is_label_key(key) or not is_label_value(value):
            raise InvalidError(
                "labels_invalid", f"“{str(key)[:80]}” is not a Kubernetes label.", field=where
            )
    return labels


@dataclass(frozen=True, slots=True)
class Placement:
    """The clusters named, those selected, less those excluded; overrides by cluster name.

    Without a name and without a selector a placement is nowhere: "everywhere"
    has to be said, with the selector `*`.
    """

    clusters: tuple[str, ...] = ()
    selector: str = ""
    exclude: tuple[str, ...] = ()
    overrides: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Placement:
        """From the JSON column of a placed kind."""
        return cls(
            clusters=tuple(stored.get("clusters") or ()),
            selector=str(stored.get("selector") or ""),
            exclude=tuple(stored.get("exclude") or ()),
            overrides=dict(stored.get("overrides") or {}),
        )

    def stored(self) -> dict[str, Any]:
        """The form of the JSON column and of the document."""
        return {
            "clusters": list(self.clusters),
            "selector": self.selector,
            "exclude": list(self.exclude),
            "overrides": {name: dict(value) for name, value in self.overrides.items()},
        }

    def renamed(self, old: str, new: str) -> Placement:
        """The same placement after a cluster took another name."""

        def swap(names: Iterable[str]) -> tuple[str, ...]:
            return tuple(new if name == old else name for name in names)

        overrides = {new if name == old else name: v for name, v in self.overrides.items()}
        return Placement(swap(self.clusters), self.selector, swap(self.exclude), overrides)


def resolve(placement: Placement, clusters: Mapping[str, Mapping[str, str]]) -> frozenset[str]:
    """The names of the clusters (name → labels) that `placement` chooses."""
    chosen = {name for name in placement.clusters if name in clusters}
    if placement.selector:
        text = "" if placement.selector == "*" else placement.selector
        selector = parse_selector(text, where="spec.placement.selector")
        chosen |= {name for name, labels in clusters.items() if selector.matches(labels)}
    return frozenset(chosen - set(placement.exclude))


def filter_by_labels(
    rows: models.QuerySet[Any], text: str, *, where: str = "labelSelector"
) -> models.QuerySet[Any]:
    """A label selector as SQL over the JSON column `labels`."""
    for requirement in parse_selector(text, where=where).requirements:
        rows = rows.filter(_as_sql(requirement))
    return rows


class _Label(Func):
    """The text of one label in SQL. Django's KeyTransform takes the key `5` for a list's index."""

    output_field = TextField()

    def __init__(self, key: str) -> None:
        super().__init__(F("labels"))
        self.key = key

    def as_sqlite(self, compiler: Any, connection: Any, **_: Any) -> tuple[str, Any]:
        column, _params = compiler.compile(self.source_expressions[0])
        return f"JSON_EXTRACT({column}, %s)", [f'$."{self.key}"']

    def as_postgresql(self, compiler: Any, connection: Any, **_: Any) -> tuple[str, list[Any]]:
        column, _params = compiler.compile(self.source_expressions[0])
        return f"({column} ->> %s::text)", [self.key]


def _as_sql(requirement: Requirement) -> models.Q:
    has = models.Q(labels__has_key=requirement.key)
    equal = models.Q()
    for value in requirement.values:
        equal |= models.Q(Exact(_Label(requirement.key), Value(value)))
    match requirement.operator:
        case Operator.IN:
            return has & equal
        case Operator.NOT_IN:
            return ~has | ~equal
        case Operator.EXISTS:
            return has
        case Operator.ABSENT:
            return ~has
