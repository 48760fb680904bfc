"""The audit's pages in a real browser: filters, an object's history, between two times, export."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from pytest_django import Settings

from accounts.models import AuditEntry, User
from accounts.trail import keys
from apps.models import Application
from fleet.models import Cluster
from tests.browser import fleet
from tests.browser.chromium import listen, log_in
from tests.browser.test_login import shoot
from tests.db.rights import bind, role

pytestmark = pytest.mark.django_db(transaction=True)
PASSWORD = "a-long-password-1"
STREAM = "/admin/accounts/auditentry/"
_DOCS = Path(__file__).parents[2] / "docs" / "audit.md"


@pytest.fixture
def base(live_server: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # playwright's loop is in this thread
    settings.ALLOWED_HOSTS = ["*"]
    fleet.build(clusters=fleet.CLUSTERS[:3], applications=fleet.APPLICATIONS[:9])
    return str(live_server.url)


def lines(page: Any) -> list[str]:
    return [text.strip() for text in page.locator(".kc-audit tbody tr").all_inner_texts()]


def narrow_fits(page: Any) -> None:
    """Nothing scrolls sideways on a telephone."""
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    inner = (
        "[...document.querySelectorAll('.kc-scroll')].every(e => e.scrollWidth <= e.clientWidth)"
    )
    assert page.evaluate(inner)
    page.set_viewport_size({"width": 1440, "height": 900})


def test_the_stream_and_its_filters(page: Any, base: str) -> None:
    said = listen(page)
    log_in(page, base, "ada", PASSWORD)
    page.goto(base + STREAM)
    shoot(page, "audit")
    narrow_fits(page)
    assert len(lines(page)) == 50
    newest = lines(page)[0]
    page.get_by_role("link", name="Older", exact=True).click()
    page.wait_for_url(re.compile("before="))
    assert newest not in lines(page)
    page.goto(base + STREAM)
    page.locator("summary", has_text="Filter").click()
    page.select_option("select[name=result]", "denied")
    page.get_by_role("button", name="Filter").click()
    page.wait_for_url(re.compile("result=denied"))
    shown = lines(page)
    assert len(shown) == AuditEntry.objects.filter(result="denied").count()
    assert "fra-prod-1" in shown[0]
    shoot(page, "audit-denied")
    page.fill("input[name=who]", "nobody-of-that-name")
    page.get_by_role("button", name="Filter").click()
    page.get_by_text("No entry fits these filters.").wait_for()
    shoot(page, "audit-none")
    assert said == []


def test_an_object_s_history_with_its_difference(page: Any, base: str) -> None:
    said = listen(page)
    log_in(page, base, "ada", PASSWORD)
    row = Cluster.objects.get(name="fra-prod-1")
    page.goto(base + reverse("admin:fleet_cluster_change", args=[row.pk]) + "?tab=history")
    page.get_by_text("Drill of the yearly recovery").first.wait_for()
    shoot(page, "audit-history")
    narrow_fits(page)
    page.get_by_role("link", name="All of them, to filter").click()
    page.wait_for_url(re.compile(r"kind=Cluster&object=fra-prod-1"))
    page.locator(".kc-audit tbody tr", has_text="changed").first.locator("a").first.click()
    page.get_by_role("heading", name="Before and after").wait_for()
    assert "+Drill in March" in page.locator("main, body").first.inner_text()
    shoot(page, "audit-entry")
    narrow_fits(page)
    assert said == []


def test_what_changed_between_two_times(page: Any, base: str) -> None:
    said = listen(page)
    log_in(page, base, "ada", PASSWORD)
    page.goto(f"{base}{STREAM}changed/?object=payments")
    card = page.locator("details", has_text="Application payments")
    card.wait_for()
    assert "created" in card.inner_text()
    shoot(page, "audit-changed")
    narrow_fits(page)
    page.fill("input[name=since]", "2020-01-01T00:00")
    page.fill("input[name=until]", "2020-01-02T00:00")
    page.get_by_role("button", name="Filter").click()
    page.get_by_text("Nothing changed in that time.").wait_for()
    assert said == []


def test_an_export_is_checked_without_the_portal(page: Any, base: str, tmp_path: Path) -> None:
    log_in(page, base, "ada", PASSWORD)
    page.goto(f"{base}{STREAM}?kind=Application")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Export").click()
    assert re.fullmatch(r"audit-\d{8}T\d{6}Z\.zip", waiting.value.suggested_filename)
    folder = tmp_path / "export"
    zipfile.ZipFile(waiting.value.path()).extractall(folder)
    found = re.search(r"```python\n(.*?)```", _DOCS.read_text(), re.DOTALL)
    assert found
    program = tmp_path / "check_export.py"
    program.write_text(found[1])
    done = subprocess.run(
        [sys.executable, "-I", str(program), str(folder), keys.current()[1]],
        capture_output=True, text=True, check=True, env={},
    )  # fmt: skip
    count = AuditEntry.objects.filter(kind="Application").count()
    assert done.stdout.startswith(f"{count} entries are as sealed, 0 were not sealed yet")


def test_who_holds_the_audit_of_one_project(page: Any, base: str) -> None:
    user = User.objects.create_user("eve", password=PASSWORD, is_staff=True)
    role("auditor", "auditentries.view", "applications.view")
    bind(user, "auditor", project="shop")
    log_in(page, base, "eve", PASSWORD)
    page.goto(f"{base}{STREAM}?kind=Application")
    shown = {entry.object_repr for entry in AuditEntry.objects.filter(project="shop")}
    texts = lines(page)
    assert texts
    assert all(any(name in text for name in shown) for text in texts)
    assert page.get_by_role("button", name="Export").count() == 0
    other = AuditEntry.objects.filter(kind="Cluster").first()
    assert other is not None
    assert page.goto(f"{base}{STREAM}{other.pk}/change/").status == 404
    row = Application.objects.filter(project__name="shop").first()
    assert row is not None
    page.goto(base + reverse("admin:apps_application_change", args=[row.pk]) + "?tab=history")
    assert page.get_by_text("created").first.is_visible()
