"""What the editor is told of a text while it is typed; what stands in a page without an editor."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from accounts.models import AuditEntry, User
from tests.db.conftest import schema_chart
from tests.portal import Portal

pytestmark = pytest.mark.django_db

Json = dict[str, Any]


@pytest.fixture
def console(portal: Portal) -> Client:
    client = Client()
    client.force_login(User.objects.get(username="admin"))
    return client


def problems(console: Client, check: str, text: str, **more: str) -> list[Json]:
    answer = console.post(f"/admin/check/{check}/", {"yaml": text, **more})
    assert answer.status_code == 200
    found: list[Json] = answer.json()["problems"]
    return found


@pytest.mark.parametrize(
    ("check", "text", "line", "column", "message"),
    [
        ("mapping", "a: 1\nb: 2\na: 3\n", 3, 1, "The key 'a' stands twice in one mapping."),
        ("mapping", "a: [1\n", 2, 1, "Not valid YAML: did not find expected ',' or ']'."),
        ("mapping", "a: &x 1\n", 1, 4, "Anchors and aliases are not accepted."),
        ("mapping", "- a\n", 1, 1, "Write a mapping (key: value)."),
        ("list", "a: 1\n", 1, 1, "Write a list (- item)."),
        ("values", "a: 1\na: 2\n", 2, 1, "The key 'a' stands twice in one mapping."),
    ],
)
def test_the_readers_own_words_at_their_line(
    console: Client, check: str, text: str, line: int, column: int, message: str
) -> None:
    (found,) = problems(console, check, text)
    assert (found["line"], found["column"], found["message"]) == (line, column, message)


def test_what_can_be_read_has_no_problems(console: Client) -> None:
    assert problems(console, "mapping", "a: {b: [1, 2]}\n") == []
    assert problems(console, "list", "- a\n") == []
    assert problems(console, "mapping", "") == []


def test_values_by_the_schema_of_the_chart_that_the_form_names(
    console: Client, portal: Portal
) -> None:
    portal.local_repository(schema_chart())
    text = "# how many\nreplicaCount: many\n"
    (found,) = problems(console, "values", text, chart="local/strict", version="1.0.0")
    assert (found["line"], found["column"], found["severity"]) == (2, 1, "error")
    assert "many" not in found["message"]
    assert problems(console, "values", "replicaCount: 2\n", chart="local/strict") == []
    assert problems(console, "values", text, chart="local/unknown") == []
    (found,) = problems(console, "values", text, chart="local/strict", version="9.*")
    assert found["message"].startswith("No version of")


def test_a_chart_that_one_may_not_see_says_nothing(portal: Portal) -> None:
    portal.local_repository(schema_chart())
    client = Client()
    client.force_login(User.objects.create_user("eve", "eve@example.org", "a-long-password-1"))
    assert problems(client, "values", "replicaCount: many\n", chart="local/strict") == []


def test_checking_is_for_people_who_are_logged_in_and_leaves_no_entry(console: Client) -> None:
    before = AuditEntry.objects.count()
    problems(console, "mapping", "a: 1\n")
    assert AuditEntry.objects.count() == before
    assert console.get("/admin/check/mapping/").status_code == 404
    assert console.post("/admin/check/other/", {"yaml": ""}).status_code == 404
    assert Client().post("/admin/check/mapping/", {"yaml": "a: 1"}).status_code == 302


@pytest.mark.parametrize("made", [True, False])
def test_without_the_bundle_the_page_has_plain_text_areas(
    console: Client, settings: Any, tmp_path: Path, made: bool
) -> None:
    if made:
        (tmp_path / "built").mkdir()
        (tmp_path / "built/editor.js").write_text("export {}")
    settings.STATICFILES_DIRS = [tmp_path]
    page = console.get("/admin/fleet/configitem/add/").content.decode()
    area = re.search(r'<textarea[^>]*name="overrides"[^>]*>', page)
    assert area
    assert ("data-editor=" in area[0]) is made
    assert ("/admin/check/mapping/" in area[0]) is made
