"""docs/faults.md has every line of the list of faults, each with tests that exist or with an honest "not yet"."""

from __future__ import annotations

import pytest

from tests.architecture.tables import REFERENCE, missing, references, rows

_PAGE = "faults.md"
#: What a portal of many clusters has to outlive; a line leaves this list only with the feature it is about.
FAULTS = (
    "kill -9 of each idle worker",
    "kill -9 of a worker in the middle of install",
    "kill -9 of a worker in the middle of upgrade",
    "kill -9 of a worker in the middle of rollback",
    "kill -9 of a worker in the middle of uninstall",
    "kill -9 of a worker in the middle of a fan-out",
    "kill -9 of a worker in the middle of a drain",
    "kill -9 between a write and its record",
    "kill -9 of the helm child only",
    "kill -9 of the main queue process: orphans do not write",
    "SIGTERM restart with 20 operations running",
    "memory limit hit while rendering",
    "the same task delivered twice at once",
    "SIGSTOP of a lease holder, then SIGCONT",
    "web killed between commit and enqueue",
    "controller killed: another takes its clusters",
    "PostgreSQL killed in the middle of a fan-out, back after 20 s",
    "PostgreSQL absent at start",
    "connections exhausted",
    "backend of a lease holder terminated",
    "disk full",
    "restored from an old dump while clusters moved on",
    "Redis killed, hanging, flushed",
    "work directory full, few descriptors",
    "API server killed in the middle of a fan-out",
    "accepts TCP and never answers",
    "accepts TCP and never answers, after TLS",
    "accepts TCP and never answers, after headers",
    "breaker after three silent calls",
    "one byte per second",
    "reset after the request was sent",
    "some clusters flapping",
    "429 with Retry-After",
    "etcd stopped for 30 s",
    "410 on watch",
    "410 on continue",
    "watch silently dead",
    "401",
    "expired certificate",
    "403 on one kind",
    "CA rotated",
    "another cluster behind the same URL",
    "namespace stuck in Terminating",
    "admission webhook down",
    "CRD removed",
    "another controller fighting for a field",
    "object already gone at delete",
    "object adopted by another owner",
    "chart repository: 404, 500, HTML with 200, truncated archive",
    "wrong digest, endless stream, bomb",
    "redirect to another host or to a metadata address",
    "OCI token realm elsewhere",
    "git: empty, path or branch gone, HTML, hangs, huge, forced push",
    "in each case zero deletes",
    "a selector that suddenly matches nothing, or 30 % fewer clusters",
    "1000 webhooks a minute",
    "clock an hour wrong on one worker",
    "DNS down",
    "DNS changing between check and connect",
    "IdP down or hanging",
    "LDAP down or hanging",
    "user disabled upstream",
    "encryption key missing or wrong at start",
    "rotation of keys interrupted",
    "audit write fails: the change is refused",
    "two people edit one object",
    "two hours of all of it at random",
)


def test_every_fault_is_there_once() -> None:
    assert [first for first, _ in rows(_PAGE)] == list(FAULTS)


def test_each_is_shown_or_says_that_it_is_not() -> None:
    for fault, shown in rows(_PAGE):
        open_ = shown.startswith("not ") or "; not yet: " in shown
        assert REFERENCE.search(shown) or open_, fault


def test_most_are_shown() -> None:
    open_ = [fault for fault, shown in rows(_PAGE) if shown.startswith("not yet")]
    assert len(open_) <= 11, "one that was shown is open again"


@pytest.mark.parametrize(("test", "row"), references(_PAGE))
def test_it_exists(test: str, row: str) -> None:
    assert not missing(test, row)
