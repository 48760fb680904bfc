"""Ctrl-K: from a few letters to an object, with the keyboard alone, and to nothing that one may not see."""

from __future__ import annotations

from typing import Any

import pytest

from apps.models import Release
from tests.browser import fleet, people
from tests.browser.chromium import listen, log_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def base(live_server: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """A fleet, `ada` who may do everything, and `vic` who sees the project `shop`."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # playwright has a loop in this thread
    people.build(fleet.build(clusters=fleet.CLUSTERS[:4], applications=fleet.APPLICATIONS[:8]))
    return str(live_server.url)


def test_to_a_release_and_its_pods_without_a_mouse(page: Any, base: str) -> None:
    said = listen(page)
    log_in(page, base, "ada", people.PASSWORD)
    page.keyboard.press("Control+k")
    page.get_by_role("option", name="Overview").wait_for()
    page.keyboard.type("payments.ams")
    found = page.get_by_role("option", name="payments.ams-prod-1")
    found.first.wait_for()
    assert found.first.get_attribute("aria-selected") == "true"
    page.keyboard.press("Enter")
    release = Release.objects.get(name="payments.ams-prod-1")
    page.wait_for_url(f"{base}/admin/apps/release/{release.pk}/change/")
    pods = page.locator(".kc-deployed tbody tr", has_text="Pod")
    assert pods.count() == 2
    link = pods.first.get_by_role("link", name="Logs")
    assert link.get_attribute("href").endswith("/logs/")

    page.get_by_role("button", name="Find anything").click()
    page.keyboard.type("no-such-thing")
    page.get_by_text("Nothing that you may see has “no-such-thing” in its name.").wait_for()
    page.keyboard.press("Escape")
    assert not page.locator("#kc-finder").is_visible()
    assert said == []


def test_nothing_of_others_is_found(page: Any, base: str) -> None:
    log_in(page, base, "vic", people.PASSWORD)
    page.keyboard.press("Control+k")
    page.keyboard.type("mail")
    page.get_by_text("Nothing that you may see").or_(page.get_by_role("option").first).wait_for()
    assert page.get_by_role("option", name="mailer").count() == 0
    page.locator("#kc-finder input").fill("checkout")
    page.get_by_role("option", name="checkout", exact=False).first.wait_for()


def test_on_a_telephone_a_row_is_a_paragraph_with_names(page: Any, base: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    log_in(page, base, "ada", people.PASSWORD)
    page.goto(f"{base}/admin/apps/application/")
    row = page.locator("#result_list tr", has=page.get_by_role("link", name="payments", exact=True))
    cell = row.locator("td[data-named=State]")
    assert cell.bounding_box()["width"] > 250
    assert row.locator("td[data-named=Chart]").inner_text().endswith("acme/web")
    scroller = page.locator("#result_list").locator("..")
    assert scroller.evaluate("one => one.scrollWidth <= one.clientWidth")
