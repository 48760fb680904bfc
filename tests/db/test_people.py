"""What follows when somebody is renamed, leaves or comes back: rights here, grants in clusters."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from accounts.models import Binding, Identity, IdentityMapping, User
from accounts.services.identities import Seen, identity_ended, identity_seen
from accounts.services.memberships import user_groups_set
from accounts.services.people import group_delete, group_save, user_delete, user_save
from fleet.models import ClusterGrant, ClusterGroupRight, ClusterUserRight
from kubecarrier.lib import audit
from tests.db.rights import bind, role
from tests.portal import Portal

pytestmark = pytest.mark.django_db
PODS = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
LATER = timezone.now().replace(year=2100)


@pytest.fixture
def ann(fleet: Portal) -> User:
    user = User.objects.create_user("ann", "ann@example.org", "a-long-password")
    role("seeing", "clusters.view", rules=[PODS])
    bind(user, "seeing", name="ann", clusters=["one"])
    settle()
    return user


@pytest.fixture
def team(fleet: Portal) -> Group:
    group = Group.objects.create(name="team")
    role("seeing", "clusters.view", rules=[PODS])
    spec = {"role": "seeing", "groups": ["team"], "scope": {"clusters": ["one"]}}
    fleet.call("put", "bindings/team", {"spec": spec})
    settle()
    return group


def settle() -> None:
    """As after a pass: the grants were put there, and nothing is due."""
    with audit.unaudited("test"):
        ClusterGrant.objects.update(next_reconcile_at=LATER, lease_token=1)
        Binding.objects.update(next_reconcile_at=LATER)


def subjects() -> list[str]:
    """Whom the living grants name."""
    rows = ClusterGrant.objects.filter(deletion_requested_at=None, binding__builtin=False)
    return [one["name"] for grant in rows for one in grant.wanted["subjects"]]


def woken() -> tuple[bool, bool]:
    """Whether grants and bindings are due."""
    return tuple(
        model.objects.filter(next_reconcile_at__lt=LATER).exists()  # type: ignore[return-value]
        for model in (ClusterGrant, Binding)
    )


class TestPeople:
    def test_renamed(self, ann: User) -> None:
        assert subjects() == ["kubecarrier:ann"]
        ann.username = "anna"
        user_save(user=ann)
        assert subjects() == ["kubecarrier:anna"]
        assert woken() == (True, True)

    def test_who_leaves_holds_nothing_and_has_it_again_when_back(self, ann: User) -> None:
        ann.is_active = False
        user_save(user=ann)
        assert not ClusterUserRight.objects.filter(user=ann).exists()
        assert subjects() == []
        assert woken() == (True, True)
        ann.is_active = True
        user_save(user=ann)
        assert ClusterUserRight.objects.filter(user=ann).exists()
        assert subjects() == ["kubecarrier:ann"]

    def test_a_superuser_s_bindings_are_looked_at(self, ann: User) -> None:
        ann.is_superuser = True
        user_save(user=ann)
        assert woken()[1]

    def test_deleted(self, ann: User) -> None:
        user_delete(user=ann)
        assert subjects() == []
        assert not ClusterUserRight.objects.exists()
        assert woken() == (True, True)
        User.objects.create_user("ann")  # somebody else of that name
        assert subjects() == []

    def test_another_address_is_nobody_s_business(self, ann: User) -> None:
        ann.email = "new@example.org"
        user_save(user=ann)
        assert woken() == (False, False)


class TestGroups:
    def test_renamed(self, team: Group) -> None:
        team.name = "crew"
        group_save(group=team)
        assert subjects() == ["kubecarrier:group:crew"]
        assert woken() == (True, True)

    def test_deleted(self, team: Group) -> None:
        group_delete(group=team)
        assert subjects() == []
        assert not ClusterGroupRight.objects.exists()
        assert woken() == (True, True)

    def test_members(self, team: Group) -> None:
        user = User.objects.create_user("mia")
        with audit.acting(audit.AuditContext(audit.Channel.RECONCILER, lambda: None)):
            user_groups_set(user=user, groups=[team])
            assert woken()[1]
            settle()
            user_groups_set(user=user, groups=[team])
            assert not woken()[1]
            user_groups_set(user=user, groups=[])
        assert woken()[1]


class TestConsole:
    def test_a_person_s_page(self, ann: User, team: Group, admin_client: Client) -> None:
        body: dict[str, Any] = {
            "username": "anna", "is_active": "on", "groups": [team.pk],
            "date_joined_0": "2026-01-01", "date_joined_1": "00:00:00",
        }  # fmt: skip
        page = admin_client.post(f"/admin/accounts/user/{ann.pk}/change/", body)
        assert page.status_code == 302, page.context["errors"]
        assert "kubecarrier:anna" in subjects()
        assert list(ann.groups.all()) == [team]
        page = admin_client.post(f"/admin/accounts/user/{ann.pk}/delete/", {"post": "yes"})
        assert page.status_code == 302
        assert subjects() == ["kubecarrier:group:team"]

    def test_a_new_person_has_the_name_that_was_given(self, admin_client: Client) -> None:
        page, given = "/admin/accounts/user/add/", {"password1": "a-long-passphrase"}
        given |= {"password2": given["password1"], "usable_password": "true"}
        assert admin_client.post(page, given).status_code == 200
        assert 'name="username"' in admin_client.get(page).content.decode()
        assert admin_client.post(page, {**given, "username": "eve"}).status_code == 302
        assert not User.objects.filter(username="").exists()
        assert User.objects.get(username="eve").check_password("a-long-passphrase")

    def test_a_group_s_page(self, team: Group, admin_client: Client) -> None:
        page = admin_client.post(f"/admin/auth/group/{team.pk}/change/", {"name": "crew"})
        assert page.status_code == 302, page.context["errors"]
        assert subjects() == ["kubecarrier:group:crew"]
        page = admin_client.post(f"/admin/auth/group/{team.pk}/delete/", {"post": "yes"})
        assert page.status_code == 302
        assert subjects() == []


class TestProviders:
    """LDAP and OIDC say the same way whom they saw and whom they do not vouch for any more."""

    @pytest.mark.parametrize("source", ["oidc", "ldap"])
    def test_groups_and_the_end_of_access(self, ann: User, team: Group, source: str) -> None:
        IdentityMapping.objects.create(name="m", source=source, value="there", group=team)
        row = Identity.objects.create(user=ann, source=source, issuer="i", subject="s")
        seen = Seen(source, "i", "s", "ann", ["there"], admit_everyone=True)
        identity_seen(seen=seen)
        assert list(ann.groups.all()) == [team]
        assert woken()[1]
        settle()
        identity_seen(seen=seen)
        assert woken() == (False, False)
        identity_seen(seen=Seen(source, "i", "s", "ann", [], admit_everyone=True))
        assert not ann.groups.exists()
        assert woken()[1]
        row.refresh_from_db()
        identity_ended(identity=row, reason="gone", deactivate=True)
        assert subjects() == ["kubecarrier:group:team"]
        assert not ClusterUserRight.objects.filter(user=ann).exists()
        identity_seen(seen=seen)
        assert "kubecarrier:ann" in subjects()
