"""Access in a browser: one sees one's own and nothing else, makes a token, and reviews who can do what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import ApiToken, Binding, User
from accounts.services.bindings import binding_apply
from accounts.services.memberships import user_groups_moved
from accounts.services.people import user_save
from fleet.models import Cluster, ClusterGrant, Project
from kubecarrier.lib.manifests import Wish
from tests.browser import fleet
from tests.browser.chromium import listen, log_in
from tests.browser.test_login import shoot
from tests.controlplane.test_cluster_grants import eventually, in_force
from tests.db.rights import role
from tests.portal import Portal
from tools.controlplane import ControlPlane

pytestmark = pytest.mark.django_db(transaction=True)
PASSWORD = "a-long-password-1"
PAGE = "/admin/access-review/"


def bound(name: str, role_name: str, *, users: Any = (), groups: Any = (), **scope: Any) -> Binding:
    spec = {"role": role_name, "users": list(users), "groups": list(groups), "scope": scope}
    found: Binding = binding_apply(actor=None, wish=Wish(name, {}, spec)).row
    return found


@pytest.fixture
def base(live_server: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> str:
    """A fleet with people who hold this and that."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # playwright has a loop in this thread
    settings.ALLOWED_HOSTS = ["*"]
    fleet.build(clusters=fleet.CLUSTERS[:3], applications=fleet.APPLICATIONS[:2])
    team, empty = (Group.objects.create(name=name) for name in ("shop-team", "old-team"))
    for name in ("ann", "ben", "cem"):
        user = User.objects.create_user(name, password=PASSWORD)
        user_groups_moved(user=user, gained=[team] if name != "cem" else [], lost=())
    User.objects.create_user("sa:deployer")
    bound("shop-team", "editor", groups=["shop-team"], clusters=["fra-prod-1"])
    bound("ann-looks", "viewer", users=["ann"], clusters=["ams-prod-1"])
    bound("deployer", "editor", users=["sa:deployer"], selector="kubecarrier.io/environment=prod")
    bound("old-team", "viewer", groups=[empty.name], platform=True)
    bound("moon", "viewer", users=["cem"], selector="planet=moon")
    role("unused", "clusters.view")
    cem = User.objects.get(username="cem")
    cem.is_active = False
    user_save(user=cem)
    return str(live_server.url)


def test_ones_own_and_nothing_else(page: Any, base: str) -> None:
    said = listen(page)
    log_in(page, base, "ann", PASSWORD)
    page.goto(f"{base}/admin/fleet/cluster/")
    listed = page.locator("#result_list")
    assert listed.get_by_role("link", name="fra-prod-1").is_visible()
    assert listed.get_by_role("link", name="fra-prod-2").count() == 0
    theirs = Cluster.objects.get(name="fra-prod-2")
    hidden = reverse("admin:fleet_cluster_change", args=[theirs.pk])
    assert page.goto(f"{base}{hidden}").status == 404
    page.goto(f"{base}/admin/accounts/apitoken/add/")
    page.fill("input[name=name]", "laptop")
    page.fill("textarea[name=scopes]", "read-only")
    page.get_by_role("button", name="Make the token").click()
    page.locator("#kc-secret").wait_for()
    assert ApiToken.objects.get(title="laptop").user.username == "ann"

    page.goto(f"{base}/admin/")
    page.get_by_role("link", name="Access review").first.click()
    page.wait_for_url(f"{base}{PAGE}")
    rows = page.locator(".kc-audit tbody tr")
    assert rows.count() == 2
    assert [rows.nth(n).locator("th").inner_text().split()[-1] for n in range(2)] == ["ann", "ann"]
    assert page.get_by_role("link", name="Drift").count() == 0
    shoot(page, "access-own")
    page.goto(f"{base}{PAGE}?tab=right")
    page.select_option("select[name=right]", "clusters.edit")
    page.fill("input[name=cluster]", "fra-prod-1")
    page.get_by_role("button", name="Ask").click()
    page.get_by_text("By binding shop-team (editor) to group shop-team.").wait_for()
    shoot(page, "access-yes")
    page.fill("input[name=cluster]", "ams-prod-1")
    page.get_by_role("button", name="Ask").click()
    page.get_by_text("HeldElsewhere").wait_for()
    shoot(page, "access-no")
    page.fill("input[name=cluster]", "fra-prod-2")
    page.get_by_role("button", name="Ask").click()
    page.get_by_text("There is no cluster “fra-prod-2”.").wait_for()
    page.goto(f"{base}{PAGE}?user=ben")
    page.get_by_text("it needs accessreviews.view").wait_for()
    assert page.goto(f"{base}{PAGE}?tab=drift").status == 200
    page.get_by_text("it needs accessreviews.view").wait_for()
    assert [text for text in said if "404" not in text] == []


