"""Kubeconfigs for people: who gets none, and what is never left behind.

What works in a cluster, `tests/controlplane/test_people_kubeconfig.py` shows; here no
cluster answers, so that whatever gets as far as the cluster is seen to be taken back.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import AuditEntry, Binding, User
from accounts.services.tokens import token_create
from fleet.admin.kubeconfig import KubeconfigAdmin
from fleet.choices import KubeconfigEnd
from fleet.models import Cluster, ClusterGrant, Kubeconfig
from fleet.services.kubeconfigs import LIVE_AT_ONCE
from tests.db.conftest import counts
from tests.db.rights import bind, client_of, role
from tests.portal import Portal

pytestmark = pytest.mark.django_db
PODS = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]
URL = "/api/v1/clusters/one/kubeconfig"
LOOPBACK = "https://127.0.0.1:1"  # nobody listens there


@pytest.fixture(autouse=True)
def _nobody_answers(fleet: Portal) -> None:
    for row in Cluster.objects.all():
        row.server = LOOPBACK
        row.save()


@pytest.fixture
def ann(fleet: Portal) -> User:
    user = User.objects.create_user("ann", "ann@example.org", "a-long-password")
    bind(user, "viewer", clusters=["one"])
    return user


def ask(client: APIClient, url: str = URL, **body: Any) -> tuple[int, str]:
    """Status and code; whatever is refused has left nothing."""
    before = counts()
    response = client.post(url, body, format="json")
    if response.status_code != 503:
        assert counts() == before
    return response.status_code, str(response.json()["error"]["code"])


def issued(user: User, *, cluster: str = "one", **columns: Any) -> Kubeconfig:
    """A kubeconfig as if it had been handed out."""
    row = Kubeconfig(
        cluster=Cluster.objects.get(name=cluster), user=user, username=user.username,
        account=f"{user.username}-{Kubeconfig.objects.count()}", account_uid="u",
        expires_at=timezone.now() + timedelta(hours=1), **columns,
    )  # fmt: skip
    row.save()
    from fleet.grants.kubeconfigs import bind_account

    bind_account(row)
    return row


def subjects(binding: str, cluster: str = "one") -> list[str]:
    grant = ClusterGrant.objects.get(binding__name=binding, cluster__name=cluster)
    return [one["name"] for one in grant.wanted["subjects"]]


class TestRefused:
    def test_without_any_right_like_absent(self, fleet: Portal) -> None:
        eve = client_of(User.objects.create_user("eve", password="a-long-password"))
        assert ask(eve) == (404, "not_found")
        assert ask(eve, "/api/v1/clusters/none/kubeconfig") == (404, "not_found")
        assert ask(eve, "/api/v1/clusters/a%00b/kubeconfig") == (404, "not_found")

    def test_a_right_on_another_cluster(self, ann: User) -> None:
        assert ask(client_of(ann), "/api/v1/clusters/two/kubeconfig") == (404, "not_found")

    def test_who_sees_the_cluster_and_holds_nothing_in_it(self, fleet: Portal) -> None:
        role("looks", "clusters.view", "kubeconfigs.create")
        ben = User.objects.create_user("ben", password="a-long-password")
        bind(ben, "looks", clusters=["one"])
        assert ask(client_of(ben)) == (403, "no_cluster_rights")

    def test_whose_role_does_not_let_him(self, fleet: Portal) -> None:
        role("pods", "clusters.view", "resources.view", rules=PODS)
        ben = User.objects.create_user("ben", password="a-long-password")
        bind(ben, "pods", clusters=["one"])
        assert ask(client_of(ben)) == (403, "permission_denied")

    @pytest.mark.parametrize(
        ("scopes", "code"),
        [
            (["read-only"], "scope_missing"),
            (["clusters.*"], "scope_missing"),
            (["kubeconfigs.create"], "scope_exceeded"),
            (["kubeconfigs.*", "clusters.*"], "scope_exceeded"),
        ],
    )
    def test_a_token_with_scopes(self, ann: User, scopes: list[str], code: str) -> None:
        _, secret = token_create(user=ann, name="t", scopes=scopes)
        assert ask(APIClient(headers={"Authorization": f"Token {secret}"})) == (403, code)

    @pytest.mark.parametrize("seconds", [-1, 0, 1, 599, 43201, 2**31, 2**63, "soon", 1.5, [], {}])
    def test_a_time_that_is_none(self, ann: User, seconds: Any) -> None:
        status, code = ask(client_of(ann), expirationSeconds=seconds)
        assert status == 400
        assert code in {"duration_invalid", "invalid", "min_value", "max_value", "json_invalid"}

    def test_unknown_fields_and_parameters(self, ann: User) -> None:
        assert ask(client_of(ann), user="admin")[0] == 400
        assert ask(client_of(ann), audience=["x"])[0] == 400
        assert ask(client_of(ann), f"{URL}?duration=1")[0] == 400
        assert ask(client_of(ann), f"{URL}?dryRun=Some")[0] == 400

    @pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
    def test_other_methods(self, ann: User, method: str) -> None:
        assert getattr(client_of(ann), method)(URL, {}, format="json").status_code == 405

    def test_in_a_paused_cluster(self, fleet: Portal, ann: User) -> None:
        fleet.call("post", "clusters/one/suspend")
        assert ask(client_of(ann)) == (409, "cluster_paused")

    def test_in_quarantine(self, ann: User) -> None:
        seen = {"status": "False", "reason": "AnotherCluster", "message": "Another one answers."}
        Cluster.objects.filter(name="one").status_update(conditions={"Identified": seen})
        assert ask(client_of(ann)) == (409, "cluster_quarantined")

    def test_where_the_portal_hands_out_none(self, ann: User, settings: Settings) -> None:
        settings.KUBECARRIER_KUBECONFIG_MAX_SECONDS = 0
        assert ask(client_of(ann)) == (403, "kubeconfigs_off")

    def test_more_than_anybody_needs(self, ann: User) -> None:
        for _ in range(LIVE_AT_ONCE):
            issued(ann)
        assert ask(client_of(ann)) == (409, "kubeconfigs_too_many")

    def test_somebody_who_left(self, ann: User) -> None:
        client = client_of(ann)
        ann.is_active = False
        assert client.post(URL, {}, format="json").status_code == 403

    def test_the_refusal_is_on_record(self, fleet: Portal) -> None:
        role("pods", "clusters.view", rules=PODS)
        ben = User.objects.create_user("ben", password="a-long-password")
        bind(ben, "pods", clusters=["one"])
        ask(client_of(ben))
        entry = AuditEntry.objects.filter(actor=ben, result="denied").latest("pk")
        assert "kubeconfigs.create" in f"{entry.event} {entry.changes_text}"


class TestIssuing:
    def test_a_dry_run_says_yes_and_makes_nothing(self, ann: User) -> None:
        before = counts()
        response = client_of(ann).post(f"{URL}?dryRun=All", {}, format="json")
        assert response.status_code == 200, response.content
        assert response.json() == {"cluster": "one", "expirationSeconds": 3600}
        assert counts() == before

    def test_what_could_not_be_made_is_taken_back(self, ann: User) -> None:
        assert ask(client_of(ann)) == (503, "kube_unreachable")
        row = Kubeconfig.objects.get()
        assert (row.revoked_because, row.account_uid) == (KubeconfigEnd.NOT_ISSUED, "")
        assert row.account not in subjects("ann-viewer")
        assert not AuditEntry.objects.filter(event="kubeconfig-issued").exists()

    def test_the_year_that_servers_give_for_3607_is_not_asked_for(self, ann: User) -> None:
        response = client_of(ann).post(
            f"{URL}?dryRun=All", {"expirationSeconds": 3607}, format="json"
        )
        assert response.json()["expirationSeconds"] == 3606


class TestSubjects:
    def test_one_account_per_file_in_the_person_s_grants_only(self, ann: User) -> None:
        ben = User.objects.create_user("ben", password="a-long-password")
        bind(ben, "viewer", clusters=["one", "two"])
        first, second = issued(ann), issued(ann)
        other = issued(ben, cluster="two")
        assert subjects("ann-viewer") == ["kubecarrier:ann", first.account, second.account]
        assert subjects("ben-viewer") == ["kubecarrier:ben"]
        assert subjects("ben-viewer", "two") == ["kubecarrier:ben", other.account]

    def test_an_administrator_s_until_he_is_none(self, portal: Portal) -> None:
        from accounts.services.people import user_save

        root = User.objects.create_superuser("root", password="a-long-password")
        row = issued(root)
        assert row.account in subjects("administrators")
        root.is_superuser = False
        user_save(user=root)
        assert row.account not in subjects("administrators")
        row.refresh_from_db()
        assert row.revoked_because == KubeconfigEnd.NO_RIGHTS

    def test_a_cluster_that_leaves_says_what_stays(self, fleet: Portal, ann: User) -> None:
        row = issued(ann)
        fleet.call("delete", "clusters/one?policy=orphan")
        operation = fleet.call("get", "operations?verb=remove")["items"][0]
        said = " ".join(one["message"] for one in operation["status"]["targets"])
        assert row.account in said
        assert not Kubeconfig.objects.exists()
        assert Binding.objects.filter(name="ann-viewer").exists()


class TestListAndRevoke:
    def test_one_s_own(self, ann: User) -> None:
        mine, client = issued(ann), client_of(ann)
        ben = User.objects.create_user("ben", password="a-long-password")
        bind(ben, "cluster-admin", clusters=["two"])
        his = issued(ben, cluster="two")
        listed = client.get("/api/v1/kubeconfigs").json()["items"]
        assert [one["metadata"]["name"] for one in listed] == [str(mine.pk)]
        assert client.get(f"/api/v1/kubeconfigs/{his.pk}").status_code == 404
        assert client.delete(f"/api/v1/kubeconfigs/{his.pk}").status_code == 404
        answer = client.delete(f"/api/v1/kubeconfigs/{mine.pk}")
        assert answer.status_code == 202
        assert answer.json()["status"]["reason"] == "RevocationPending"
        assert mine.account not in subjects("ann-viewer")
        mine.refresh_from_db()
        again = mine.revoked_at
        assert client.delete(f"/api/v1/kubeconfigs/{mine.pk}").status_code == 202
        mine.refresh_from_db()
        assert mine.revoked_at == again

    def test_those_of_others_by_right_on_that_cluster(self, ann: User) -> None:
        row = issued(ann)
        ben = User.objects.create_user("ben", password="a-long-password")
        bind(ben, "cluster-admin", clusters=["two"])
        assert client_of(ben).get(f"/api/v1/kubeconfigs/{row.pk}").status_code == 404
        cleo = User.objects.create_user("cleo", password="a-long-password")
        bind(cleo, "cluster-admin", clusters=["one"])
        assert client_of(cleo).delete(f"/api/v1/kubeconfigs/{row.pk}").status_code == 202
        entry = AuditEntry.objects.filter(event="kubeconfig-revoked").get()
        assert (entry.actor, entry.cluster) == (cleo, "one")

    def test_nobody_writes_one(self, fleet: Portal) -> None:
        for method in ("put", "patch", "post"):
            url = "/api/v1/kubeconfigs" + ("" if method == "post" else "/x")
            assert getattr(fleet.client, method)(url, {}, format="json").status_code == 405


class TestConsole:
    @pytest.fixture
    def browser(self, ann: User) -> Client:
        client = Client()
        client.force_login(ann, backend="django.contrib.auth.backends.ModelBackend")
        return client

    def test_pages(self, browser: Client, ann: User) -> None:
        row, cluster = issued(ann), Cluster.objects.get(name="one")
        ask = f"/admin/fleet/cluster/{cluster.pk}/do/kubeconfig/"
        before = counts()
        for url in (ask, "/admin/fleet/kubeconfig/", "/admin/fleet/kubeconfig/add/"):
            assert browser.get(url).status_code == 200
        assert counts() == before  # asking makes nothing
        page = browser.get(f"/admin/fleet/kubeconfig/{row.pk}/change/").content.decode()
        assert row.account in page
        refused = browser.post(ask, {"seconds": 3600})
        assert (refused.status_code, Kubeconfig.objects.count()) == (422, 2)
        assert browser.post(f"/admin/fleet/kubeconfig/{row.pk}/delete/").status_code == 302
        page = browser.get(f"/admin/fleet/kubeconfig/{row.pk}/change/").content.decode()
        assert "Revocation pending" in page
        assert "may still work" in page

    def test_only_clusters_of_one_s_own_are_offered(self, browser: Client) -> None:
        page = browser.get("/admin/fleet/kubeconfig/add/").content.decode()
        two = Cluster.objects.get(name="two")
        assert ">one<" in page
        assert str(two.pk) not in page
        answer = browser.post(
            "/admin/fleet/kubeconfig/add/", {"cluster": str(two.pk), "seconds": 3600}
        )
        assert (answer.status_code, Kubeconfig.objects.count()) == (422, 0)

    def test_a_forged_post_gets_nothing(self, ann: User) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(ann, backend="django.contrib.auth.backends.ModelBackend")
        cluster = Cluster.objects.get(name="one")
        for url in (
            "/admin/fleet/kubeconfig/add/",
            f"/admin/fleet/cluster/{cluster.pk}/do/kubeconfig/",
        ):
            assert client.post(url, {"seconds": 3600}).status_code == 403
        assert KubeconfigAdmin.writes is False
