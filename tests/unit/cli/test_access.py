"""auth: which question goes where, what is printed, and what the exit code says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.cli.conftest import Run
from tests.unit.cli.portal import Portal, Reply

Json = dict[str, Any]
WAY = {
    "through": "group", "binding": "dev-one", "role": "editor", "where": "clusters one",
    "on": "cluster one", "group": "dev",
}  # fmt: skip
YES = {
    "allowed": True, "reason": "Held", "message": "By binding dev-one (editor) to group dev.",
    "user": "ana", "right": "applications.edit", "on": "applications shop", "by": [WAY],
}  # fmt: skip
NO = {**YES, "allowed": False, "reason": "NotHeld", "message": "No binding gives it.", "by": []}


def body(portal: Portal, path: str) -> Json:
    return dict(portal.requests("POST", path)[0].body)


def test_yes_and_no_with_kubectls_exit_codes(portal: Portal, run: Run) -> None:
    portal.on("POST /accessreviews/can-i", Reply(body=YES))
    found = run("auth", "can-i", "edit", "app/shop", "--as", "ana")
    assert found.exit_code == 0
    assert found.stdout == "yes - By binding dev-one (editor) to group dev.\n"
    assert body(portal, "/accessreviews/can-i") == {
        "verb": "edit", "kind": "app", "name": "shop", "user": "ana",
    }  # fmt: skip
    portal.on("POST /accessreviews/can-i", Reply(body=NO))
    refused = run("auth", "can-i", "edit", "app/shop")
    assert (refused.exit_code, refused.stdout) == (1, "no - No binding gives it.\n")
    quiet = run("auth", "can-i", "applications.edit", "-q")
    assert (quiet.exit_code, quiet.stdout) == (1, "")
    assert run("auth", "can-i", "edit", "app", "-o", "name").stdout == "no\n"
    assert json.loads(run("auth", "can-i", "edit", "app", "-o", "json").stdout)["allowed"] is False


@pytest.mark.parametrize(
    ("words", "path", "sent"),
    [
        (["get", "app", "-p", "red"], "/accessreviews/can-i",
         {"verb": "view", "kind": "app", "project": "red"}),
        (["scale", "app", "--cluster", "one"], "/accessreviews/can-i",
         {"verb": "scale", "kind": "app", "cluster": "one"}),
        (["create", "applications", "--cluster", "one"], "/accessreviews/can-i",
         {"verb": "create", "kind": "applications", "cluster": "one"}),
        (["create", "deploy", "--cluster", "one"], "/clusters/one/can-i",
         {"verb": "create", "resource": "deploy"}),
        (["delete", "namespaces/x", "--cluster", "one"], "/clusters/one/can-i",
         {"verb": "delete", "resource": "namespaces", "name": "x"}),
        (["get", "pods/web-1", "--cluster", "one", "-n", "shop", "--subresource", "log"],
         "/clusters/one/can-i",
         {"verb": "get", "resource": "pods", "name": "web-1", "namespace": "shop", "subresource": "log"}),
        (["get", "/metrics", "--cluster", "one"], "/clusters/one/can-i",
         {"verb": "get", "resource": "/metrics"}),
    ],
)  # fmt: skip
def test_who_is_asked(portal: Portal, run: Run, words: list[str], path: str, sent: Json) -> None:
    portal.on(f"POST {path}", Reply(body=YES))
    assert run("auth", "can-i", *words).exit_code == 0
    assert body(portal, path) == sent


def test_what_cannot_be_asked_is_no_no(portal: Portal, run: Run) -> None:
    error = {"error": {"code": "kube_unreachable", "message": "No answer."}}
    portal.on("POST /clusters/one/can-i", Reply(503, body=error))
    found = run("auth", "can-i", "get", "pods", "--cluster", "one")
    assert found.exit_code == 7
    assert "no -" not in found.stdout
    odd = {"error": {"code": "right_unknown", "message": "Nothing is called app.fly."}}
    portal.on("POST /accessreviews/can-i", Reply(400, body=odd))
    assert run("auth", "can-i", "fly", "app").exit_code == 2
    for words in (
        ["can-i", "get", "/metrics"],
        ["can-i", "edit"],
        ["can-i", "get", "pods", "--cluster", "one", "-p", "red"],
        ["review", "--drift", "--orphans"],
        ["review", "ana", "--drift"],
    ):
        assert run("auth", *words).exit_code == 2, words


def test_the_portal_asks_for_a_right_of_its_own(portal: Portal, run: Run) -> None:
    answer = {**NO, "allowed": True, "message": "RBAC: allowed", "binding": "dev-one",
              "portal": {"right": "resources.view", "allowed": False}}  # fmt: skip
    portal.on("POST /clusters/one/can-i", Reply(body=answer))
    found = run("auth", "can-i", "get", "pods", "--cluster", "one")
    assert found.exit_code == 0
    assert "resources.view counts as well, which is not held" in found.stderr


def test_who_can(portal: Portal, run: Run) -> None:
    holder = {"user": "ann", "kind": "Person", "active": False, "tokens": 2, "by": [WAY]}
    reply = {"items": [holder], "metadata": {"continue": None}}
    portal.on("GET /accessreviews/who-can", Reply(body=reply))
    lines = run("auth", "who-can", "edit", "app/shop").stdout.splitlines()
    assert lines[0].split() == ["WHO", "KIND", "THROUGH", "BINDING", "ROLE", "SCOPE"]
    assert lines[1].split("   ") == [
        "ann (inactive)", "Person", "group dev", "dev-one", "editor", "clusters one",
    ]  # fmt: skip
    assert run("auth", "who-can", "edit", "app", "-o", "name").stdout == "user/ann\n"
    subject = {"kind": "Group", "name": "system:masters", "binding": "cluster-admin",
               "role": "cluster-admin", "namespace": None, "ours": False}  # fmt: skip
    portal.on("GET /clusters/one/who-can", Reply(body={"items": [subject]}))
    there = run("auth", "who-can", "get", "pods", "--cluster", "one").stdout.splitlines()
    assert there[1].split()[-1] == "others"


def test_review_drift_and_orphans(portal: Portal, run: Run) -> None:
    line = {"user": "ann", "kind": "Person", "active": True, "role": "editor", "where": "platform",
            "binding": "x", "through": "direct", "group": None}  # fmt: skip
    portal.on("GET /accessreviews", Reply(body={"items": [line], "metadata": {"continue": None}}))
    assert run("auth", "review", "ann", "--role", "editor").stdout.splitlines()[1].split() == [
        "ann", "editor", "platform", "x", "direct",
    ]  # fmt: skip
    assert portal.requests("GET", "/accessreviews")[0].query["user"] == "ann"
    gone = {"cluster": "two", "state": "Unknown", "kind": None, "name": None, "namespace": None,
            "binding": None, "message": "No answer.", "at": "2020-01-01T00:00:00Z"}  # fmt: skip
    page = {"items": [gone], "clusters": [{"cluster": "two"}], "metadata": {"continue": None}}
    portal.on("GET /accessreviews/drift", Reply(body=page))
    drift = run("auth", "review", "--drift", "--exit-code")
    assert drift.exit_code == 1
    assert "<unknown>" in drift.stdout
    assert "Last seen" in drift.stdout
    clean = {"items": [], "clusters": [{}, {}], "metadata": {"continue": None}}
    portal.on("GET /accessreviews/drift", Reply(body=clean))
    fine = run("auth", "review", "--drift", "--exit-code")
    assert (fine.exit_code, fine.stdout, fine.stderr) == (0, "", "No drift on 2 clusters.\n")
    portal.on("GET /accessreviews/orphans", Reply(body={"items": [], "metadata": {}}))
    assert run("auth", "review", "--orphans").stderr == "Nothing to clean up.\n"
