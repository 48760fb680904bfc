"""Projects and capacity in the console: saved through the service, refused at the field."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from fleet.models import Project
from tests.browser import fleet

pytestmark = pytest.mark.django_db


@pytest.fixture
def console() -> Client:
    fleet.build(clusters=fleet.CLUSTERS[:2], applications=fleet.APPLICATIONS[1:2])
    client = Client()
    client.force_login(User.objects.get(username="ada"))
    return client


def given(**more: str) -> dict[str, Any]:
    return {
        "name": "team", "namespaces": "team\nteam-db  adopt requests.memory=32Gi,pods=5", "selector": "*",
        "hard": "requests.cpu=8, pods=50", "default_request": "cpu=50m", "allow_repositories": "*",
        "allow_kinds": "*, !ResourceQuota", "labels": "a=b", **more,
    }  # fmt: skip


def text(response: Any) -> str:
    return str(response.content.decode())


def test_the_form_says_what_the_document_says(console: Client) -> None:
    response = console.post(reverse("admin:fleet_project_add"), given())
    assert response.status_code == 302, text(response)
    row = Project.objects.get(name="team")
    assert row.namespaces == [
        {"name": "team", "adopt": False, "quota": {}},
        {"name": "team-db", "adopt": True, "quota": {"requests.memory": "32Gi", "pods": "5"}},
    ]
    assert row.quota["hard"] == {"requests.cpu": "8", "pods": "50"}
    assert row.quota["limits"]["defaultRequest"] == {"cpu": "50m"}
    assert row.allow["kinds"] == ["*", "!ResourceQuota"]
    assert row.placement["selector"] == "*"
    assert row.copies.count() == 2
    page = reverse("admin:fleet_project_change", args=[row.pk])
    shown = text(console.get(f"{page}?tab=spec"))
    assert "team-db  adopt  pods=5,requests.memory=32Gi" in shown
    # saved again as it is shown, nothing changes
    generation = row.generation
    again = {**given(), "read_generation": generation}
    assert console.post(page, again).status_code == 302
    row.refresh_from_db()
    assert row.generation == generation


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"hard": "cpus=8"}, "nothing that a quota can limit"),
        ({"hard": "requests.cpu"}, "is not name=quantity"),
        ({"namespaces": "a\na"}, "is there twice"),
        ({"namespaces": "Not valid"}, "is not name=quantity"),
        ({"namespace_labels": "kubecarrier.io/project=x"}, "not for people to set"),
        ({"selector": "a in ("}, "label selector"),
        ({"namespaces": "media"}, "belongs to the project"),
        ({"default_request": "cpu=2", "most": "cpu=1"}, "is more than"),
    ],
)
def test_refused_at_the_field(console: Client, more: dict[str, str], said: str) -> None:
    response = console.post(reverse("admin:fleet_project_add"), given(**more))
    assert response.status_code == 200
    assert said in text(response)
    assert not Project.objects.filter(name="team").exists()


def test_deletion_lists_what_it_would_take_and_refuses(console: Client) -> None:
    shop = Project.objects.get(name="shop")
    page = reverse("admin:fleet_project_delete", args=[shop.pk])
    shown = text(console.get(page))
    assert "application/catalog" in shown
    assert "shop-jobs" in shown
    response = console.post(page, {"delete_namespaces": ["shop-jobs"]})
    assert response.status_code == 422
    assert "still has 1 objects" in text(response)
    shop.refresh_from_db()
    assert shop.deletion_requested_at is None


def test_deletion_takes_only_what_the_portal_made(console: Client) -> None:
    media = Project.objects.get(name="media")
    page = reverse("admin:fleet_project_delete", args=[media.pk])
    response = console.post(page, {"delete_namespaces": ["media"]})
    assert response.status_code == 422, "an adopted one cannot be chosen"
    assert console.post(page, {}).status_code == 302
    media.refresh_from_db()
    assert media.deletion_requested_at
    assert not media.claims.filter(delete_asked=True).exists()


def test_pause_and_resume(console: Client) -> None:
    media = Project.objects.get(name="media")
    for slug, paused in (("pause", True), ("resume", False)):
        page = reverse("admin:fleet_project_do", args=[media.pk, slug])
        assert console.post(page).status_code == 302
        media.refresh_from_db()
        assert media.suspended is paused
        assert set(media.copies.values_list("suspended", flat=True)) == {paused}


@pytest.mark.parametrize("by", ["cluster", "namespace", "project"])
def test_capacity(console: Client, by: str) -> None:
    with CaptureQueriesContext(connection) as queries:
        response = console.get(f"/admin/capacity/?by={by}")
    assert response.status_code == 200
    assert len(queries) <= 15
    assert "requested" in text(response)


def test_a_question_that_is_none_is_said_and_no_error(console: Client) -> None:
    response = console.get("/admin/capacity/?fits=gpu:4")
    assert response.status_code == 200
    assert "is not cpu:AMOUNT" in text(response)
    assert console.get("/admin/capacity/?fits=cpu:100000").status_code == 200
    assert Client().get("/admin/capacity/").status_code == 302
