"""The keys of a config item as rows: a value or a file each, and what differs on single clusters.

What is stored and not shown (a secret's value, binary data) stays unless something is put in its
place: an empty field never erases, and a mask is never a value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from fleet.configs.content import MAX_BYTES, Content, Override, Values, is_text, shown
from kubecarrier.lib.errors import InvalidError

MAX_ROWS = 1000
MAX_CELLS = 80  # each has an input for a file, and a request may bring 100 of them
_MAX_LINES = 14


@dataclass(slots=True)
class Cell:
    """A value as it was filled in. `kept`: what stands there is stored, and not shown."""

    text: str = ""
    file: Any = None
    kept: str = ""

    @property
    def given(self) -> bool:
        """Whether something stands in its place."""
        return bool(self.text or self.file)

    @property
    def lines(self) -> int:
        """How tall its text area is."""
        return min(max(2, self.text.count("\n") + 1), _MAX_LINES)

    def over(self, stored: bytes | None) -> bytes:
        """The value; raises InvalidError for a file that is too large."""
        if self.file:
            if self.file.size > MAX_BYTES:
                raise InvalidError(
                    "too_large", _("An object holds 1 MiB at most."), field="spec.data"
                )
            self.file.seek(0)  # a form that was refused is read again
            return bytes(self.file.read())
        if stored is not None and ((self.kept and not self.text) or self._as_shown(stored)):
            return stored
        return self.text.encode()

    def _as_shown(self, stored: bytes) -> bool:
        """Browsers send other line ends than those that are stored."""
        return is_text(stored) and _unix(stored.decode()) == self.text


@dataclass(slots=True)
class OnCluster:
    """What differs on one cluster; `gone`: there the key is not."""

    cluster: str = ""
    was: str = ""
    cell: Cell = field(default_factory=Cell)
    gone: bool = False
    drop: bool = False


@dataclass(slots=True)
class KeyRow:
    """A key. `was` is its stored name; `only`: it is on the clusters of its own list alone."""

    key: str = ""
    was: str = ""
    cell: Cell = field(default_factory=Cell)
    only: bool = False
    drop: bool = False
    clusters: list[OnCluster] = field(default_factory=list)

    @property
    def blank(self) -> bool:
        """A row that nobody filled in."""
        return not (
            self.key or self.was or self.cell.given or any(o.cluster for o in self.clusters)
        )


def rows_of(content: Content, *, secret: bool, key: bytes) -> list[KeyRow]:
    """What is stored, as rows."""
    overrides = content.overrides.items()
    names = {name for _c, one in overrides for name in (*one.values, *one.remove)}
    found = []
    for name in sorted({*content.values, *names}):
        clusters = [
            OnCluster(cluster, cluster, _cell(one.values, name, secret, key), name in one.remove)
            for cluster, one in sorted(overrides)
            if name in one.values or name in one.remove
        ]
        cell = _cell(content.values, name, secret, key)
        found.append(KeyRow(name, name, cell, name not in content.values, clusters=clusters))
    return found


def fits(rows: Iterable[KeyRow]) -> bool:
    """Whether a form can hold them."""
    return sum(1 + len(row.clusters) for row in rows) <= MAX_CELLS


def _cell(values: Values, name: str, secret: bool, key: bytes) -> Cell:
    value = values.get(name)
    if value is None:
        return Cell()
    if not secret and is_text(value):
        return Cell(_unix(value.decode()))
    return Cell(kept=shown({name: value}, secret=secret, key=key)[name])


def edited(before: Content, rows: Iterable[KeyRow]) -> Content:
    """The content that the rows describe; what no row speaks of stays. Raises InvalidError at `spec.data`."""
    return _edited(before, [*(given := list(rows)), *_unsaid(before, given)])


def _unsaid(before: Content, given: list[KeyRow]) -> list[KeyRow]:
    """Rows for what the page did not send: only a tick removes."""
    rows = {row.key: row for row in rows_of(before, secret=True, key=b"")}
    for row in given:
        if (known := rows.pop(row.was, None)) is not None and not row.drop:
            said = {one.was for one in row.clusters}
            row.clusters += [one for one in known.clusters if one.cluster not in said]
    return list(rows.values())


def _edited(before: Content, rows: list[KeyRow]) -> Content:
    values: dict[str, bytes] = {}
    own: dict[str, tuple[dict[str, bytes], set[str]]] = {}
    seen: set[str] = set()
    for row in rows:
        if row.drop or row.blank:
            continue
        name = row.key or row.was or (row.cell.file.name if row.cell.file else "")
        if not name:
            raise _refused(_("A value has no key."))
        if name in seen:
            raise _refused(_("The key “%(key)s” is there twice.") % {"key": name[:80]})
        seen.add(name)
        if not row.only:
            values[name] = row.cell.over(before.values.get(row.was))
        for one in row.clusters:
            _lay(own, one, name, before.overrides.get(one.was, Override()).values.get(row.was))
    overrides = {name: Override(here, frozenset(gone)) for name, (here, gone) in own.items()}
    return Content(values, overrides)


def _lay(
    own: dict[str, tuple[dict[str, bytes], set[str]]],
    one: OnCluster,
    name: str,
    stored: bytes | None,
) -> None:
    if one.drop or not one.cluster:
        return
    here, gone = own.setdefault(one.cluster, ({}, set()))
    if name in here or name in gone:
        text = _("“%(key)s” is there twice for the cluster “%(cluster)s”.")
        raise _refused(text % {"key": name[:80], "cluster": one.cluster[:63]})
    if one.gone:
        gone.add(name)
    else:
        here[name] = one.cell.over(stored)


def _refused(message: str) -> InvalidError:
    return InvalidError("rows_invalid", message, field="spec.data")


def _unix(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


class KeyRowsInput(forms.Widget):
    """Rows of inputs named `<name>-<row>-<part>` and `<name>-<row>-on-<n>-<part>`."""

    needs_multipart_form = True

    def __init__(self) -> None:
        super().__init__()
        self.clusters: list[str] = []
        self.secret = self.too_many = False

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[KeyRow]:
        numbers = _numbers(data, re.compile(rf"{re.escape(name)}-(\d{{1,6}})-key"))
        return [self._row(data, files, f"{name}-{n}") for n in numbers[:MAX_ROWS]]

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return False

    def _row(self, data: Any, files: Any, at: str) -> KeyRow:
        numbers = _numbers(data, re.compile(rf"{re.escape(at)}-on-(\d{{1,6}})-cluster"))
        return KeyRow(
            key=str(data.get(f"{at}-key", "")).strip(),
            was=str(data.get(f"{at}-was", "")),
            cell=_filled(data, files, at),
            only=f"{at}-only" in data,
            drop=f"{at}-drop" in data,
            clusters=[
                OnCluster(
                    str(data.get(f"{at}-on-{n}-cluster", "")).strip(),
                    str(data.get(f"{at}-on-{n}-was", "")),
                    _filled(data, files, f"{at}-on-{n}"),
                    f"{at}-on-{n}-gone" in data,
                    f"{at}-on-{n}-drop" in data,
                )
                for n in numbers[:MAX_ROWS]
            ],
        )

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> Any:
        rows = list(value or ())
        disabled = bool((attrs or {}).get("disabled") or self.attrs.get("disabled"))
        if not disabled and not any(row.blank for row in rows):
            rows.append(KeyRow())
        context = {
            "name": name,
            "rows": rows,
            "blank": KeyRow(),
            "blank_cluster": OnCluster(),
            "clusters": self.clusters,
            "secret": self.secret,
            "disabled": disabled or self.too_many,
            "too_many": self.too_many,
        }
        return render_to_string("console/key_rows.html", context)

    def id_for_label(self, id_: str) -> str:
        return ""


def _filled(data: Any, files: Any, at: str) -> Cell:
    text = _unix(str(data.get(f"{at}-text", "")))
    return Cell(text, (files or {}).get(f"{at}-file"), str(data.get(f"{at}-kept", "")))


def _numbers(data: Mapping[str, Any], pattern: re.Pattern[str]) -> list[int]:
    return sorted({int(found[1]) for name in data if (found := pattern.fullmatch(name))})


class KeyRowsField(forms.Field):
    """The rows as they were filled in."""

    widget = KeyRowsInput

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Apart from rows that nobody filled in."""
        return _plain(initial or ()) != _plain(data or ())


def _plain(rows: Iterable[KeyRow]) -> list[Any]:
    return [
        (row.key, row.was, _drawn(row.cell), row.only, row.drop, [
            (one.cluster, one.was, _drawn(one.cell), one.gone, one.drop)
            for one in row.clusters if one.cluster or one.was
        ])
        for row in rows
        if not row.blank
    ]  # fmt: skip


def _drawn(cell: Cell) -> tuple[str, bool]:
    return cell.text, bool(cell.file)
