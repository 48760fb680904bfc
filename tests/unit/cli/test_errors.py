"""Exit codes and error forms, as tables."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from kubecarrier.cli.errors import MEANING
from tests.unit.cli.conftest import Run
from tests.unit.cli.portal import Portal, Reply, error


@pytest.mark.parametrize(
    ("status", "exit_code"),
    [
        (400, 1), (401, 4), (403, 4), (404, 3), (405, 1), (409, 5), (412, 5), (413, 1), (422, 1),
        (429, 1), (500, 1), (502, 7), (503, 7), (504, 7),
    ],
)  # fmt: skip
def test_exit_code_of_each_status(portal: Portal, run: Run, status: int, exit_code: int) -> None:
    portal.on(
        "GET /clusters/a",
        error(status, "some_code", "It went wrong.", field="spec.x", hint="Do y."),
    )
    result = run("cluster", "get", "a")
    assert (result.exit_code, result.stdout) == (exit_code, "")
    assert result.stderr.splitlines() == [
        "error: It went wrong. (some_code)",
        "  field: spec.x",
        "  hint: Do y.",
        "  request id: req-1234",
    ]


@pytest.mark.parametrize(
    ("reply", "exit_code", "words"),
    [
        (Reply(500, b"<html>oops</html>"), 1, "500 Internal Server Error (http_500)"),
        (Reply(502, b"bad gateway"), 7, "Bad Gateway: bad gateway (http_502)"),
        (Reply(404, b""), 3, "404 Not Found (http_404)"),
        (Reply(400, {"detail": "x"}), 1, "http_400"),
        (Reply(400, {"error": "text"}), 1, "http_400"),
        (Reply(400, {"error": {"data": 3}}), 1, "error: Bad Request (http_400)"),
        (Reply(200, b"<html>log in</html>", {"Content-Type": "text/html"}), 1, "bad_answer"),
        (Reply(200, b"[" * 100_000), 1, "bad_answer"),
        (Reply(200, [1]), 1, "bad_answer"),
        (
            Reply(302, b"", {"Location": "https://elsewhere.example/"}),
            1,
            "redirects to https://elsewhere",
        ),
        (Reply(503, b"", {"Retry-After": "7"}), 7, "Try again in 7 s."),
    ],
)
def test_answers_outside_the_contract(
    portal: Portal, run: Run, reply: Reply, exit_code: int, words: str
) -> None:
    portal.on("GET /clusters/a", reply)
    result = run("cluster", "get", "a")
    assert result.exit_code == exit_code
    assert words in result.stderr
    assert "req-header" in result.stderr


def test_lists_without_items(portal: Portal, run: Run) -> None:
    portal.on("GET /clusters", Reply(body={"detail": "?"}))
    assert "bad_answer" in run("get", "clusters").stderr


def test_a_failed_precondition_shows_the_difference(portal: Portal, run: Run) -> None:
    difference = [{"path": "spec.a", "yours": 1, "theirs": 2}]
    portal.on(
        "GET /clusters/a",
        error(412, "precondition_failed", "Changed.", data={"difference": difference}),
    )
    result = run("cluster", "get", "a")
    assert result.exit_code == 5
    assert "spec.a: yours 1, theirs 2" in result.stderr


def test_all_problems_of_a_document_are_shown(portal: Portal, run: Run) -> None:
    problems = [{"field": "spec.a", "message": "No."}, {"field": "spec.b", "message": "Neither."}]
    portal.on("GET /clusters/a", error(400, "invalid", "No.", data={"problems": problems}))
    assert "spec.b: Neither." in run("cluster", "get", "a").stderr


def test_unreachable(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("KUBECARRIER_URL", f"http://127.0.0.1:{free.getsockname()[1]}")
        result = run("cluster", "list")
    assert result.exit_code == 7
    assert "server_unreachable" in result.stderr


def test_a_server_that_never_answers(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("KUBECARRIER_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        result = run("cluster", "list", "--request-timeout", "0.2")
    assert result.exit_code == 7
    assert "did not answer in time" in result.stderr


@pytest.mark.parametrize(
    "args",
    [
        ["nonsense"],
        ["get"],
        ["get", "clusters", "--nonsense"],
        ["get", "clusters", "-o", "xml"],
        ["get", "cluster/a", "b"],
        ["get", "clusters", "a", "-l", "x=y"],
        ["get", "clusters", "--filter", "nonsense"],
        ["apply"],
        ["delete"],
        ["delete", "clusters"],
        ["delete", "clusters", "a", "-l", "x=y"],
        ["app", "scale", "web"],
        ["app", "create", "web"],
        ["app", "deploy"],
        ["app", "wait", "web", "--timeout", "soon"],
        ["cluster", "rotate", "a"],
        ["repo", "add", "r", "--type", "http"],
    ],
)
def test_wrong_usage(run: Run, args: list[str]) -> None:
    result = run(*args)
    assert result.exit_code == 2
    assert "error: " in result.stderr
    assert "(usage)" in result.stderr


def test_unknown_kind_and_verb(run: Run) -> None:
    unknown = run("get", "gadgets")
    assert (unknown.exit_code, "It has clusters" in unknown.stderr) == (3, True)
    assert "verb_unsupported" in run("delete", "node", "a").stderr


def test_a_file_that_is_not_there(run: Run) -> None:
    result = run("apply", "-f", "/nonexistent/x.yaml")
    assert result.exit_code == 1
    assert "No such file or directory: /nonexistent/x.yaml (file_error)" in result.stderr


def test_the_documentation_lists_every_exit_code() -> None:
    text = (Path(__file__).parents[3] / "docs" / "cli.md").read_text()
    for code in MEANING:
        assert f"| {code.value} |" in text
