"""An object found, opened, edited through the form of its schema, compared, saved; a node drained."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from accounts.models import AuditEntry, User
from fleet.inventory.watching import InventoryWatcher
from fleet.models import Cluster, InventoryObject
from fleet.tasks import probe_clusters
from tests.browser.chromium import listen, log_in
from tests.controlplane.faults import Controller
from tests.controlplane.foreign import cert_manager
from tests.controlplane.test_inventory import until
from tests.controlplane.test_resources import deployment, soon
from tests.portal import Portal
from tools.controlplane import ControlPlane

PASSWORD = "a-long-password-1"
LOOKS = (((1440, 900), "light"), ((1440, 900), "dark"), ((390, 844), "light"), ((390, 844), "dark"))
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def fleet(cluster_one: ControlPlane, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """A cluster with a workload and cert-manager's kind, and somebody who may use them."""
    from rest_framework.test import APIClient

    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # playwright has a loop in this thread
    user = User.objects.create_superuser("ada", "ada@example.org", PASSWORD)
    client = APIClient()
    client.force_authenticate(user)
    portal = Portal(client)
    portal.import_cluster(cluster_one)
    probe_clusters()
    cluster_one.api.create("/api/v1/namespaces", {"metadata": {"name": "shop"}})
    cluster_one.api.create(
        "/apis/apps/v1/namespaces/shop/deployments", deployment("shop", "checkout")
    )
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    cluster_one.api.create(path, cert_manager("certificates"))
    schema = "/api/v1/clusters/one/resources/cert-manager.io/v1/certificates/schema"
    soon(lambda: client.get(schema).status_code == 200)
    return Cluster.objects.get()


def look(page: Any, name: str) -> None:
    """Pictures of the page as it stands, where KUBECARRIER_SHOTS names a folder for them."""
    if folder := os.environ.get("KUBECARRIER_SHOTS"):
        for (width, height), scheme in LOOKS:
            page.set_viewport_size({"width": width, "height": height})
            page.evaluate(
                f"document.documentElement.classList.toggle('dark', {str(scheme == 'dark').lower()})"
            )
            page.wait_for_timeout(150)
            file = Path(folder) / f"{name}-{width}-{scheme}.png"
            page.screenshot(path=file, full_page=True)
        page.set_viewport_size({"width": 1440, "height": 900})
        page.evaluate("document.documentElement.classList.remove('dark')")


def test_find_open_edit_compare_save(
    fleet: Cluster, live_server: Any, page: Any, cluster_one: ControlPlane
) -> None:
    said = listen(page)
    log_in(page, live_server.url, "ada", PASSWORD)
    page.goto(f"{live_server.url}/admin/fleet/cluster/{fleet.pk}/change/")
    look(page, "cluster")
    page.get_by_role("link", name="All kinds").click()
    look(page, "kinds")
    page.fill("main input[name=q], .kc-filter input[name=q]", "deploy")
    page.get_by_role("button", name="Filter").click()
    page.get_by_role("link", name="Deployment", exact=True).click()
    page.fill(".kc-filter input[name=q]", "check")
    page.get_by_role("button", name="Filter").click()
    look(page, "list")
    page.get_by_role("link", name="checkout", exact=True).click()
    look(page, "object")
    page.get_by_role("link", name="Owners and dependents").click()
    page.get_by_text("ReplicaSet").first.wait_for()
    look(page, "owners")
    page.get_by_role("link", name="YAML", exact=True).click()
    look(page, "yaml")
    page.get_by_role("link", name="Edit", exact=True).click()
    look(page, "edit")
    page.get_by_label("replicas").fill("2")
    page.get_by_role("button", name="Review the difference").click()
    page.get_by_text("spec.replicas", exact=True).wait_for()
    look(page, "diff")
    page.fill("input[name=reason]", "more people in the shop")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("checkout was saved.").wait_for()
    there = json.loads(cluster_one.kubectl("get", "deploy", "checkout", "-n", "shop", "-o", "json"))
    assert there["spec"]["replicas"] == 2
    entry = AuditEntry.objects.get(event="resource-replace")
    assert (entry.reason, entry.changes) == ("more people in the shop", {"spec.replicas": [1, 2]})

    new = f"{live_server.url}/admin/fleet/cluster/{fleet.pk}/resources/cert-manager.io/v1/certificates/new/"
    page.goto(f"{new}?namespace=shop")
    page.get_by_label("name *").first.fill("web")
    page.get_by_label("secretName").fill("web-tls")
    page.locator("[id='p:/spec/issuerRef/name']").fill("ca")
    page.get_by_label("New field of spec", exact=True).select_option("dnsNames")
    page.locator("button[value='add:/spec']").click()
    page.get_by_role("button", name="Add to dnsNames").click()
    page.locator("[id='p:/spec/dnsNames/0']").fill("web.example.org")
    look(page, "certificate")
    page.get_by_role("button", name="Review the difference").click()
    page.get_by_role("button", name="Create").click()
    page.get_by_text("web was created.").wait_for()
    spec = json.loads(cluster_one.kubectl("get", "cert", "web", "-n", "shop", "-o", "json"))["spec"]
    assert spec == {
        "secretName": "web-tls", "issuerRef": {"name": "ca"}, "dnsNames": ["web.example.org"],
    }  # fmt: skip
    assert said == []


