"""What is refused before any cluster is asked: no network is touched here."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, Group
from rest_framework.test import APIClient

from accounts.models import User
from fleet import acting
from fleet.models import Cluster
from kubecarrier.lib.errors import DeniedError
from tests.db.conftest import error
from tests.portal import Portal

pytestmark = pytest.mark.django_db

ROOT = "clusters/one/resources"
POD = f"{ROOT}/core/v1/pods/default/web"


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("get", f"{ROOT}?ordering=password", None, "ordering"),
        ("get", f"{ROOT}/core/v1/pods?limit=0", None, "limit"),
        ("get", f"{ROOT}/core/v1/pods?limit=501", None, "limit"),
        ("get", f"{POD}?managedFields=maybe", None, "managedFields"),
        ("delete", f"{POD}?gracePeriodSeconds=-1", None, "gracePeriodSeconds"),
        ("delete", f"{POD}?propagationPolicy=x", None, "propagationPolicy"),
        ("delete", f"{POD}?dryRun=yes", None, "dryRun"),
        ("post", f"{ROOT}/bulk", {"action": "explode", "objects": []}, "action"),
        ("post", f"{ROOT}/bulk", {"action": "delete", "objects": [{"kind": "Pod"}]}, None),
        ("post", f"{ROOT}/bulk", {"action": "delete", "objects": [], "as": "root"}, "as"),
        ("post", f"{ROOT}/apply", {"objects": []}, "objects"),
        ("post", f"{ROOT}/apply", {"objects": ["x"]}, None),
    ],
)
def test_bad_requests(fleet: Portal, method: str, path: str, body: Any, field: str | None) -> None:
    refused = error(fleet, method, path, body, code=400)
    if field:
        assert refused["field"] == field


@pytest.mark.parametrize(
    "path", ["clusters/none/resources", "clusters/none/resources/core/v1/pods"]
)
def test_a_cluster_out_of_sight_is_not_there(fleet: Portal, path: str) -> None:
    assert error(fleet, "get", path, code=404)["code"] == "not_found"


def test_nobody_gets_in(fleet: Portal) -> None:
    stranger = Portal(APIClient())
    assert stranger.client.get(f"/api/v1/{POD}").status_code == 401
    user = User.objects.create_user("eve", password="a-long-password")
    stranger.client.force_authenticate(user)
    assert stranger.client.get(f"/api/v1/{POD}").status_code == 404


def test_quarantine(fleet: Portal) -> None:
    said = {"Identified": {"status": "False", "message": "Another cluster answers."}}
    Cluster.objects.filter(name="one").status_update(conditions=said)
    assert error(fleet, "get", POD, code=409)["code"] == "cluster_quarantined"


def test_whom_a_call_acts_as() -> None:
    anna = User.objects.create_user("anna", password="a-long-password", is_staff=True)
    anna.groups.add(Group.objects.create(name="shop"), Group.objects.create(name="admins"))
    found = acting.identity_for(anna, Cluster())
    assert found is not None
    assert found.headers() == [
        ("Impersonate-User", "kubecarrier:anna"),
        ("Impersonate-Group", "kubecarrier:group:admins"),
        ("Impersonate-Group", "kubecarrier:group:shop"),
    ]
    root = User.objects.create_superuser("root", password="a-long-password")
    assert acting.identity_for(root, Cluster()) is None


@pytest.mark.parametrize(
    "user",
    [
        None,
        AnonymousUser(),
        User(username="gone", is_superuser=True, is_active=False),
        User(username=" ", is_superuser=True),
    ],
)
def test_nobody_acts_as_the_portal(user: Any) -> None:
    """An empty identity would be the portal's own account."""
    with pytest.raises(DeniedError):
        acting.identity_for(user, Cluster())


@pytest.mark.parametrize(
    ("body", "media", "code"),
    [
        ('{"a":' * 10_000, "application/json", "json_too_deep"),
        ("[" * 10_000, "application/json-patch+json", "json_too_deep"),
        ('{"a": 1, "a": 2}', "application/merge-patch+json", "json_invalid"),
        ('{"a": 99999999999999999999999}', "application/merge-patch+json", "json_invalid"),
        ("[]", "application/merge-patch+json", "patch_invalid"),
        ("{}", "application/json-patch+json", "patch_invalid"),
        ("a: &x [1]\nb: *x", "application/apply-patch+yaml", "yaml_alias"),
        ("a: 1\na: 2", "application/apply-patch+yaml", "yaml_duplicate_key"),
        ("a: [" * 300, "application/apply-patch+yaml", "yaml_too_deep"),
        ("- 1", "application/apply-patch+yaml", "patch_invalid"),
        ('{"metadata": "x"}', "application/merge-patch+json", "patch_invalid"),
    ],
)
def test_bad_bodies_are_refused_before_a_cluster_is_asked(
    fleet: Portal, body: str, media: str, code: str
) -> None:
    answer = fleet.client.patch(f"/api/v1/{POD}", body, content_type=media)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)


def test_what_is_no_media_type_of_ours(fleet: Portal) -> None:
    answer = fleet.client.patch(f"/api/v1/{POD}", "<a/>", content_type="text/xml")
    assert answer.status_code == 415
