"""The logs of a pod in a browser: opened from the pod, searched, followed while it writes."""

from __future__ import annotations

from typing import Any

import pytest

from fleet.models import Cluster
from tests.browser.chromium import listen, log_in
from tests.browser.test_resources import PASSWORD, fleet, look
from tests.controlplane.test_resources import soon
from tools.controlplane import ControlPlane

__all__ = ["fleet"]
pytestmark = pytest.mark.django_db(transaction=True)

_QUERY = "slow query: SELECT * FROM orders WHERE customer = 4711 AND state IN ('open', 'paid')"
_LINES = (
    "2026-01-01T08:00:00.1Z stdout F listening on :8080",
    f"2026-01-01T08:00:01.2Z stderr F \x1b[33mWARN\x1b[0m {_QUERY}",
    *(f"2026-01-01T08:00:{n:02}.5Z stdout F GET /orders/{n} 200 {n * 3} ms" for n in range(2, 59)),
)


def test_logs_are_followed(
    fleet: Cluster, live_server: Any, page: Any, cluster_one: ControlPlane
) -> None:
    cluster_one.pod_log.write_text("".join(f"{line}\n" for line in _LINES))
    pods = "/api/v1/namespaces/shop/pods"

    def running() -> str:
        items = cluster_one.api.get(pods)["items"]
        return next((p["metadata"]["name"] for p in items if p["status"]["phase"] == "Running"), "")

    name = soon(running)
    said = listen(page)
    log_in(page, live_server.url, "ada", PASSWORD)
    page.goto(
        f"{live_server.url}/admin/fleet/cluster/{fleet.pk}/resources/core/v1/pods/shop/{name}/"
    )
    page.get_by_role("link", name="Logs").click()
    lines = page.get_by_role("log", name="Lines")
    lines.get_by_text("GET /orders/58 200").wait_for()
    look(page, "logs")
    page.get_by_label("Contains").fill("slow query")
    page.get_by_label("Times").check()
    page.get_by_role("button", name="Show").click()
    assert lines.inner_text().strip().startswith("2026-01-01 08:00:01 WARN slow query")
    assert "orders/58" not in lines.inner_text()
    page.get_by_label("Contains").fill("")
    page.get_by_label("Follow").check()
    page.get_by_role("button", name="Show").click()
    with cluster_one.pod_log.open("a") as file:
        file.write("2026-01-01T08:01:00Z stdout F stopped listening\n")
    lines.get_by_text("stopped listening").wait_for()
    look(page, "logs-followed")
    assert lines.get_by_text("stopped listening").is_visible()
    assert said == []
