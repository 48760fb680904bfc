"""audit: filters, forms, what comes, and cells that a spreadsheet must not run."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from kubecarrier.cli import auditing
from kubecarrier.cli.api import Api
from kubecarrier.cli.errors import CliError
from kubecarrier.cli.session import Connection
from tests.unit.cli.conftest import Run
from tests.unit.cli.portal import TOKEN, Portal, Reply


def entry(number: int, **more: Any) -> dict[str, Any]:
    status = {
        "id": number, "at": "2030-01-31T12:00:00.000000Z", "actor": "ana", "channel": "cli", "did": "changed",
        "kind": "Cluster", "object": "one", "result": "ok", "changes": {"region": ["", "north"]}, "reason": None,
    }  # fmt: skip
    return {"metadata": {"name": str(number)}, "status": {**status, **more}}


def page(*entries: dict[str, Any]) -> Reply:
    return Reply(body={"items": list(entries), "metadata": {"continue": None}})


def test_the_newest_is_last_and_filters_reach_the_server(portal: Portal, run: Run) -> None:
    portal.on("GET /auditentries", page(entry(2, result="denied"), entry(1)))
    words = [
        "--who",
        "ana",
        "--kind",
        "clusters",
        "--object",
        "one",
        "--cluster",
        "one",
        "--denied",
    ]
    found = run("audit", *words, "--since", "2030-01-31T12:00:00+00:00")
    lines = found.stdout.splitlines()
    assert lines[0].split() == ["WHEN", "WHO", "CHANNEL", "DID", "KIND", "OBJECT", "RESULT"]
    assert [line.split()[-1] for line in lines[1:]] == ["ok", "denied"]
    asked = portal.requests("GET", "/auditentries")[0].query
    assert asked == {
        "who": "ana",
        "kind": "Cluster",
        "object": "one",
        "cluster": "one",
        "result": "denied",
        "since": "2030-01-31T12:00:00.000000Z",
        "limit": "100",
    }


def test_a_kind_that_is_none_of_the_api_is_asked_for_as_it_is(portal: Portal, run: Run) -> None:
    portal.on("GET /auditentries", page())
    assert "No entries found." in run("audit", "--kind", "User").stderr
    assert portal.requests("GET", "/auditentries")[0].query["kind"] == "User"


def test_json_is_one_record_a_line(portal: Portal, run: Run) -> None:
    portal.on("GET /auditentries", page(entry(2), entry(1)))
    lines = run("audit", "-o", "json").stdout.splitlines()
    assert [json.loads(line)["id"] for line in lines] == [1, 2]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_csv_holds_no_formula(portal: Portal, run: Run, text: str) -> None:
    portal.on("GET /auditentries", page(entry(1, reason=text)))
    (row,) = csv.DictReader(io.StringIO(run("audit", "-o", "csv").stdout))
    assert row["reason"].startswith("'")
    assert row["changes"] == '{"region": ["", "north"]}'


@pytest.mark.parametrize("text", ["yesterday", "3x", "9999999w", "-2h", "2030-13-01"])
def test_odd_times_are_wrong_usage(run: Run, text: str) -> None:
    found = run("audit", f"--since={text}")
    assert found.exit_code == 2
    assert "--since" in found.stderr


def test_ago() -> None:
    then = datetime.fromisoformat(auditing.moment("2h", "--since"))
    assert 7190 < (datetime.now(UTC) - then).total_seconds() < 7300


def test_follow_shows_each_once_also_one_that_was_committed_late(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Entry 2 comes after 3: its transaction took longer."""
    first, late = page(entry(3)), page(entry(3), entry(2))
    portal.on("GET /auditentries", page(entry(1)), first, late, Reply(400, {"error": {}}))
    monkeypatch.setattr(auditing, "_LOOK_SECONDS", 0.01)
    shown: list[int] = []
    api = Api(Connection(url=portal.url, token=TOKEN))
    with pytest.raises(CliError):
        auditing.show(
            api, {}, lambda rows: shown.extend(r["id"] for r in rows), limit=10, follow=True
        )
    api.close()
    assert shown == [1, 3, 2]
