"""The overview: what needs attention, of every kind that one may see; and what people changed."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from apps.models import Application, Release
from fleet.models import Cluster, ConfigConflict, ConfigCopy, ConfigItem, ProjectCopy
from kubecarrier.console import attention
from kubecarrier.lib import audit
from kubecarrier.lib.audit import AuditContext, Channel, acting
from tests.db.conftest import application
from tests.db.rights import bind
from tests.portal import Portal

pytestmark = pytest.mark.django_db
BROKEN = {
    "Ready": {"type": "Ready", "status": "False", "reason": "Refused", "message": "It is refused."}
}
ROLLING = {"Ready": {"type": "Ready", "status": "False", "reason": "Deploying", "message": "Soon."}}


@pytest.fixture
def teams(fleet: Portal) -> Portal:
    """Projects `shop` on cluster one and `bank` on two: an application and a config item in each."""
    for name, cluster in (("shop", "one"), ("bank", "two")):
        place = {"placement": {"clusters": [cluster]}}
        project = {"metadata": {"project": name}}
        fleet.call("put", f"projects/{name}", {"spec": {**place, "namespaces": [{"name": name}]}})
        spec = application(namespace=name, **place)
        fleet.call("put", f"applications/{name}-web", {**project, "spec": spec})
        spec = {"namespaces": [name], "data": {"a": "b"}, **place}
        fleet.call("put", f"configitems/{name}-settings", {**project, "spec": spec})
    return fleet


def broken(conditions: Any = BROKEN) -> None:
    for model in (Cluster, Application, Release, ConfigItem, ConfigCopy, ProjectCopy):
        model.objects.all().status_update(ready="False", conditions=conditions)


def in_the_inbox() -> None:
    for copy in ConfigCopy.objects.all():
        ConfigConflict.objects.create(item=copy.item, copy=copy, cause="waiting", keys=["a"])


def named(user: User) -> set[tuple[str, str]]:
    return {(str(item.word), item.name) for item in attention.attention(user)}


class TestAttention:
    def test_everything_that_is_not_ready_or_waits(self, teams: Portal, admin_user: User) -> None:
        assert named(admin_user) == set()
        broken()
        in_the_inbox()
        assert named(admin_user) == {
            ("Cluster", "one"), ("Cluster", "two"),
            ("Application", "shop-web"), ("Application", "bank-web"),
            ("Release", "shop-web.one"), ("Release", "bank-web.two"),
            ("Config item", "shop-settings"), ("Config item", "bank-settings"),
            ("Config copy", "shop-settings.one.shop"), ("Config copy", "bank-settings.two.bank"),
            ("Project on a cluster", "shop.one"), ("Project on a cluster", "bank.two"),
            ("Inbox", "shop-settings: a"), ("Inbox", "bank-settings: a"),
        }  # fmt: skip

    @pytest.mark.parametrize("name", ["CredentialExpiring", "CredentialStale"])
    def test_a_credential_that_ends_or_could_not_be_renewed(
        self, teams: Portal, admin_user: User, name: str
    ) -> None:
        told = {"type": name, "status": "True", "message": f"{name}, and why."}
        rows = Cluster.objects.filter(name="one")
        rows.status_update(ready="True", conditions={name: told})
        (item,) = attention.attention(admin_user)
        assert (item.name, item.why) == ("one", f"{name}, and why.")

    def test_only_what_one_may_see(self, teams: Portal) -> None:
        broken()
        in_the_inbox()
        ann = User.objects.create_user("ann")
        assert named(ann) == set()
        bind(ann, "viewer", project="shop")
        found = named(ann)
        assert {name.split("-")[0].split(".")[0] for _, name in found if name != "one"} == {"shop"}
        assert ("Inbox", "shop-settings: a") in found

    def test_under_way_paused_and_going_is_left_out(self, teams: Portal, admin_user: User) -> None:
        broken(ROLLING)
        assert named(admin_user) == set()
        broken()
        with audit.unaudited("a test"):
            for model in (Application, ConfigItem):
                model.objects.update(suspended=True)
        words = {word for word, _ in named(admin_user)}
        assert not words & {"Application", "Config item"}

    def test_bounded_with_the_way_to_the_rest(self, teams: Portal, admin_user: User) -> None:
        place = {"placement": {"clusters": ["one"]}, "namespaces": ["x"], "data": {"a": "b"}}
        for number in range(8):
            teams.call("put", f"configitems/item-{number}", {"spec": place})

        def cost() -> int:
            with CaptureQueriesContext(connection) as queries:
                attention.attention(admin_user)
            return len(queries)

        few = cost()
        broken()
        items = [one for one in attention.attention(admin_user) if one.word == "Config item"]
        assert len(items) == 5
        assert items[-1].rest == "/admin/fleet/configitem/?ready__exact=False"
        assert cost() == few

    def test_the_page_leads_to_each(self, teams: Portal, admin_client: Client) -> None:
        broken()
        in_the_inbox()
        page = admin_client.get("/admin/")
        for item in page.context["attention"]:
            assert admin_client.get(item.url).status_code == 200
            assert item.url in page.content.decode()


class TestChanges:
    def shown(self, user: User) -> list[Any]:
        client = Client()
        client.force_login(user)
        return [one["entry"] for one in client.get("/admin/").context["entries"]]

    def test_operations_are_no_changes(self, teams: Portal, admin_user: User) -> None:
        teams.call("post", "applications/shop-web/redeploy")
        with acting(AuditContext(Channel.RECONCILER)):
            row = Application.objects.get(name="shop-web")
            audit.event("operation-finished", row, said="deployed")
            row.description = "by a pass"
            row.save()
        found = self.shown(admin_user)
        assert found
        assert {one.did for one in found} <= {"created", "changed", "deleted"}
        assert {str(one.channel) for one in found} <= {"api", "command"}

    def test_what_somebody_writes_in_a_cluster_is_one(
        self, teams: Portal, admin_user: User
    ) -> None:
        audit.event("resource-patch", Cluster.objects.get(name="one"), said="patch Deployment")
        audit.event("resource-reveal", Cluster.objects.get(name="one"), said="reveal Secret")
        assert self.shown(admin_user)[0].did == "resource-patch"

    def test_members_see_those_of_their_project(self, teams: Portal) -> None:
        ann = User.objects.create_user("ann")
        bind(ann, "viewer", project="shop")
        assert {one.project for one in self.shown(ann)} == {"shop"}
        assert {"Application", "ConfigItem"} <= {one.kind for one in self.shown(ann)}
        assert self.shown(User.objects.create_user("nobody")) == []
