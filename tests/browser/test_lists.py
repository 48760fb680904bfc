"""Lists refresh by themselves and leave alone what a person is doing with them."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import User
from apps.models import ChartRepository
from apps.services.repositories import repository_apply
from kubecarrier.lib.manifests import Wish
from tests.browser.chromium import listen, log_in

LIST = "/admin/apps/chartrepository/"
PASSWORD = "a-long-password-1"
TWO_POLLS_MS = 9_000
pytestmark = pytest.mark.django_db(transaction=True)


def put(name: str, description: str = "") -> None:
    spec = {"type": "local", "description": description}
    repository_apply(actor=None, wish=Wish(name, {}, spec))


def has_charts(name: str, count: int) -> None:
    """As if a refresh had found that many."""
    assert ChartRepository.objects.filter(name=name).status_update(chart_count=count) == 1


@pytest.fixture
def lists(live_server: Any, page: Any, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, list[str]]:
    """The list of forty repositories in a browser, and what its console says."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # playwright has a loop in this thread
    User.objects.create_superuser("ada", "ada@example.org", PASSWORD)
    for number in range(40):
        put(f"charts-{number:02}")
    said = listen(page)
    log_in(page, live_server.url, "ada", PASSWORD)
    page.goto(live_server.url + LIST)
    page.evaluate("window.stillHere = true")
    return page, said


def row(page: Any, name: str) -> Any:
    return page.locator("#result_list tr", has=page.get_by_role("link", name=name, exact=True))


def test_rows_come_and_change_under_focus_and_scrolling(
    lists: tuple[Any, list[str]],
) -> None:
    page, said = lists
    link = page.get_by_role("link", name="charts-30", exact=True)
    link.focus()
    scrolled = page.evaluate("document.activeElement.getBoundingClientRect().top")
    has_charts("charts-30", 4321)
    row(page, "charts-30").get_by_text("4321").wait_for()
    assert page.evaluate("document.activeElement.innerText") == "charts-30"
    assert page.evaluate("document.activeElement.getBoundingClientRect().top") == scrolled

    put("a-new-one")
    row(page, "a-new-one").wait_for()
    assert page.evaluate("document.activeElement.innerText") == "charts-30"
    assert "41" in page.locator("#kc-pages").inner_text()
    assert page.evaluate("window.stillHere")
    assert said == []


def test_ticked_rows_wait(lists: tuple[Any, list[str]]) -> None:
    page, said = lists
    has_charts("charts-01", 4321)
    row(page, "charts-01").get_by_text("4321").wait_for()  # rows were touched before the ticking
    box = row(page, "charts-02").locator("input.action-select")
    box.check()
    put("a-new-one")
    page.wait_for_timeout(TWO_POLLS_MS)
    assert box.is_checked()
    assert row(page, "a-new-one").count() == 0
    assert "1 of 40" in page.locator(".action-counter").inner_text()
    box.uncheck()
    row(page, "a-new-one").wait_for()

    row(page, "charts-02").locator("input.action-select").check()
    assert "1 of 41" in page.locator(".action-counter").inner_text()
    page.select_option("select[name=action]", "refresh")
    page.get_by_role("button", name="Run").click()
    page.locator("input[name=_confirmed]").wait_for(state="attached")
    assert page.get_by_text("charts-02").count() == 1
    assert page.get_by_text("charts-01").count() == 0
    assert said == []


def test_a_dialog_and_marked_text_wait(lists: tuple[Any, list[str]]) -> None:
    page, said = lists
    page.evaluate(
        "getSelection().selectAllChildren(document.querySelector('#result_list a[href*=change]'))"
    )
    put("a-new-one")
    page.wait_for_timeout(TWO_POLLS_MS)
    assert row(page, "a-new-one").count() == 0
    page.evaluate(
        "getSelection().removeAllRanges();"
        "document.body.append(document.createElement('dialog')), document.querySelector('dialog').showModal()"
    )
    page.wait_for_timeout(TWO_POLLS_MS)
    assert row(page, "a-new-one").count() == 0
    page.evaluate("document.querySelector('dialog').close()")
    row(page, "a-new-one").wait_for()
    assert said == []


def test_without_scripts_it_is_a_plain_list(lists: tuple[Any, list[str]]) -> None:
    page, _ = lists
    put("a-new-one")
    plain = page.context.browser.new_context(java_script_enabled=False)
    plain.add_cookies(page.context.cookies())
    blocked = plain.new_page()
    blocked.goto(page.url)
    assert blocked.get_by_role("link", name="Clusters").is_visible()
    assert row(blocked, "a-new-one").is_visible()
    row(blocked, "a-new-one").get_by_role("link", name="a-new-one").click()
    assert "a-new-one" in blocked.title()
    plain.close()
