"""apply, delete, actions, waiting, imports, deploy and diff."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.cli.conftest import Run
from tests.unit.cli.portal import Portal, Reply, document, error


def write(path: Path, *documents: dict[str, Any]) -> str:
    path.write_text(yaml.safe_dump_all(documents))
    return str(path)


def doc(kind: str, name: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "kubecarrier.io/v1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": spec,
    }


def operation(finished: bool, succeeded: bool = True, status: str = "running") -> Reply:
    targets = [{"name": "web.a", "status": status, "message": "because"}]
    state: dict[str, Any] = {"progress": {"done": 0, "total": 1}, "targets": targets}
    state |= {"finished": finished, "succeeded": succeeded}
    return Reply(body=document("Operation", "op1", status=state))


def test_apply_says_created_configured_unchanged(portal: Portal, run: Run, home: Path) -> None:
    file = write(home / "x.yaml", doc("Cluster", "a", x=1), doc("Application", "web", y=1))
    assert run("apply", "-f", file).stdout == "cluster/a created\napplication/web created\n"
    assert run("apply", "-f", file).stdout == "cluster/a unchanged\napplication/web unchanged\n"
    write(home / "x.yaml", doc("Cluster", "a", x=2))
    assert run("apply", "-f", file).stdout == "cluster/a configured\n"


def test_apply_dry_run_stores_nothing(portal: Portal, run: Run, home: Path) -> None:
    file = write(home / "x.yaml", doc("Cluster", "a"))
    assert run("apply", "-f", file, "--dry-run").stdout == "cluster/a created (server dry run)\n"
    assert portal.documents["clusters"] == {}


def test_one_bad_document_applies_nothing(portal: Portal, run: Run, home: Path) -> None:
    file = write(
        home / "x.yaml", doc("Cluster", "a"), doc("Cluster", "b", bad=1), doc("Cluster", "c")
    )
    result = run("apply", "-f", file)
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"Document 2 of {file} (cluster/b) was refused" in result.stderr
    assert "Nothing was applied." in result.stderr
    assert portal.documents["clusters"] == {}


def test_a_failure_in_between_says_what_was_applied(portal: Portal, run: Run, home: Path) -> None:
    file = write(home / "x.yaml", doc("Cluster", "a"), doc("Cluster", "b"), doc("Cluster", "c"))
    portal.on("PUT /clusters/b", Reply(201, document("Cluster", "b")), error(503, "down", "Down."))
    result = run("apply", "-f", file)
    assert (result.exit_code, result.stdout) == (7, "cluster/a created\n")
    assert "Applied before: cluster/a. Not applied: 2." in result.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("kind: Cluster\nmetadata: {name: a}\n---\nkind: [\n", "Document 2 of"),
        ("kind: Cluster\nmetadata: {name: a}\n---\njust text\n", "Document 2 of"),
        (
            "kind: Cluster\nmetadata: {name: a}\n---\nkind: Nothing\nmetadata: {name: a}\n",
            "no kind",
        ),
        ("kind: Cluster\nmetadata: {}\n", "no name"),
        ("metadata: {name: a}\n", "has no kind"),
        ("kind: Node\nmetadata: {name: a}\n", "verb_unsupported"),
        ("kind: Cluster\nmetadata: {name: a}\n---\nkind: cluster\nmetadata: {name: a}\n", "twice"),
        ("# nothing\n", "no document"),
    ],
)
def test_bad_files_send_nothing(portal: Portal, run: Run, text: str, words: str) -> None:
    result = run("apply", "-f", "-", input=text)
    assert result.exit_code == 1
    assert words in result.stderr
    assert not portal.requests("PUT")


def test_apply_reads_directories_and_its_own_output(portal: Portal, run: Run, home: Path) -> None:
    (home / "d").mkdir()
    write(home / "d" / "b.yaml", doc("Cluster", "b"))
    (home / "d" / "a.json").write_text(json.dumps(doc("Cluster", "a")))
    (home / "d" / "notes.txt").write_text("not a document")
    assert run("apply", "-f", str(home / "d")).stdout == "cluster/a created\ncluster/b created\n"
    listed = run("get", "clusters", "-o", "yaml").stdout
    assert (
        run("apply", "-f", "-", input=listed).stdout == "cluster/a unchanged\ncluster/b unchanged\n"
    )


def test_delete(portal: Portal, run: Run, home: Path) -> None:
    portal.add("clusters", *(document("Cluster", name) for name in "abcd"))
    assert run("delete", "cluster/a", "--dry-run").stdout == "cluster/a deleted (server dry run)\n"
    assert (
        run("delete", "cl", "a", "b", "--wait").stdout == "cluster/a deleted\ncluster/b deleted\n"
    )
    assert run("delete", "cluster", "a").exit_code == 3
    assert run("delete", "cluster", "a", "--ignore-not-found").exit_code == 0
    asked = run("delete", "clusters", "-l", "env=prod")
    assert (asked.exit_code, "Use --yes" in asked.stderr) == (2, True)
    file = write(home / "x.yaml", doc("Cluster", "c"))
    assert run("delete", "-f", file).stdout == "cluster/c deleted\n"
    assert run("delete", "clusters", "-l", "env=prod", "-y").stdout == "cluster/d deleted\n"


ACTIONS: list[tuple[list[str], str, Any]] = [
    (["cluster", "pause", "a"], "/clusters/a/suspend", {}),
    (["cluster", "resume", "a"], "/clusters/a/resume", {}),
    (["cluster", "rename", "a", "b"], "/clusters/a/rename", {"newName": "b"}),
    (["cluster", "probe", "a"], "/clusters/a/probe", {}),
    (["repo", "refresh", "r"], "/repositories/r/refresh", {}),
    (["app", "scale", "web", "--replicas", "3", "--cluster", "c"], "/applications/web/scale",
     {"replicas": 3, "cluster": "c"}),
    (["app", "scale", "web", "--replicas", "0"], "/applications/web/scale", {"replicas": 0}),
    (["app", "upgrade", "web", "--version", "2"], "/applications/web/upgrade", {"version": "2"}),
    (["app", "upgrade", "web"], "/applications/web/upgrade", {}),
    (["app", "rollback", "web", "4"], "/applications/web/rollback", {"revision": 4}),
    (["app", "redeploy", "web"], "/applications/web/redeploy", {}),
    (["app", "redeploy", "web", "--cluster", "c"], "/releases/web.c/redeploy", {}),
    (["app", "pause", "web"], "/applications/web/suspend", {}),
    (["app", "resume", "web"], "/applications/web/resume", {}),
]  # fmt: skip


@pytest.mark.parametrize(("args", "path", "body"), ACTIONS)
def test_actions(portal: Portal, run: Run, args: list[str], path: str, body: Any) -> None:
    portal.on(f"POST {path}", Reply(202, {"object": document("Cluster", "a"), "operation": None}))
    result = run(*args)
    assert result.exit_code == 0, result.stderr
    assert portal.requests("POST", path)[0].body == body


def test_rollback_goes_to_the_one_before(portal: Portal, run: Run) -> None:
    items = [{"number": 3}, {"number": 5}, {"number": 4}]
    portal.on("GET /applications/web/revisions", Reply(body={"items": items}))
    portal.on("POST /applications/web/rollback", Reply(202, {}))
    assert run("app", "rollback", "web").stdout == "application/web rolled back to revision 4\n"


def test_an_action_waits_for_its_operation(portal: Portal, run: Run) -> None:
    portal.on("POST /applications/web/redeploy", Reply(202, {"operation": operation(False).body}))
    away = error(503, "database_unavailable", "Away.")
    portal.on("GET /operations/op1", operation(False), away, operation(True, status="succeeded"))
    result = run("app", "redeploy", "web")
    assert (result.exit_code, result.stdout) == (0, "application/web redeployed\n")
    assert result.stderr.splitlines() == ["web.a running: because", "web.a succeeded: because"]
    assert "operation wait op1" in run("app", "redeploy", "web", "--no-wait").stderr


def test_a_failed_operation_is_exit_code_1(portal: Portal, run: Run) -> None:
    portal.on("GET /operations/op1", operation(True, succeeded=False, status="failed"))
    result = run("operation", "wait", "op1")
    assert result.exit_code == 1
    assert "hint: web.a: because" in result.stderr


def test_waiting_ends_with_6(portal: Portal, run: Run) -> None:
    portal.on("GET /operations/op1", operation(False))
    result = run("operation", "wait", "op1", "--timeout", "1s")
    assert (result.exit_code, "timed_out" in result.stderr) == (6, True)
    assert "operation wait op1" in result.stderr


def test_waiting_for_an_application(portal: Portal, run: Run) -> None:
    old = document("Application", "web", status={"observedGeneration": 1})
    portal.on("GET /applications/web", Reply(body=old), Reply(body=document("Application", "web")))
    portal.add("releases", document("Release", "web.a"))
    result = run("app", "wait", "web")
    assert (result.exit_code, result.stdout) == (0, "application/web is ready\n")
    assert "web.a ready" in result.stderr
    stalled = {"type": "Stalled", "status": "True", "message": "Bad values."}
    portal.on(
        "GET /applications/web",
        Reply(
            body=document("Application", "web", status={"ready": "False", "conditions": [stalled]})
        ),
    )
    assert "Bad values." in run("app", "wait", "web").stderr
    portal.on("GET /applications/web", error(404, "not_found", "Gone."))
    assert run("app", "wait", "web", "--for", "deleted").exit_code == 0
    assert run("app", "wait", "web").exit_code == 3


NEW = ["--chart", "r/web", "--namespace", "web"]


def test_app_create(portal: Portal, run: Run, home: Path) -> None:
    values = home / "v.yaml"
    values.write_text("# kept\na: 1\n")
    more = [
        "--cluster",
        "a,b",
        "--selector",
        "env=prod",
        "--on-failure",
        "remove",
        "--keep-resources",
    ]
    result = run("app", "create", "web", *NEW, "--values", str(values), "--label", "t=x", *more)
    assert result.stdout == "application/web created\n"
    sent = portal.requests("POST", "/applications")[0].body
    assert sent["metadata"] == {"name": "web", "labels": {"t": "x"}}
    assert sent["spec"] == {
        "chart": "r/web",
        "namespace": "web",
        "onFailure": "remove",
        "keepResources": True,
        "placement": {"clusters": ["a", "b"], "selector": "env=prod"},
        "values": "# kept\na: 1\n",
    }
    assert run("app", "create", "web", *NEW).exit_code == 5


def test_app_deploy_creates_then_changes_only_what_was_asked(portal: Portal, run: Run) -> None:
    assert run("app", "deploy", "web").exit_code == 2
    created = run("app", "deploy", "web", *NEW, "--set", "a=1", "--cluster", "a")
    assert created.stdout == "application/web created\n"
    assert created.stderr.endswith("application/web is ready\n")
    changed = run("app", "deploy", "web", "--set", "b.c=x", "--version", "2")
    assert changed.stdout == "application/web configured\n"
    sent = portal.requests("PATCH")[0]
    assert sent.body == {"spec": {"values": "a: 1\nb:\n  c: x\n", "version": "2"}}
    assert sent.headers["if-match"] == '"uid.2"'
    assert sent.headers["content-type"] == "application/merge-patch+json"
    again = run("app", "deploy", "web", "--version", "2")
    assert again.stdout == "application/web unchanged\n"
    assert len(portal.requests("PATCH")) == 1


def test_app_deploy_from_a_file(portal: Portal, run: Run, home: Path) -> None:
    file = write(home / "x.yaml", doc("Application", "web"))
    assert run("app", "deploy", "-f", file, "--no-wait").stdout == "application/web created\n"
    assert run("app", "deploy", "other", "-f", file).exit_code == 2
    assert run("app", "deploy", "-f", file, "--version", "1").exit_code == 2


@pytest.mark.parametrize(
    ("groups", "exit_code", "words"),
    [
        ([], 0, "No difference."),
        ([{"clusters": ["a"], "diff": "", "summary": {"added": 0}}], 0, "No difference."),
        ([{"clusters": ["a", "b"], "diff": "-x\n+y\x1b[0m", "summary": {"changed": 1}}], 1,
         "# a, b (2): 1 changed\n-x\n+y\n"),
    ],
)  # fmt: skip
def test_app_diff(portal: Portal, run: Run, groups: list[Any], exit_code: int, words: str) -> None:
    portal.on("POST /applications/web/preview", Reply(body={"groups": groups}))
    result = run("app", "diff", "web")
    assert (result.exit_code, words in result.output) == (exit_code, True)
    assert portal.requests("POST")[0].raw == b""


def test_app_diff_of_a_cluster_without_an_answer_is_never_no_difference(
    portal: Portal, run: Run
) -> None:
    silent = {"clusters": ["a"], "diff": "", "summary": {}, "error": {"message": "Timed out."}}
    portal.on("POST /applications/web/preview", Reply(body={"groups": [silent]}))
    result = run("app", "diff", "web")
    assert (result.exit_code, "No difference" in result.stderr) == (2, False)
    assert "no preview of a: Timed out." in result.stderr


def test_app_diff_errors_are_not_differences(portal: Portal, run: Run) -> None:
    portal.on("POST /applications/web/preview", error(400, "values_invalid", "No."))
    portal.add("applications", document("Application", "web", spec={"values": "a: 1"}))
    assert run("app", "diff", "web", "--set", "a=2").exit_code == 2
    assert portal.requests("POST")[0].body["spec"] == {"values": "a: 2\n"}
    assert run("app", "diff", "nothing").exit_code == 3


def test_deletes_carry_their_policy(portal: Portal, run: Run) -> None:
    portal.add("clusters", document("Cluster", "a"))
    portal.add("applications", document("Application", "web"))
    portal.add("repositories", document("ChartRepository", "r"))
    assert run("cluster", "remove", "a", "--policy", "cleanup").exit_code == 0
    assert run("app", "delete", "web", "--keep-resources").exit_code == 0
    assert run("repo", "remove", "r").exit_code == 0
    queries = [seen.query for seen in portal.requests("DELETE")]
    assert queries == [{"policy": "cleanup"}, {"keepResources": "true"}, {}]


def test_repo_add_and_chart_upload(portal: Portal, run: Run, home: Path) -> None:
    args = ["repo", "add", "r", "oci://registry.example/x", "--username", "u", "--password-stdin"]
    assert run(*args, "--chart", "web", input="pw\n").stdout == "chartrepository/r created\n"
    spec = portal.requests("PUT")[0].body["spec"]
    assert spec == {
        "type": "oci",
        "url": "oci://registry.example/x",
        "username": "u",
        "password": "pw",
        "charts": ["web"],
    }
    portal.on("POST /repositories/r/charts", Reply(201, {}))
    chart = home / "web-1.tgz"
    chart.write_bytes(b"not gzip")
    assert run("chart", "upload", str(chart), "--repo", "r").exit_code == 2
    chart.write_bytes(gzip.compress(b"x" * 100))
    assert run("chart", "upload", str(chart), "--repo", "r").exit_code == 0
    sent = portal.requests("POST", "/repositories/r/charts")[0]
    assert (sent.raw, sent.headers["content-type"]) == (chart.read_bytes(), "application/gzip")


def kubeconfig(path: Path) -> str:
    (path.parent / "ca.crt").write_bytes(b"CA")
    (path.parent / "tok").write_text("from-file\n")
    named = {
        "contexts": [{"name": n, "context": {"cluster": f"c{n}", "user": f"u{n}"}} for n in "ab"],
        "clusters": [
            {"name": f"c{n}", "cluster": {"server": "https://x", "certificate-authority": "ca.crt"}}
            for n in "ab"
        ],
        "users": [
            {"name": "ua", "user": {"tokenFile": "tok"}},
            {"name": "ub", "user": {"token": "SECRET-B"}},
        ],
    }
    path.write_text(yaml.safe_dump({"current-context": "a", **named}))
    return str(path)


def test_import_sends_only_what_was_chosen(portal: Portal, run: Run, home: Path) -> None:
    items = [{"context": "a", "name": "eu", "result": "created", "object": {}}]
    portal.on("POST /clusters/import", Reply(body={"items": items}))
    file = kubeconfig(home / "kc")
    result = run(
        "cluster",
        "import",
        "--kubeconfig",
        file,
        "--context",
        "a",
        "--name",
        "eu",
        "--label",
        "env=prod",
    )
    assert result.stdout == "cluster/eu created\n"
    sent = portal.requests("POST")[0].body
    assert (sent["contexts"], sent["names"], sent["labels"]) == (
        ["a"],
        {"a": "eu"},
        {"env": "prod"},
    )
    assert "SECRET-B" not in sent["kubeconfig"]
    inner = yaml.safe_load(sent["kubeconfig"])
    assert inner["users"] == [{"name": "ua", "user": {"token": "from-file"}}]
    data = inner["clusters"][0]["cluster"]["certificate-authority-data"]
    assert base64.b64decode(data) == b"CA"


def test_import_tells_of_each_context(portal: Portal, run: Run, home: Path) -> None:
    items = [
        {"context": "a", "name": "a", "result": "created"},
        {
            "context": "b",
            "name": "b",
            "result": "error",
            "error": {"code": "exec_refused", "message": "No exec."},
        },
    ]
    portal.on("POST /clusters/import", Reply(body={"items": items}))
    result = run("cluster", "import", "--kubeconfig", kubeconfig(home / "kc"), "--all-contexts")
    assert (result.exit_code, result.stdout) == (1, "cluster/a created\n")
    assert "error: b: No exec. (exec_refused)" in result.stderr
    assert "1 of 2 clusters were not imported" in result.stderr


@pytest.mark.parametrize(
    ("args", "exit_code"),
    [
        (["--context", "z"], 3),
        (["--context", "a", "--all-contexts"], 2),
        (["--all-contexts", "--name", "x"], 2),
        (["--rename", "nonsense"], 2),
    ],
)
def test_import_refuses(
    portal: Portal, run: Run, home: Path, args: list[str], exit_code: int
) -> None:
    file = kubeconfig(home / "kc")
    assert run("cluster", "import", "--kubeconfig", file, *args).exit_code == exit_code
    assert not portal.requests("POST")


def test_the_default_kubeconfig_is_never_taken_silently(
    portal: Portal, run: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", kubeconfig(home / "kc"))
    portal.on("POST /clusters/import", Reply(body={"items": []}))
    result = run("cluster", "import")
    assert (result.exit_code, "Use --yes" in result.stderr) == (2, True)
    assert run("cluster", "import", "--yes").exit_code == 0
    monkeypatch.setenv("KUBECONFIG", "a:b")
    assert run("cluster", "import", "--yes").exit_code == 2


def test_import_by_address_and_rotate(portal: Portal, run: Run, home: Path) -> None:
    portal.on("POST /clusters/import", Reply(body={"items": []}))
    run("cluster", "import", "--server", "https://x", "--name", "n", "--token-stdin", input="t\n")
    assert portal.requests("POST")[0].body == {"name": "n", "server": "https://x", "token": "t"}
    portal.on("POST /clusters/a/rotate", Reply(202, {}))
    assert run("cluster", "rotate", "a", "--token-stdin", input="t2\n").exit_code == 0
    assert portal.requests("POST")[-1].body == {"token": "t2"}
    assert (
        run(
            "cluster", "rotate", "a", "--kubeconfig", kubeconfig(home / "kc"), "--context", "b"
        ).exit_code
        == 0
    )
    assert portal.requests("POST")[-1].body["context"] == "b"
