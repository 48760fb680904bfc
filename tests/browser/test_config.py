"""A person keeps a config map the same on a cluster, and decides on what somebody changed there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.browser.chromium import listen, log_in
from tests.browser.test_console import PASSWORD, import_cluster, make_person, summary
from tests.db.test_up import Portal
from tests.portal import eventually
from tools.controlplane import ControlPlane

_NAMESPACE = "config-browser"


def colours(plane: ControlPlane) -> Any:
    text = plane.kubectl("-n", _NAMESPACE, "get", "cm", "colours", "-o", "json")
    return json.loads(text)["data"]


def test_a_change_in_a_cluster_is_decided(
    portal: Portal, cluster_one: ControlPlane, page: Any, tmp_path: Path
) -> None:
    base, said = portal.url, listen(page)
    make_person(portal)
    log_in(page, base, "ada", PASSWORD)
    import_cluster(page, base, cluster_one)

    file = tmp_path / "logo.bin"
    file.write_bytes(bytes(range(256)))
    page.goto(f"{base}/admin/fleet/configitem/add/")
    page.fill("input[name=name]", "colours")
    page.fill("input[name=namespaces]", _NAMESPACE)
    page.fill("input[name=key_rows-0-key]", "color")
    page.fill("textarea[name=key_rows-0-text]", "blue")
    page.get_by_role("button", name="Another key").click()
    page.keyboard.type("size")  # the new row has the focus
    page.get_by_label("Value", exact=True).nth(1).fill("1")
    page.set_input_files("input[name=uploads]", str(file))
    page.fill("input[name=selector]", "*")
    page.select_option("select[name=propagation]", "inbox")
    page.get_by_role("button", name="Preview on the clusters").click()
    page.locator("#kc-preview .kc-diff").wait_for()
    assert "color: blue" in page.locator("#kc-preview").inner_text()
    page.set_input_files("input[name=uploads]", str(file))
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("link", name="colours", exact=True).first.click()
    summary(page, "Ready")
    assert colours(cluster_one) == {"color": "blue", "size": "1"}

    page.locator(".kc-tabs a[href='?tab=spec']").click()
    assert page.input_value("textarea[name=key_rows-0-text]") == "blue"
    page.locator(".kc-key", has_text="Other on single clusters").nth(2).locator(
        "summary"
    ).last.click()
    page.locator(".kc-key").nth(2).get_by_role("button", name="Another cluster").click()
    page.locator(".kc-key").nth(2).get_by_label("Cluster", exact=True).select_option("berlin")
    page.get_by_label("Value on this cluster").fill("2")
    page.check("input[name=values_as][value=yaml]")
    assert not page.locator(".kc-keys").is_visible()
    page.check("input[name=values_as][value=rows]")
    page.get_by_role("button", name="Save and continue editing").click()
    page.get_by_text("Other on 1 cluster").wait_for()
    eventually(lambda: colours(cluster_one)["size"] == "2", what="the cluster's own size")
    page.locator(".kc-tabs a[href='?tab=status']").click()
    summary(page, "Ready")

    patch = json.dumps({"data": {"color": "red"}})
    cluster_one.kubectl("-n", _NAMESPACE, "patch", "cm", "colours", "--type=merge", "-p", patch)
    page.get_by_role("link", name="waits for a decision").click(timeout=60_000)
    shown = page.locator(".kc-diff").inner_text()
    assert "-  color: blue" in shown
    assert "+  color: red" in shown
    page.get_by_role("link", name="Adopt everywhere").click()
    page.get_by_role("button", name="Adopt everywhere").click()
    page.get_by_text("The change goes to every cluster.").wait_for()
    page.get_by_role("link", name="The config item colours").click()
    summary(page, "Ready")
    page.locator(".kc-tabs a[href='?tab=history']").click()
    page.get_by_text("Revision 3").first.wait_for()
    assert colours(cluster_one) == {"color": "red", "size": "2"}
    assert said == []
