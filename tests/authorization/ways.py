"""The same rights by the other ways in: pages of the console, and commands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from tests.authorization.table import ROLES, SORTS, TABLE, Place, Role, Row, answer, row_of, sees

CONSOLE_ROLES: Final = [ROLES[name] for name in TABLE["console roles"]]
COMMAND_ROLES: Final = [ROLES[name] for name in TABLE["command roles"]]
FEW_ROLES: Final = [ROLES[name] for name in TABLE["few roles"]]


def shown(role: Role, row: Row, place: Place, *, live: bool = False) -> set[int]:
    """The statuses that the console may answer."""
    if not role.comes_in:
        return {302}  # to the way in
    if row.form == "superusers":
        return {row.ok} if role.superuser else {403}
    if row.form == "refused always":
        return {403}
    anywhere = row.form == "anywhere" and row.sort is not None
    if anywhere and row.sort is not None and sees(role, row.sort, place):
        found = row.ok if role.holds_somewhere(row.asks) else 403
    elif row.form == "never":
        seen = row.sort is None or sees(role, row.sort, place)
        found = 403 if seen else row.hidden
    elif anywhere:
        found = row.hidden
    else:
        found = answer(role, row, place, live=live)
    done = {200, 302, 422} if row.method == "POST" and row.ok < 400 else {row.ok}
    return done if found == row.ok else {found}


def console_rows() -> Iterator[Row]:
    """Every line below `console`, with what each model's pages always are."""
    for model, said in TABLE["console"].items():
        yield from _model_rows(model, said)


def _model_rows(model: str, said: Mapping[str, Any]) -> Iterator[Row]:
    kind, plural = SORTS[said["kind"]], said["kind"]

    def row(key: str, given: Any) -> Row:
        found = row_of(key, given, at=model, group={"plural": plural}, sort=kind)
        return replace(found, path=f"{found.path.rstrip('/')}/")

    if said.get("superusers"):
        for key in ("GET", "GET add", "POST add", *(f"{m} {{id}}/{page}" for m, page in _EACH)):
            yield row(key, {"superusers": "", "ok": 200})
    else:
        yield row("GET", {"list": "view"})
        yield row("GET {id}/change/", {"asks": kind.sees})
        yield row("GET {id}/history/", {"asks": kind.sees, "ok": 302, "few": True})
        yield row("GET {id}/live/", {"asks": kind.sees, "hidden": 286, "few": True})
        yield row("POST {id}/change/", _asking(said, "change"))
        for method in ("GET", "POST"):
            add = said.get("add", "")
            form = {"everybody": ""} if add == "everybody" else {"somewhere": add}
            yield row(f"{method} add/", {**form, "ok": 200} if add else {"refused always": ""})
            few = {"few": method == "GET"}
            yield row(f"{method} {{id}}/delete/", {**_asking(said, "delete"), **few})
            for slug, verb in said.get("do", {}).items():
                yield row(f"{method} {{id}}/do/{slug}/", {"asks": verb, "ok": 200, **few})
    yield row("GET {id}/", {"everybody": "", "ok": 302, "few": True})
    for key, given in said.get("more", {}).items():
        yield row(key, {"ok": 200, **given} if isinstance(given, dict) else {"asks": given})


_EACH = [("GET", "change"), ("POST", "change"), ("GET", "delete"), ("GET", "history")]


def _asking(said: Mapping[str, Any], what: str) -> Mapping[str, Any]:
    if what not in said:
        return {"never": ""}
    form = "anywhere" if said.get("asked anywhere") else "asks"
    return {form: said[what], "ok": 200}


#: As kubecarrier.cli.errors says: what a status means for a script.
_EXITS: Final = {400: 1, 401: 4, 403: 4, 404: 3, 409: 5, 503: 7}


def exit_code(role: Role, row: Row, place: Place, *, live: bool = False) -> int:
    """How the command ends."""
    status = answer(role, row, place, live=live)
    if status == row.ok:
        return int(row.more.get("exit", 0))
    if status == row.refused and role.comes_in:
        return int(row.more.get("exit refused", _EXITS[status]))
    return _EXITS[status]


def command_rows() -> Iterator[Row]:
    """Every line below `cli` that asks the portal anything; `path` is the command line."""
    for name, lines in TABLE["cli"].items():
        if name == "local":
            continue
        kind = lines.get("group", {}).get("kind", _KINDS_OF_GROUPS.get(name, name))
        group = {"plural": kind, **lines.get("group", {})}
        for key, given in lines.items():
            if key != "group":
                row = row_of(f"GET {key}", given, at="", group=group, sort=SORTS[kind])
                line = " ".join(one for one in (name, key, str(row.more.get("run", ""))) if one)
                yield replace(row, id=" ".join(one for one in (name, key) if one), path=line)


_KINDS_OF_GROUPS: Final = {"app": "applications"}
