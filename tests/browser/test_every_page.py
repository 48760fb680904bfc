"""Every page of the console, for somebody who may do everything and for a project's viewer."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import User
from fleet.models import Cluster
from tests import npm
from tests.browser import fleet, people, walking
from tests.browser.chromium import listen, log_in
from tools.controlplane import ControlPlane

# Three minutes: in make test-all.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
NEXT_FRAME_MS = 50


@pytest.fixture(scope="module")
def plane(clusters: dict[str, ControlPlane]) -> ControlPlane:
    """A cluster with a pod, and an account of the portal's."""
    one = clusters["one"]
    one.kubectl("create", "namespace", "shop")
    one.kubectl("create", "serviceaccount", "portal", "-n", "default")
    one.kubectl(
        "create", "clusterrolebinding", "walking", "--clusterrole=cluster-admin", "--serviceaccount=default:portal"
    )  # fmt: skip
    one.kubectl("run", "web", "--image=nginx", "-n", "shop")
    return one


@pytest.fixture
def viewer(monkeypatch: pytest.MonkeyPatch, settings: Any, plane: ControlPlane) -> User:
    """A fleet of which one cluster answers, and somebody who sees one project of it."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # playwright has a loop in this thread
    settings.ALLOWED_HOSTS = ["*"]
    ada = fleet.build(
        planes={"fra-prod-1": plane}, clusters=fleet.CLUSTERS[:4], applications=fleet.APPLICATIONS[:4]
    )  # fmt: skip
    return people.build(ada)


@pytest.fixture
def script() -> str:
    """axe-core; without npm the rest is still asked."""
    try:
        return walking.axe()
    except npm.NotInstalledError as error:
        if os.environ.get("KUBECARRIER_REQUIRE_OIDC") == "1":
            pytest.fail(str(error))
        return ""


Visit = Callable[[str, str], int]


def visiting(page: Any, base: str, script: str, wrong: list[str]) -> Visit:
    """Opens a page, wide and narrow, and collects what is wrong with it; returns its status."""
    said = listen(page)

    def visit(name: str, path: str) -> int:
        said.clear()
        page.set_viewport_size(WIDE)
        status: int = page.goto(base + path, wait_until="load").status
        wrong.extend(f"{name}: {one}" for one in walking.faults(page, script))
        page.set_viewport_size(NARROW)
        page.evaluate("document.documentElement.classList.add('dark')")
        page.wait_for_timeout(NEXT_FRAME_MS)
        for one in walking.faults(page, script, only="color-contrast"):
            wrong.append(f"{name} narrow, dark: {one}")
        wrong.extend(f"{name}: {text}" for text in said if f"status of {status}" not in text)
        return status

    return visit


def test_somebody_who_may_do_everything(
    viewer: User, live_server: Any, page: Any, script: str
) -> None:
    ada = User.objects.get(username="ada")
    wrong: list[str] = []
    visit = visiting(page, live_server.url, script, wrong)
    log_in(page, live_server.url, "ada", people.PASSWORD)
    cluster = Cluster.objects.get(name="fra-prod-1")
    pages = {**walking.general_pages(), **walking.live_pages(cluster, "shop", "web")}
    for name, kind in walking.kinds():
        row = walking.rows_of(kind, ada).first()
        assert row is not None, f"no row of {name} to open"
        pages |= walking.kind_pages(name, kind, row)
    for name, path in pages.items():
        status = visit(name, path)
        if status >= 400:
            wrong.append(f"{name}: {status}")
    assert not wrong, "\n".join(wrong)


def test_a_viewer_of_one_project_sees_it_and_nothing_else(
    viewer: User, live_server: Any, page: Any, script: str
) -> None:
    wrong: list[str] = []
    visit = visiting(page, live_server.url, script, wrong)
    log_in(page, live_server.url, "vic", people.PASSWORD)
    links = page.locator("#nav-sidebar-apps a[href]")
    sidebar = {link.inner_text().strip(): link.get_attribute("href") for link in links.all()}
    assert len(sidebar) > 15
    for name, path in sidebar.items():
        assert visit(name, path) == 200, name
    for name, kind in walking.kinds():
        if not hasattr(kind, "rows"):
            continue
        seen = walking.rows_of(kind, viewer)
        if row := seen.first():
            assert visit(name, walking.page_of(name, row)) == 200, name
        if hidden := kind.model._default_manager.exclude(pk__in=seen.values("pk")).first():
            path = walking.page_of(name, hidden)
            assert visit(f"{name} of others", path) == 404, name
    assert not wrong, "\n".join(wrong)