def test_from_the_search_over_clusters_to_the_saved_change(
    fleet: Cluster, live_server: Any, page: Any, cluster_one: ControlPlane
) -> None:
    said = listen(page)
    rows = InventoryObject.objects.filter(kind="Deployment", name="checkout")
    log_in(page, live_server.url, "ada", PASSWORD)
    with Controller(InventoryWatcher()):
        until(rows.exists)
        page.goto(f"{live_server.url}/admin/fleet/inventoryobject/?q=checkout+deployment")
        look(page, "search")
        page.get_by_role("link", name="checkout", exact=True).click()
        look(page, "found")
        page.get_by_role("link", name="Open it in its cluster").click()
        page.get_by_role("link", name="Edit", exact=True).click()
        page.get_by_label("replicas").fill("3")
        page.get_by_role("button", name="Review the difference").click()
        page.get_by_text("spec.replicas", exact=True).wait_for()
        page.get_by_role("button", name="Save", exact=True).click()
        page.get_by_text("checkout was saved.").wait_for()
        until(lambda: rows.get().columns["ready"] == "3/3")
    there = json.loads(cluster_one.kubectl("get", "deploy", "checkout", "-n", "shop", "-o", "json"))
    assert there["spec"]["replicas"] == 3
    assert said == []


def test_yaml_is_written_in_an_editor_that_says_what_is_wrong(
    fleet: Cluster, live_server: Any, page: Any, cluster_one: ControlPlane
) -> None:
    said = listen(page)
    cluster_one.kubectl("scale", "deploy", "checkout", "-n", "shop", "--replicas=1")
    log_in(page, live_server.url, "ada", PASSWORD)
    root = f"{live_server.url}/admin/fleet/cluster/{fleet.pk}/resources/apps/v1/deployments/shop"
    page.goto(f"{root}/checkout/edit/?as=yaml")
    editor, foot = page.get_by_role("textbox", name="YAML"), page.locator(".kc-foot .kc-said")
    area = page.locator("textarea[name=yaml]")
    as_read = area.input_value()
    assert "replicas: 1" in as_read

    editor.fill(as_read.replace("  replicas: 1", "  replicas: many\n  replica: 2", 1))
    page.locator(".kc-said", has_text="This must be of type integer. (+1)").wait_for()
    assert foot.inner_text().startswith(f"Line {line_of(as_read, '  replicas: 1')}:")
    assert page.locator(".cm-lintRange-warning", has_text="replica").count() == 1
    look(page, "editor-lint")
    editor.fill(as_read.replace("  replicas: 1", "  replicas: 1\n  replicas: 2", 1))
    page.locator(".kc-said", has_text="The key 'replicas' stands twice in one mapping.").wait_for()
    editor.fill(as_read.replace("  replicas: 1", "  replicas: -1", 1))
    foot.wait_for(state="hidden")
    page.get_by_role("button", name="Review the difference").click()
    page.locator(
        ".kc-said", has_text="greater than or equal to 0"
    ).wait_for()  # the API server's word, at its line
    assert page.locator(".cm-lintRange-error", has_text="replicas").count() == 1
    look(page, "editor-refused")

    page.get_by_role("textbox", name="YAML").fill(
        as_read.replace("  replicas: 1", "  replicas: 2", 1)
    )
    page.get_by_role("button", name="Review the difference").click()
    page.locator(".cm-merge-b .cm-changedLine", has_text="replicas: 2").wait_for()
    assert not page.locator("#kc-unified").is_visible()
    look(page, "editor-compare")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("checkout was saved.").wait_for()
    there = json.loads(cluster_one.kubectl("get", "deploy", "checkout", "-n", "shop", "-o", "json"))
    assert there["spec"]["replicas"] == 2

    page.goto(f"{root.removesuffix('/shop')}/new/?namespace=shop&as=yaml")
    editor.focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")  # Escape first, and Tab leaves
    focused = "document.activeElement.shadowRoot ? 'editor' : document.activeElement.value"
    assert page.evaluate(focused) == "preview"
    assert area.input_value().startswith("  apiVersion: apps/v1")  # the Tab before indented
    assert [one for one in said if "status of 422" not in one] == []  # the refused form itself


def line_of(text: str, line: str) -> int:
    return text.splitlines().index(line) + 1


def test_acts_and_nodes(
    fleet: Cluster, live_server: Any, page: Any, cluster_one: ControlPlane
) -> None:
    said = listen(page)
    log_in(page, live_server.url, "ada", PASSWORD)
    root = f"{live_server.url}/admin/fleet/cluster/{fleet.pk}/resources"
    page.goto(f"{root}/apps/v1/deployments/?namespace=shop")
    page.get_by_label("checkout", exact=True).check()
    page.select_option("select[name=action]", "scale")
    page.get_by_role("button", name="Go on").click()
    page.fill("input[name=replicas]", "3")
    look(page, "bulk")
    page.get_by_role("button", name="Scale").click()
    page.get_by_text("0 of 1 were refused.").wait_for()
    look(page, "bulk-done")
    page.goto(f"{root}/apps/v1/deployments/shop/checkout/do/delete/")
    look(page, "delete")
    node = fleet.nodes.order_by("name")[0]
    page.goto(f"{live_server.url}/admin/fleet/node/{node.pk}/change/")
    look(page, "node")
    page.get_by_role("link", name="Drain", exact=True).click()
    look(page, "drain")
    page.check("input[name=force]")
    page.check("input[name=delete_empty_dir]")
    page.get_by_role("button", name="Drain").click()
    page.get_by_text("Draining").first.wait_for()
    look(page, "node-draining")
    page.get_by_role("link", name="Cancel the drain").click()
    page.get_by_role("button", name="Cancel the drain").click()
    page.get_by_text("The drain ends").wait_for()
    cluster_one.kubectl("uncordon", node.name)
    assert said == []
