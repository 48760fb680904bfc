"""config: what is sent for what is typed, and what is printed of the answer."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.conftest import Run
from tests.unit.cli.portal import KINDS, READ, WRITE, Portal, Reply, _kind, document

KEYS = "/configitems/colors"


@pytest.fixture(autouse=True)
def _kinds(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    more = [
        _kind("ConfigItem", "configitems", "ci", WRITE),
        _kind("ConfigConflict", "configconflicts", "inbox", READ),
    ]
    monkeypatch.setattr("tests.unit.cli.portal.KINDS", [*KINDS, *more])
    for kind in more:
        portal.documents.setdefault(kind["plural"], {})


def acted(**more: Any) -> Reply:
    return Reply(202, {"object": document("ConfigItem", "colors"), "operation": None, **more})


def test_set_sends_only_what_was_named(portal: Portal, run: Run, home: Path) -> None:
    (home / "app.conf").write_text("a=b\n")
    (home / "key.bin").write_bytes(b"\xff\x00")
    portal.on(f"POST {KEYS}/set", acted())
    files = ["--from-file", str(home / "app.conf"), "--from-file", f"k={home / 'key.bin'}"]
    result = run("config", "set", "colors", "color=a=b", "--cluster", "one", *files)
    assert (result.exit_code, result.stdout) == (0, "configitem/colors configured\n")
    assert portal.requests("POST")[0].body == {
        "data": {"color": "a=b", "app.conf": "a=b\n"},
        "binaryData": {"k": base64.b64encode(b"\xff\x00").decode()},
        "cluster": "one",
    }


def test_a_value_may_come_from_stdin(portal: Portal, run: Run) -> None:
    portal.on(f"POST {KEYS}/set", acted())
    assert run("config", "set", "colors", "--from-file", "a=-", input="secret").exit_code == 0
    assert portal.requests("POST")[0].body["data"] == {"a": "secret"}


@pytest.mark.parametrize(
    "args",
    [
        ["set", "colors"],
        ["set", "colors", "noequals"],
        ["set", "colors", "--from-file", "-"],
        ["inbox", "resolve", "id-1"],
        ["inbox", "resolve", "id-1", "--choose", "neither"],
        ["diff", "colors", "--revision", "1", "--revision", "2", "--revision", "3"],
    ],
)
def test_what_cannot_be_meant_is_not_sent(portal: Portal, run: Run, args: list[str]) -> None:
    assert run("config", *args).exit_code == 2
    assert portal.requests("POST") == []


def test_an_error_never_repeats_a_value(portal: Portal, run: Run) -> None:
    result = run("config", "set", "colors", "=canary-value")
    assert result.exit_code == 2
    assert "canary-value" not in result.stderr


def test_create(portal: Portal, run: Run) -> None:
    result = run(
        *("config", "create", "colors", "-n", "shop", "-n", "bank", "-l", "env=prod"),
        *("--from-literal", "a=1", "--propagation", "inbox"),
    )
    assert (result.exit_code, result.stdout) == (0, "configitem/colors created\n")
    spec = portal.documents["configitems"]["colors"]["spec"]
    assert (spec["namespaces"], spec["data"]) == (["shop", "bank"], {"a": "1"})
    assert (spec["placement"]["selector"], spec["propagation"]) == ("env=prod", "inbox")


def test_edit_guards_what_was_read(
    portal: Portal, run: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    portal.add("configitems", document("ConfigItem", "colors", spec={"data": {"a": "1"}}))
    monkeypatch.setenv("KUBE_EDITOR", "true")
    assert "no changes" in run("config", "edit", "colors").stderr
    assert portal.requests("PUT") == []
    script = home / "edit.sh"
    script.write_text("#!/bin/sh\nsed -i \"s/a: '1'/a: '2'/;s/a: 1/a: 2/\" \"$1\"\n")
    script.chmod(0o755)
    monkeypatch.setenv("KUBE_EDITOR", str(script))
    assert run("config", "edit", "colors").exit_code == 0
    (put,) = portal.requests("PUT")
    assert str(put.body["spec"]["data"]["a"]) == "2"
    assert {name.lower() for name in put.headers} >= {"if-match"}


def test_diff_says_so_by_its_exit_code(portal: Portal, run: Run) -> None:
    group = {"clusters": ["one"], "diff": "", "summary": {"changed": 0}, "error": None}
    portal.on(f"POST {KEYS}/preview", Reply(200, {"groups": [group]}))
    assert run("config", "diff", "colors").exit_code == 0
    changed = {**group, "diff": "-a\n+b", "summary": {"changed": 1}}
    failed = {**group, "clusters": ["two"], "error": {"code": "x", "message": "No answer."}}
    portal.on(f"POST {KEYS}/preview", Reply(200, {"groups": [changed, failed]}))
    result = run("config", "diff", "colors")
    assert (result.exit_code, "-a\n+b" in result.stdout) == (2, True)
    assert "no preview of two: No answer." in result.stderr


def test_history_and_the_revision_before(portal: Portal, run: Run) -> None:
    changed = {"added": ["new"], "changed": ["color"], "removed": []}
    items = [
        {"number": 2, "author": "kubectl-edit on one", "createdAt": None, "changed": changed},
        {"number": 1, "author": "ana", "createdAt": None, "changed": {}, "reason": "first"},
    ]
    portal.on(f"GET {KEYS}/revisions", Reply(200, {"items": items}))
    text = run("config", "history", "colors").stdout
    assert "kubectl-edit on one" in text
    assert "+new ~color" in text
    portal.on(f"GET {KEYS}/revisions", Reply(200, {"items": items}))
    portal.on(f"POST {KEYS}/rollback", acted())
    assert run("config", "rollback", "colors").stdout.startswith(
        "configitem/colors rolled back to revision 1"
    )
    assert portal.requests("POST")[-1].body == {"revision": 1}


def test_reveal_prints_one_value_as_it_is(portal: Portal, run: Run) -> None:
    found = {"data": {"password": "p"}, "binaryData": {}}
    portal.on(f"POST {KEYS}/reveal", Reply(200, found), Reply(200, found))
    assert run("config", "reveal", "colors", "password").stdout == "p"
    assert json.loads(run("config", "reveal", "colors", "-o", "json").stdout) == found


def test_inbox(portal: Portal, run: Run) -> None:
    status = {"item": "colors", "cluster": "one", "diff": "-a\n+b", "open": True}
    portal.add("configconflicts", document("ConfigConflict", "id-1", status=status))
    assert "id-1" in run("config", "inbox").stdout
    assert portal.requests("GET", "/configconflicts")[0].query["open"] == "True"
    assert "id-1" in run("config", "inbox", "list", "--item", "colors", "--all").stdout
    query = portal.requests("GET", "/configconflicts")[-1].query
    assert (query["item"], "open" in query) == ("colors", False)
    shown = run("config", "inbox", "show", "id-1")
    assert "-a\n+b" in shown.stdout
    assert "config inbox resolve id-1 --choose" in shown.stderr
    portal.on("POST /configconflicts/id-1/resolve", acted())
    result = run("config", "inbox", "resolve", "id-1", "--choose", "adopt")
    assert result.stdout == "configconflict/id-1 decided: adopt\n"
    assert portal.requests("POST")[-1].body == {"choice": "adopt"}
