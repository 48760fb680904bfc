"""Rows of keys: what is stored stays unless something was put in its place."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict

from fleet.configs.content import Content, Override
from fleet.forms.key_rows import KeyRow, KeyRowsField, KeyRowsInput, edited, fits, rows_of
from kubecarrier.lib.errors import InvalidError

KEY = b"k"
STORED = Content(
    {"color": b"blue", "lines": b"a\r\nb\r\n", "logo": b"\xff\x00"},
    {"one": Override({"color": b"red", "own": b"1"}, frozenset({"logo"}))},
)


def sent(rows: list[KeyRow], **changes: Any) -> QueryDict:
    """What a browser sends of a page with these rows: line ends of its own, `changes` by name."""
    data = QueryDict(mutable=True)
    for n, row in enumerate(rows):
        data.update({f"r-{n}-key": row.key, f"r-{n}-was": row.was})
        data.update({f"r-{n}-text": row.cell.text.replace("\n", "\r\n")})
        data.update({f"r-{n}-kept": row.cell.kept} if row.cell.kept else {})
        data.update({f"r-{n}-only": "on"} if row.only else {})
        for m, one in enumerate(row.clusters):
            at = f"r-{n}-on-{m}"
            data.update({f"{at}-cluster": one.cluster, f"{at}-was": one.was})
            data.update({f"{at}-text": one.cell.text, f"{at}-kept": one.cell.kept})
            data.update({f"{at}-gone": "on"} if one.gone else {})
    for name, value in changes.items():
        data["r-" + name.replace("_", "-")] = value
    return data


def read(data: QueryDict, **files: Any) -> list[KeyRow]:
    given = MultiValueDict({"r-" + k.replace("_", "-"): [v] for k, v in files.items()})
    return KeyRowsInput().value_from_datadict(data, given, "r")


@pytest.mark.parametrize("secret", [True, False])
def test_what_nobody_touched_is_as_it_was_to_the_byte(secret: bool) -> None:
    rows = rows_of(STORED, secret=secret, key=KEY)
    assert [row.key for row in rows] == ["color", "lines", "logo", "own"]
    back = read(sent([*rows, KeyRow()]))
    assert edited(STORED, back) == STORED
    assert not KeyRowsField().has_changed(rows, back)


def test_what_a_page_does_not_send_stays() -> None:
    first = rows_of(STORED, secret=False, key=KEY)[:1]
    assert edited(STORED, read(sent(first))) == STORED
    assert edited(STORED, []) == STORED
    first[0].clusters.clear()
    assert edited(STORED, read(sent(first))) == STORED


def test_a_secret_shows_masks_and_nothing_else() -> None:
    text = str(rows_of(STORED, secret=True, key=KEY))
    assert "blue" not in text
    assert "red" not in text
    assert text.count("*** (") == 5


# Rows: 0 color (one: red), 1 lines, 2 logo (one: gone), 3 own (only on one).
@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"0_text": "green"}, {"color": b"green"}),
        ({"0_text": ""}, {"color": b""}),
        ({"0_key": "colour"}, {"color": None, "colour": b"blue"}),
        ({"0_drop": "on"}, {"color": None}),
        ({"2_text": "now text"}, {"logo": b"now text"}),
        ({"4_key": "new", "4_text": "a\r\nb"}, {"new": b"a\nb"}),
        ({"4_key": "empty", "4_text": ""}, {"empty": b""}),
    ],
)
def test_single_changes(changes: dict[str, str], wanted: dict[str, bytes | None]) -> None:
    rows = read(sent(rows_of(STORED, secret=False, key=KEY), **changes))
    after = edited(STORED, rows).values
    assert after == {k: v for k, v in {**STORED.values, **wanted}.items() if v is not None}
    assert KeyRowsField().has_changed(rows_of(STORED, secret=False, key=KEY), rows)


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"0_on_0_text": "green"}, Override({"color": b"green", "own": b"1"}, frozenset({"logo"}))),
        ({"0_on_0_gone": "on"}, Override({"own": b"1"}, frozenset({"color", "logo"}))),
        ({"0_on_0_drop": "on"}, Override({"own": b"1"}, frozenset({"logo"}))),
        ({"0_key": "colour"}, Override({"colour": b"red", "own": b"1"}, frozenset({"logo"}))),
        ({"0_drop": "on"}, Override({"own": b"1"}, frozenset({"logo"}))),
    ],
)
def test_what_differs_on_a_cluster(changes: dict[str, str], wanted: Override) -> None:
    rows = read(sent(rows_of(STORED, secret=False, key=KEY), **changes))
    assert edited(STORED, rows).overrides["one"] == wanted


def test_an_emptied_field_of_a_secret_erases_nothing_and_a_filled_one_replaces() -> None:
    rows = rows_of(STORED, secret=True, key=KEY)
    assert edited(STORED, read(sent(rows, **{"0_text": ""}))) == STORED
    after = edited(STORED, read(sent(rows, **{"0_text": "new", "0_on_0_text": "own"})))
    assert (after.values["color"], after.overrides["one"].values["color"]) == (b"new", b"own")


def test_a_cluster_of_its_own_is_added() -> None:
    given = {"0_on_7_cluster": "two", "0_on_7_text": "here"}
    rows = read(sent(rows_of(STORED, secret=False, key=KEY), **given))
    assert edited(STORED, rows).overrides["two"] == Override({"color": b"here"})


def test_files_are_bytes_and_name_a_key_without_one() -> None:
    rows = rows_of(STORED, secret=False, key=KEY)
    files = {
        "0_file": SimpleUploadedFile("x", b"\x00"),
        "9_file": SimpleUploadedFile("a.bin", b"\x01"),
    }
    back = read(sent(rows, **{"9_key": ""}), **files)
    for _time in range(2):  # a form that was refused reads them again
        values = edited(STORED, back).values
        assert (values["color"], values["a.bin"]) == (b"\x00", b"\x01")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"4_key": "color", "4_text": "x"}, "“color” is there twice"),
        ({"4_key": "", "4_text": "x"}, "has no key"),
        ({"0_on_1_cluster": "one", "0_on_1_text": "x"}, "twice for the cluster “one”"),
    ],
)
def test_what_is_refused(changes: dict[str, str], said: str) -> None:
    rows = read(sent(rows_of(STORED, secret=False, key=KEY), **changes))
    with pytest.raises(InvalidError, match=said):
        edited(STORED, rows)


def test_more_than_a_request_can_bring_is_no_form() -> None:
    rows = [KeyRow(key=str(n)) for n in range(81)]
    assert fits(rows[:80])
    assert not fits(rows)
