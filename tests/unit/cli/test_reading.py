"""get, describe, explain, watch and the groups that only read."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from kubecarrier.cli.errors import MEANING
from tests.unit.cli.conftest import Run
from tests.unit.cli.portal import Portal, Reply, document, error


def _fill(portal: Portal) -> None:
    labels = {"labels": {"env": "test"}}
    portal.add("clusters", document("Cluster", "a"), document("Cluster", "b", metadata=labels))


def test_table_comes_from_the_servers_columns(portal: Portal, run: Run) -> None:
    _fill(portal)
    lines = run("get", "cl").stdout.splitlines()
    assert lines[0].split() == ["NAME", "READY", "AGE"]
    assert lines[1].split()[:2] == ["a", "True"]
    assert run("get", "clusters", "-o", "wide").stdout.split()[:4] == [
        "NAME",
        "READY",
        "LABELS",
        "AGE",
    ]


@pytest.mark.parametrize("words", [["get", "Cluster"], ["get", "cluster"], ["cluster", "list"]])
def test_every_name_of_a_kind_works(portal: Portal, run: Run, words: list[str]) -> None:
    _fill(portal)
    assert run(*words, "-o", "name").stdout == "cluster/a\ncluster/b\n"


def test_data_formats(portal: Portal, run: Run) -> None:
    _fill(portal)
    listed = json.loads(run("get", "clusters", "-o", "json").stdout)
    assert [item["metadata"]["name"] for item in listed["items"]] == ["a", "b"]
    single: Any = yaml.safe_load(run("get", "cluster/a", "-o", "yaml").stdout)
    assert single["metadata"]["name"] == "a"
    assert yaml.safe_load(run("get", "clusters", "a", "b", "-o", "yaml").stdout)["kind"] == "List"


def test_filters_reach_the_server(portal: Portal, run: Run) -> None:
    run(
        "get",
        "namespaces",
        "--cluster",
        "a",
        "-l",
        "env=prod",
        "--search",
        "x",
        "--filter",
        "ready=False",
    )
    query = portal.requests("GET", "/namespaces")[0].query
    wanted = {"cluster": "a", "labelSelector": "env=prod", "search": "x", "ready": "False"}
    assert wanted.items() <= query.items()


def test_all_pages_are_read_and_limit_stops(portal: Portal, run: Run) -> None:
    portal.add("nodes", *(document("Node", f"n{i:04}") for i in range(1101)))
    assert len(run("get", "nodes", "-o", "name").stdout.splitlines()) == 1101
    assert len(portal.requests("GET", "/nodes")) == 3
    assert len(run("get", "nodes", "-o", "name", "--limit", "7").stdout.splitlines()) == 7


def test_nothing_found_is_said_on_stderr(run: Run) -> None:
    result = run("cluster", "list")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "No resources found.\n"


def test_headers(portal: Portal, run: Run) -> None:
    run("get", "clusters", "--reason", "für 100%")
    headers = portal.requests("GET", "/clusters")[0].headers
    assert headers["x-kubecarrier-channel"] == "cli"
    assert headers["user-agent"].startswith("kubecarrier-cli/")
    assert headers["x-kubecarrier-reason"] == "f%C3%BCr 100%25"


def test_a_name_never_becomes_a_path(portal: Portal, run: Run) -> None:
    assert run("cluster", "get", "a/../../whoami").exit_code == 3
    assert portal.seen[-1].path == "/clusters/a%2F..%2F..%2Fwhoami"
    assert run("cluster", "get", "..").exit_code == 2


def test_terminal_escapes_do_not_reach_the_terminal(portal: Portal, run: Run) -> None:
    evil = "\x1b]0;owned\x07\x1b[31mred"
    row = document("Cluster", "a", spec={"text": f"{evil}\nmore"}, status={"ready": evil})
    row["status"]["conditions"] = [{"type": "Ready", "status": "False", "message": evil}]
    portal.add("clusters", row)
    for args in (["get", "clusters"], ["describe", "cluster", "a"], ["get", "cl", "-o", "json"],
                 ["get", "cl", "-o", "yaml"], ["cluster", "describe", "a"]):  # fmt: skip
        result = run(*args)
        assert result.exit_code == 0
        assert "\x1b" not in result.output
        assert "red" in result.output
    portal.on("GET /clusters/a", error(400, f"c{evil}", f"m{evil}", hint=evil, field=evil))
    result = run("cluster", "get", "a")
    assert result.exit_code == 1
    assert "\x1b" not in result.output


def test_describe_is_for_people(portal: Portal, run: Run) -> None:
    conditions = [
        {"type": "Ready", "status": "False", "reason": "Unreachable", "message": "no route"}
    ]
    spec = {"nodeCount": 3, "nested": {"a": 1}, "list": [{"x": 1, "y": 2}], "text": "l1\nl2"}
    portal.add("clusters", document("Cluster", "a", spec=spec, status={"conditions": conditions}))
    text = run("describe", "cluster/a").stdout
    for part in ("Name:", "Labels:", "Node Count: 3", "    A: 1", "  - X: 1", "    l1\n    l2"):
        assert part in text
    assert "Ready   False" in text.split("Conditions:")[1]


def test_explain(run: Run) -> None:
    text = run("explain", "application").stdout
    assert "KIND:     Application" in text
    assert "chart   <string> -required-" in text
    assert "clusters   <[]string>" in run("explain", "app.spec.placement").stdout
    assert "values   <string>" in run("explain", "app.placement.overrides").stdout
    assert "keep, remove" in run("explain", "app.onFailure").stdout
    missing = run("explain", "app.spec.nothing")
    assert (missing.exit_code, "field_unknown" in missing.stderr) == (3, True)


def test_watch_prints_each_change_once(portal: Portal, run: Run) -> None:
    _fill(portal)
    a, b = portal.documents["clusters"]["a"], portal.documents["clusters"]["b"]
    changed = document("Cluster", "a", status={"ready": "False"})
    portal.events = [
        [
            {"type": "ADDED", "object": a},
            {"type": "ADDED", "object": b},
            {"type": "BOOKMARK", "object": None},
        ],
        [
            {"type": "ADDED", "object": changed},
            {"type": "ADDED", "object": b},
            {"type": "DELETED", "object": b},
        ],
        ["no change at all"],
    ]
    portal.hang_after_events.set()
    result = run("get", "clusters", "--watch")
    assert result.exit_code == 1
    assert "bad_answer" in result.stderr
    rows = [line.split()[:2] for line in result.stdout.splitlines()]
    assert rows == [
        ["NAME", "READY"],
        ["a", "True"],
        ["b", "True"],
        ["a", "False"],
        ["cluster/b", "deleted"],
    ]


def test_chart_commands(portal: Portal, run: Run) -> None:
    versions = [{"version": "1.1.0", "appVersion": "9", "releasedAt": None}, {"version": "1.0.0"}]
    found = {
        "name": "r.web",
        "version": "1.1.0",
        "readme": "# Hi \x1b[31m",
        "values": "a: 1\n",
        "schema": {"x": 1},
    }
    portal.on("GET /charts/r.web/versions", Reply(body={"items": versions}))
    portal.on("GET /charts/r.web/versions/1.1.0", Reply(body=found))
    assert run("chart", "versions", "r/web", "-o", "name").stdout == "1.1.0\n1.0.0\n"
    assert run("chart", "versions", "r/web").stdout.startswith("VERSION   APP VERSION   AGE")
    assert run("chart", "show", "r/web", "--values").stdout.strip() == "a: 1"
    assert run("chart", "show", "r.web", "--readme").stdout.strip() == "# Hi"
    assert json.loads(run("chart", "show", "r/web", "--schema").stdout) == {"x": 1}
    assert "Version: 1.1.0" in run("chart", "show", "r/web").stdout
    assert run("chart", "show", "r/web", "--readme", "--values").exit_code == 2


def test_release_and_revision_history(portal: Portal, run: Run) -> None:
    helm = [
        {"revision": 1, "updated": "2020-01-01T00:00:00Z", "status": "deployed", "chart": "web-1"}
    ]
    portal.on("GET /releases/web.a/history", Reply(body={"items": helm}))
    assert "deployed" in run("release", "history", "web.a").stdout
    items = [{"number": 1, "author": "ana"}, {"number": 2, "author": "bo", "diff": "-a\n+b"}]
    portal.on("GET /applications/web/revisions", Reply(body={"items": items}))
    lines = run("app", "history", "web").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["REVISION", "2", "1"]
    assert run("app", "history", "web", "--revision", "2").stdout == "-a\n+b\n"
    assert run("app", "history", "web", "--revision", "9").exit_code == 3


def test_app_values_and_describe(portal: Portal, run: Run) -> None:
    answer = {"values": {"a": 1}, "origins": {"a": "application"}}
    portal.on("GET /applications/web/values", Reply(body=answer))
    assert run("app", "values", "web", "--cluster", "c").stdout == "a: 1\n"
    assert portal.seen[-1].query == {"cluster": "c"}
    assert "a      application" in run("app", "values", "web", "--origins").stdout
    portal.add("applications", document("Application", "web"))
    portal.add("releases", document("Release", "web.a"), document("Release", "other.a"))
    text = run("app", "describe", "web").stdout
    assert "web.a" in text
    assert "other.a" not in text


def test_help_lists_every_exit_code(run: Run) -> None:
    text = run("--help").stdout
    for code, meaning in MEANING.items():
        assert f"{code.value:>3}  {meaning}" in text
