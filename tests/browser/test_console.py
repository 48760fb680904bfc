"""A person's first hour: log in, import, upload, deploy, watch, roll back, delete."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.browser.chromium import listen, log_in, write_yaml
from tests.db.test_up import ROOT, Portal, environment
from tests.portal import web_chart
from tools.controlplane import ControlPlane

PASSWORD = "a-long-password-1"
_PERSON = f"""
from accounts.models import User
User.objects.create_superuser("ada", "ada@example.org", "{PASSWORD}")
"""
TURNS_READY_MS = 90_000


def make_person(portal: Portal) -> None:
    subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "shell", "--no-imports", "-c", _PERSON],
        env=environment(portal.home),
        check=True,
        timeout=60,
    )


def summary(page: Any, word: str) -> None:
    """Waits until the status block says `word`, without a reload."""
    page.locator("#kc-live .kc-summary strong", has_text=word).wait_for(timeout=TURNS_READY_MS)


def import_cluster(page: Any, base: str, plane: ControlPlane) -> None:
    page.goto(f"{base}/admin/")
    page.get_by_role("link", name="Import", exact=True).click()
    page.fill("textarea[name=kubeconfig]", plane.kubeconfig.read_text())
    page.locator("textarea[name=kubeconfig]").blur()
    page.locator("#kc-contexts input[type=checkbox]").first.wait_for()
    page.locator("#kc-contexts input.kc-input").first.fill("berlin")
    page.fill("input[name=environment]", "prod")
    page.get_by_role("button", name="Import").click()
    summary(page, "Ready")
    assert (
        page.get_by_text("one-node-0")
        .or_(page.locator("#kc-nodes + div tbody tr"))
        .first.is_visible()
    )


def add_charts(page: Any, base: str, folder: Path) -> None:
    page.goto(f"{base}/admin/apps/chartrepository/add/")
    page.fill("input[name=name]", "local")
    page.select_option("select[name=type]", "local")
    page.get_by_role("button", name="Save", exact=True).click()
    for version in ("0.1.0", "0.2.0"):
        file = folder / f"web-{version}.tgz"
        file.write_bytes(web_chart(version))
        page.goto(f"{base}/admin/apps/chartrepository/")
        page.get_by_role("link", name="local", exact=True).click()
        page.get_by_role("link", name="Upload chart").click()
        page.set_input_files("input[name=archive]", str(file))
        page.get_by_role("button", name="Upload chart").click()
        page.get_by_text(f"web {version} is there now").wait_for()


def deploy(page: Any, base: str, namespace: str) -> None:
    page.goto(f"{base}/admin/apps/chart/")
    page.get_by_role("link", name="web", exact=True).click()
    page.get_by_role("link", name="Deploy").click()
    assert page.input_value("input[name=chart]") == "local/web"
    page.fill("input[name=name]", "shop")
    page.fill("input[name=version]", "0.1.0")
    page.fill("input[name=namespace]", namespace)
    page.fill("input[name=selector]", "kubecarrier.io/environment=prod")
    write_yaml(page, "values", "replicaCount: 2\n")
    write_yaml(page, "secrets", "- name: keys\n  data: {TOKEN: canary-secret-1}\n")
    page.get_by_role("button", name="Preview on the clusters").click()
    page.locator("#kc-preview .kc-diff").wait_for(timeout=60_000)
    shown = page.locator("#kc-preview").inner_text()
    assert "replicas: 2" in shown
    assert "canary-secret-1" not in shown
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("link", name="shop", exact=True).first.click()
    summary(page, "Ready")


def test_a_persons_first_hour(
    portal: Portal, cluster_one: ControlPlane, page: Any, tmp_path: Path
) -> None:
    make_person(portal)
    said = listen(page)
    base = portal.url
    log_in(page, base, "ada", PASSWORD)
    assert page.get_by_text("Three steps to the first deployment").is_visible()

    import_cluster(page, base, cluster_one)
    add_charts(page, base, tmp_path)
    deploy(page, base, "console-test")
    found = cluster_one.kubectl(
        "get", "deployment", "shop", "-n", "console-test", "-o", "jsonpath={.spec.replicas}"
    )
    assert found == "2"

    page.get_by_role("link", name="Upgrade").click()
    page.select_option("select[name=version]", "0.2.0")
    page.fill("input[name=reason]", "newest")
    page.get_by_role("button", name="Upgrade").click()
    page.locator("#kc-live td", has_text="0.2.0").first.wait_for()
    summary(page, "Ready")

    page.get_by_role("link", name="berlin").first.click()
    page.get_by_text("Helm's own history").click()
    page.locator("#kc-helm tbody tr").nth(1).wait_for()
    page.go_back()

    page.get_by_role("link", name="Roll back").click()
    page.select_option("select[name=revision]", "1")
    page.get_by_role("button", name="Roll back").click()
    summary(page, "Ready")
    page.wait_for_function(
        "document.querySelector('#kc-releases ~ .kc-scroll').innerText.includes('0.1.0')"
    )

    page.goto(f"{base}/admin/matrix/")
    assert page.locator(".kc-matrix td.kc-ok", has_text="0.1.0").count() == 1

    page.goto(f"{base}/admin/apps/application/")
    page.get_by_role("link", name="shop", exact=True).click()
    page.get_by_role("link", name="Delete", exact=True).click()
    page.get_by_role("button", name="Delete").click()
    page.get_by_text("This object is gone.").wait_for(timeout=TURNS_READY_MS)
    left = cluster_one.kubectl("get", "deployments,secrets", "-n", "console-test", "-o", "name")
    assert "shop" not in left
    assert "keys" not in left

    page.goto(f"{base}/admin/")
    assert page.get_by_text("newest").first.is_visible()
    assert said == []


def test_with_the_keyboard_alone(portal: Portal, page: Any) -> None:
    make_person(portal)
    page.goto(f"{portal.url}/admin/login/?next=/admin/")
    page.locator("input[name=username]").focus()
    page.keyboard.type("ada")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{portal.url}/admin/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "kc-skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    page.keyboard.press("Tab")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
