"""Service accounts of a project: made, used and seen by whoever holds them there, and by nobody else."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import AuditEntry, ServiceAccount, User
from fleet.models import Project
from kubecarrier.lib import audit
from tests.db.rights import bind, client_of, person, role
from tests.portal import Portal

pytestmark = pytest.mark.django_db
HOLDS = ("projects.view", "serviceaccounts.*")


@pytest.fixture
def shop(fleet: Portal) -> Portal:
    """Two projects, and a machine of the platform that may do everything."""
    for name in ("shop", "bank"):
        fleet.call("put", f"projects/{name}", {"spec": {}})
    fleet.call("put", "serviceaccounts/root-robot", {"spec": {}})
    bind(User.objects.get(username="sa:root-robot"), "cluster-admin", name="machines")
    return fleet


@pytest.fixture
def pia(shop: Portal) -> APIClient:
    """Runs the project `shop`."""
    verbs = ("view", "create", "edit", "delete", "token")
    return person("pia", "projects.view", *(f"serviceaccounts.{v}" for v in verbs), project="shop")


def save(client: APIClient, name: str, project: str, **spec: Any) -> Any:
    body = {"spec": {"project": project, **spec}}
    return client.put(f"/api/v1/serviceaccounts/{name}", body, format="json")


def names(client: APIClient) -> set[str]:
    items = client.get("/api/v1/serviceaccounts").json()["items"]
    return {item["metadata"]["name"] for item in items}


def test_whoever_holds_them_in_a_project(pia: APIClient, shop: Portal) -> None:
    assert save(pia, "ci", "shop").status_code == 201
    assert save(pia, "ci", "shop", description="Deploys.").status_code == 202
    assert names(pia) == {"ci"}
    made = pia.post("/api/v1/apitokens", {"title": "x", "serviceAccount": "ci"}, format="json")
    assert made.status_code == 201, made.content
    assert (
        pia.delete(f"/api/v1/apitokens/{made.json()['object']['metadata']['name']}").status_code
        == 202
    )
    seen = person("vic", "serviceaccounts.view", project="shop")
    assert names(seen) == {"ci"}
    assert save(seen, "ci", "shop", description="mine").status_code == 403
    elsewhere = person("eve", "serviceaccounts.view", "projects.view", project="bank")
    assert names(elsewhere) == set()
    assert elsewhere.get("/api/v1/serviceaccounts/ci").status_code == 404
    assert pia.delete("/api/v1/serviceaccounts/ci").status_code == 202


@pytest.mark.parametrize(
    ("project", "code"),
    [("bank", 400), ("none", 400), ("", 403)],
    ids=["other", "none", "platform"],
)
def test_nowhere_else(pia: APIClient, project: str, code: int) -> None:
    """Another project is not there for her, and tells her nothing; the platform is not hers."""
    assert save(pia, "ci", "shop").status_code == 201
    assert save(pia, "more", project).status_code == code
    assert save(pia, "ci", project).status_code == code, "nor does one move there"
    assert ServiceAccount.objects.get(name="ci").project == "shop"
    assert not ServiceAccount.objects.filter(name="more").exists()


def test_a_project_that_one_only_sees(shop: Portal) -> None:
    client = person("pam", "projects.view")
    bind(User.objects.get(username="pam"), role("makes", *_all()).name, project="shop")
    refused = save(client, "ci", "bank")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "permission_denied")


def _all() -> list[str]:
    return [f"serviceaccounts.{verb}" for verb in ("view", "create", "edit", "token")]


def test_nobody_takes_a_machine_of_the_platform(pia: APIClient) -> None:
    assert save(pia, "root-robot", "shop").status_code == 409, "the name is taken, and that is all"
    made = pia.post(
        "/api/v1/apitokens", {"title": "x", "serviceAccount": "root-robot"}, format="json"
    )
    assert made.status_code in {400, 404}
    assert ServiceAccount.objects.get(name="root-robot").project_uid is None


def test_nobody_makes_a_token_of_a_machine_that_was_given_more(
    pia: APIClient, shop: Portal
) -> None:
    """It is the project's, and an administrator gave it the whole platform."""
    assert save(pia, "ci", "shop").status_code == 201
    bind(User.objects.get(username="sa:ci"), "editor", name="more")
    made = pia.post("/api/v1/apitokens", {"title": "x", "serviceAccount": "ci"}, format="json")
    assert made.status_code == 403
    assert not User.objects.get(username="sa:ci").auth_token_set.exists()


def test_a_project_with_one_is_not_deleted(pia: APIClient, shop: Portal) -> None:
    save(pia, "ci", "shop")
    refused = shop.call("delete", "projects/shop", code=409)["error"]
    assert refused["code"] == "project_in_use"
    assert "serviceaccount/ci" in str(refused["data"]["members"])
    shop.call("delete", "serviceaccounts/ci")
    left = shop.call("delete", "projects/shop", code=409)["error"]["data"]["members"]
    assert left == ["binding/pia-role-of-pia"]


def test_its_entries_are_the_project_s(pia: APIClient, shop: Portal) -> None:
    save(pia, "ci", "shop")
    entry = AuditEntry.objects.filter(object_repr="ci").latest("pk")
    assert (entry.project, entry.project_uid) == ("shop", Project.objects.get(name="shop").pk)
    auditor = person("aud", "auditentries.view", project="shop")
    listed = auditor.get("/api/v1/auditentries").json()["items"]
    assert entry.pk in {int(item["metadata"]["name"]) for item in listed}


def test_a_project_that_asks_for_reasons(pia: APIClient, shop: Portal) -> None:
    with audit.unaudited("a test"):
        Project.objects.filter(name="shop").update(require_reason=True)
    assert save(pia, "ci", "shop").json()["error"]["code"] == "reason_required"
    said = pia.put(
        "/api/v1/serviceaccounts/ci",
        {"spec": {"project": "shop"}},
        format="json",
        headers={"X-KubeCarrier-Reason": "the pipeline"},
    )
    assert said.status_code == 201


def test_in_the_console_too(shop: Portal, client: Any) -> None:
    pia = User.objects.create_user("pia2", is_staff=True)
    bind(pia, role("holds", "projects.view", *_all()).name, project="shop")
    client.force_login(pia)
    page = "/admin/accounts/serviceaccount/add/"
    form = {"name": "cd", "project": "shop", "active": "on", "labels": ""}
    assert client.post(page, form).status_code == 302
    assert ServiceAccount.objects.get(name="cd").project == "shop"
    refused = client.post(page, {**form, "name": "ce", "project": "bank"})
    assert "There is no project" in refused.content.decode()
    assert client_of(pia).get("/api/v1/serviceaccounts/cd").status_code == 200
