"""project and capacity: what is sent, and how what is not known is written."""

from __future__ import annotations

from typing import Any

import pytest

from kubecarrier.cli.documents import Source
from kubecarrier.cli.kinds import Kind
from tests.unit.cli.conftest import Run
from tests.unit.cli.portal import Portal, Reply, document

NOTHING = dict.fromkeys(("allocatable", "requested", "used", "quota", "free", "block", "waste"))


def row(name: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name, "cluster": name, "project": None, "reachable": True, "standing": "unknown",
        "fits": None, "nodes": None, "cpu": NOTHING, "memory": NOTHING, **more,
    }  # fmt: skip


def test_capacity_as_a_table(portal: Portal, run: Run) -> None:
    cpu = NOTHING | {"allocatable": 64000, "requested": 4000, "used": 250, "free": 60000}
    memory = NOTHING | {"requested": 3 * 2**29}
    items = [row("big", cpu=cpu, memory=memory, standing="under"), row("blind")]
    portal.on("GET /capacity", Reply(body={"by": "cluster", "items": items, "unknown": []}))
    lines = run("capacity").stdout.splitlines()
    assert lines[0].split()[:4] == ["CLUSTER", "CPU-REQ", "CPU-USED", "CPU-ALLOC"]
    assert lines[1].split() == [
        "big", "4", "0.25", "64", "60", "<none>", "1.5Gi", "<unknown>", "<none>", "<none>", "<none>", "under",
    ]  # fmt: skip
    assert lines[2].split()[1:3] == ["<unknown>", "<unknown>"], "never 0"


def test_capacity_question_reaches_the_server(portal: Portal, run: Run) -> None:
    portal.on("GET /capacity", Reply(body={"by": "namespace", "items": [], "unknown": ["far"]}))
    result = run("capacity", "--by", "namespace", "--fits", "cpu=40,memory=1Gi", "-p", "shop")
    assert portal.seen[-1].query == {
        "by": "namespace",
        "order": "cpu",
        "fits": "cpu=40,memory=1Gi",
        "project": "shop",
    }
    assert "Not known of: far." in result.stderr


def test_create_sends_a_whole_document(portal: Portal, run: Run) -> None:
    portal.on(
        "POST /projects",
        Reply(201, document("Project", "shop"), {"X-KubeCarrier-Result": "created"}),
    )
    result = run(
        "project", "create", "shop", "-n", "shop,shop-db", "--cluster", "a", "--quota", "requests.cpu=8,pods=20",
        "--repo", "local", "--label", "team=shop",
    )  # fmt: skip
    assert result.stdout == "project/shop created\n"
    sent = portal.requests("POST", "/projects")[0].body
    assert sent["metadata"] == {"name": "shop", "labels": {"team": "shop"}}
    assert sent["spec"] == {
        "description": "",
        "namespaces": [{"name": "shop", "adopt": False}, {"name": "shop-db", "adopt": False}],
        "placement": {"clusters": ["a"], "selector": ""},
        "quota": {"hard": {"requests.cpu": "8", "pods": "20"}},
        "allow": {"repositories": ["local"]},
    }


def test_namespaces_with_their_use(portal: Portal, run: Run) -> None:
    items = [
        {"cluster": "a", "name": "shop", "state": "Ready", "message": "",
         "quota": {"hard": {"pods": "9", "requests.cpu": "8"}, "used": {"requests.cpu": "2"}}},
        {"cluster": "b", "name": "shop", "state": "Foreign", "message": "It is there already.", "quota": None},
    ]  # fmt: skip
    portal.on("GET /projects/shop/namespaces", Reply(body={"items": items, "totals": {}}))
    lines = run("project", "namespaces", "shop").stdout.splitlines()
    assert "pods=?/9,requests.cpu=2/8" in lines[1]
    assert "<unknown>" in lines[2]


def test_namespaces_are_deleted_only_after_a_question(portal: Portal, run: Run) -> None:
    assert (
        run("project", "delete", "shop", "--delete-namespaces", "shop", input="n\n").exit_code != 0
    )
    assert portal.requests("DELETE") == []


@pytest.mark.parametrize(
    ("in_project", "meta", "expected"),
    [
        (True, {"name": "a"}, "shop"),
        (True, {"name": "a", "project": "other"}, "other"),
        (False, {"name": "a"}, None),
    ],
)
def test_apply_puts_into_the_project_what_says_none(
    in_project: bool, meta: dict[str, str], expected: str | None
) -> None:
    kind = Kind("Application", "applications", "application", in_project=in_project)
    source = Source("f", 1, kind, "a", {"metadata": meta}).within("shop")
    assert source.document["metadata"].get("project") == expected