def test_who_can_do_what(page: Any, base: str, tmp_path: Path) -> None:
    said = listen(page)
    log_in(page, base, "ada", PASSWORD)
    page.goto(f"{base}{PAGE}")
    assert page.locator(".kc-audit tbody tr").count() == 6
    shoot(page, "access-person")
    with page.expect_download() as waiting:
        page.get_by_role("link", name="As CSV").click()
    waiting.value.save_as(tmp_path / "review.csv")
    lines = (tmp_path / "review.csv").read_text().splitlines()
    assert lines[0].startswith("user,kind,active")
    assert len(lines) == 7
    page.goto(f"{base}{PAGE}?user=ann")
    page.get_by_text("What ann can do").wait_for()
    page.locator("details summary").first.click()
    shoot(page, "access-ann")
    page.goto(f"{base}{PAGE}?tab=right&right=clusters.edit&cluster=fra-prod-1")
    table = page.locator(".kc-audit tbody")
    for name in ("ada", "ann", "ben", "sa:deployer"):
        assert table.get_by_role("link", name=name, exact=True).count() == 1
    shoot(page, "access-right")
    page.get_by_role("link", name="shop-team", exact=True).first.click()
    page.wait_for_url("**/admin/accounts/binding/*/change/")
    page.goto(f"{base}{PAGE}?tab=orphans")
    for text in ("Binding without active people", "Unused role", "Inactive person with rights"):
        assert page.get_by_text(text).first.is_visible()
    assert page.get_by_text("It could not be asked").count() == 3
    shoot(page, "access-orphans")
    page.goto(f"{base}{PAGE}?tab=drift")
    assert page.get_by_text("not known since").count() == 3
    shoot(page, "access-drift")
    page.goto(f"{base}{PAGE}?tab=cluster")
    page.get_by_role("button", name="Ask").click()
    shoot(page, "access-cluster")
    assert said == []


def test_on_the_pages_of_people_clusters_and_projects(page: Any, base: str) -> None:
    said = listen(page)
    log_in(page, base, "ada", PASSWORD)
    ann = User.objects.get(username="ann")
    page.goto(base + reverse("admin:accounts_user_change", args=[ann.pk]))
    mine = page.locator("section", has=page.get_by_text("What ann can do"))
    assert mine.get_by_role("link", name="ann-looks").is_visible()
    shoot(page, "access-user")
    one = Cluster.objects.get(name="fra-prod-1")
    page.goto(base + reverse("admin:fleet_cluster_change", args=[one.pk]))
    here = page.locator("section", has=page.get_by_role("heading", name="Who can do what here"))
    assert here.get_by_role("row").count() == 1 + 4
    here.scroll_into_view_if_needed()
    shoot(page, "access-on-cluster")
    project = Project.objects.all()[0]
    page.goto(base + reverse("admin:fleet_project_change", args=[project.pk]))
    assert page.get_by_role("heading", name="Who can do what here").is_visible()
    shoot(page, "access-on-project")
    assert said == []


def test_drift_and_questions_to_a_real_cluster(
    page: Any, base: str, cluster_one: ControlPlane
) -> None:
    client = APIClient()
    client.force_authenticate(User.objects.get(username="ada"))
    portal = Portal(client)
    portal.import_cluster(cluster_one)
    ann = User.objects.get(username="ann")
    pods = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}]
    role("pods", "clusters.view", rules=pods)
    in_force(bound("pods-of-ann", "pods", users=["ann"], clusters=["one"]))
    administrators = ClusterGrant.objects.filter(binding__builtin=True, cluster__name="one")
    eventually(lambda: administrators.filter(ready="True").exists(), what="administrators")
    said = listen(page)
    log_in(page, base, "ada", PASSWORD)
    page.goto(f"{base}{PAGE}?tab=drift&cluster=one")
    page.get_by_text("1 cluster has what is granted here").wait_for()
    cluster_one.kubectl("delete", "clusterrolebinding", "kubecarrier:pods-of-ann")
    page.get_by_role("button", name="Look again").click()
    page.locator(".kc-audit").get_by_text("Missing").wait_for()
    shoot(page, "access-drift-found")
    ClusterGrant.objects.status_update(next_reconcile_at="2000-01-01T00:00:00Z")
    eventually(
        lambda: "pods-of-ann" in cluster_one.kubectl("get", "clusterrolebinding", "-o", "name"),
        what="the grant heals",
    )
    page.goto(f"{base}{PAGE}?tab=cluster")
    for field, value in (
        ("cluster", "one"), ("verb", "get"), ("resource", "pods"), ("user", ann.username),
    ):  # fmt: skip
        page.fill(f"form.kc-filter input[name={field}]", value)
    page.get_by_role("button", name="Ask").click()
    page.get_by_text("kubecarrier:ann", exact=False).first.wait_for()
    assert page.locator(".kc-summary strong").inner_text() == "Yes"
    assert page.locator(".kc-audit").get_by_text("system:masters").is_visible()
    shoot(page, "access-cluster-yes")
    page.fill("form.kc-filter input[name=verb]", "delete")
    page.get_by_role("button", name="Ask").click()
    page.locator(".kc-summary.kc-bad").wait_for()
    assert page.locator(".kc-summary strong").inner_text() == "No"
    page.goto(f"{base}{PAGE}?tab=orphans&cluster=one")
    page.get_by_role("heading", name="What nobody needs").or_(
        page.get_by_text("Nothing to clean up")
    ).first.wait_for()
    assert said == []
