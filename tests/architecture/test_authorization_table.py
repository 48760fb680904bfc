"""tests/authorization.yaml has a row for everything that can be asked, and none for what cannot."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin

from kubecarrier.lib import catalogue
from kubecarrier.lib.catalogue import Level
from tests.authorization import surface
from tests.authorization.table import RIGHTS, SORTS, TABLE, THERE, rest_rows
from tests.authorization.ways import command_rows, console_rows


def canonical(line: str) -> str:
    """`PUT {new}` and `PUT {name}` are one route."""
    return line.replace("{new}", "{name}")


def test_every_route_of_the_api_has_a_row() -> None:
    rows = {canonical(f"{row.method} {row.path}") for row in rest_rows()}
    missing = sorted(surface.rest() - rows)
    assert not missing, (
        "Who may do this? Say it in tests/authorization.yaml, below `rest`, as one of\n"
        "    <METHOD> <rest of the path>: <verb of the kind that it asks for>\n"
        "    <METHOD> <rest of the path>: {asks: <verb, or plural.verb>, body: {...}, ok: <status>}\n"
        "    <METHOD> <rest of the path>: {everybody: ''}   # whoever has come in\n"
        "below the kind it belongs to (a new kind also needs a line below `kinds`), for:\n    "
        + "\n    ".join(missing)
    )
    gone = sorted(rows - surface.rest() - {"GET nothing"})
    assert not gone, f"tests/authorization.yaml has rows for routes that are none: {gone}"


@pytest.mark.parametrize("name", ["viewer", "editor", "cluster-admin"])
def test_built_in_roles_hold_what_the_table_says(name: str) -> None:
    level = {"viewer": Level.VIEW, "editor": Level.EDIT, "cluster-admin": Level.ADMIN}[name]
    said = {one for one in catalogue.known() if _among(one, RIGHTS[name])}
    held = set(catalogue.up_to(level))
    assert said == held, (
        f"The built-in role {name} holds other permissions than tests/authorization.yaml says below"
        f" `rights`. Only there: {sorted(said - held)}. Only in the catalogue: {sorted(held - said)}."
    )


def test_each_word_of_the_table_means_something() -> None:
    """A permission that is misspelt would be held by nobody, and every refusal would be right."""
    known = set(catalogue.known())
    plurals = {one.partition(".")[0] for one in known}
    rows = [row for row in rest_rows() if row.form not in {"nobody", "open", "everybody"}]
    asked = {row.asks for row in rows}
    named = {one for listed in RIGHTS.values() for one in listed if one != "*"}
    for one in asked | named | {sort.sees for sort in SORTS.values() if sort.name in plurals}:
        plural, _, verb = one.partition(".")
        assert one in known or (verb == "*" and plural in plurals), one


def test_where_a_cluster_decides_is_one_of_a_few_words() -> None:
    said = {row.there for row in (*rest_rows(), *console_rows(), *command_rows())}
    assert said == {"", *THERE}


def _among(one: str, listed: tuple[str, ...]) -> bool:
    return one in listed or f"{one.partition('.')[0]}.*" in listed or "*" in listed


#: What every page of a model is made of; `add`, `change`, `delete` and `do` say who may.
USUAL = {"", "add/", "{id}/history/", "{id}/delete/", "{id}/change/", "{id}/"}
PORTALS = {"{id}/do/{slug}/", "{id}/live/"}


def test_every_page_of_the_console_has_a_row() -> None:
    """Each model, each page below it that not every model has, and each page of no model."""
    said = TABLE["console"]
    there = surface.console()
    missing = []
    for model, below in there.items():
        if not model:
            continue
        if model not in said:
            missing.append(
                f"console: {model}: {{kind: <plural>, add: ..., change: ..., delete: ...}}"
            )
            continue
        more = {key.partition(" ")[2] for key in said[model].get("more", {})}
        more = {path.replace("{pk}", "{id}") for path in more}
        rest = {path.replace("{pk}", "{id}") for path in below} - USUAL - PORTALS - more
        missing += [f"console: {model}: more: GET {path}: <what it asks for>" for path in rest]
    missing += [f"pages: {path}: everybody" for path in there[""] - set(TABLE["pages"])]
    missing += [f"beside: {path}: ..." for path in surface.beside() - set(TABLE["beside"])]
    assert not missing, (
        "Who may open this? Say it in tests/authorization.yaml, as\n    "
        + "\n    ".join(sorted(missing))
    )
    assert set(said) == set(there) - {""}
    assert set(TABLE["pages"]) == there[""]
    assert set(TABLE["beside"]) == surface.beside()


@pytest.mark.parametrize("model", sorted(TABLE["console"]))
def test_every_action_of_the_console_has_a_row(model: str) -> None:
    """By slug, on one object and on several; what is not written has no form and no row for it."""
    said = TABLE["console"][model]
    page: Any = admin.site._registry[apps.get_model(model.replace("/", "."))]
    if said.get("superusers"):
        return
    for word, listed in (("do", page.object_actions), ("bulk", page.bulk_actions)):
        slugs = {one.slug for one in listed}
        assert slugs == set(said.get(word, {})), (
            f"tests/authorization.yaml: {model}: {word}: {slugs}"
        )
    assert (page.delete_action is not None) == ("delete" in said), f"{model}: delete"


def test_every_command_has_a_row() -> None:
    """Or stands below `local`, where nothing is asked of the portal."""
    there = surface.commands()
    rows = {_command(row.id, there) for row in command_rows()}
    missing = sorted(there - rows - set(TABLE["cli"]["local"]))
    assert not missing, (
        "Who may run this? Say it in tests/authorization.yaml, below `cli` and its group, as one of\n"
        "    <command> {name}: <verb>\n"
        '    <command> {name}: {asks: <verb>, run: "--more options", exit: <code when allowed>}\n'
        "or below `cli: local`, when it asks the portal nothing, for:\n    "
        + "\n    ".join(missing)
    )


def _command(line: str, known: set[str]) -> str:
    """The command that a row runs: as many of its words as make one."""
    words = line.split()
    return next(
        (name for end in range(len(words), 0, -1) if (name := " ".join(words[:end])) in known), line
    )
