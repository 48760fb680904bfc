"""Who works on the fleet that is looked at, and what they hold: one row of each kind of access."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import Group
from django.utils import timezone

from accounts.models import User
from accounts.services.audit_policies import audit_policy_apply
from accounts.services.bindings import binding_apply
from accounts.services.identity_mappings import identity_mapping_apply
from accounts.services.memberships import user_groups_moved
from accounts.services.roles import role_apply
from accounts.services.seals import seal_all
from accounts.services.service_accounts import service_account_apply
from accounts.services.tokens import token_create
from fleet.models import Cluster, Kubeconfig
from kubecarrier.lib import audit
from kubecarrier.lib.manifests import Wish

PASSWORD = "a-long-password-1"
_BINDINGS = (
    ("shop-team", "editor", (), ("shop-team",), {"project": "shop"}),
    ("shop-auditors", "viewer", ("vic",), (), {"project": "shop"}),
    ("platform", "cluster-admin", (), ("platform",), {"platform": True}),
    ("pipeline", "deployer", ("sa:pipeline",), (), {"project": "shop"}),
)


def build(actor: Any) -> User:
    """People, groups, roles and what hangs on them; returns the viewer of the project `shop`."""
    with audit.acting(audit.AuditContext(audit.Channel.CONSOLE, actor=lambda: actor)):
        for name in ("shop-team", "platform"):
            Group.objects.create(name=name)
        viewer = _person("vic", "Vic", "Santos")
        user_groups_moved(user=_person("dev", "Dee", "Vogel"), gained=_groups("shop-team"), lost=())
        permissions = ["applications.view", "applications.upgrade", "releases.view"]
        spec = {"permissions": permissions, "rules": []}
        role_apply(actor=actor, wish=Wish("deployer", {}, spec))
        account = {"description": "Deploys from the build.", "active": True}
        service_account_apply(actor=actor, wish=Wish("pipeline", {}, account))
        for name, role, users, groups, scope in _BINDINGS:
            held = {"role": role, "users": [*users], "groups": [*groups], "scope": scope}
            binding_apply(actor=actor, wish=Wish(name, {}, held))
        mapped = {"source": "oidc", "value": "k8s-platform", "group": "platform"}
        identity_mapping_apply(actor=actor, wish=Wish("platform", {}, mapped))
        kept = {"retention_days": 400, "description": "Commercial code, and a month to notice."}
        audit_policy_apply(actor=actor, wish=Wish("legal", {}, kept))
        _kubeconfig(actor)
        for user, title in ((actor, "laptop"), (viewer, "reports")):
            token_create(user=user, name=title, scopes=["read-only"])
    seal_all()
    return viewer


def _person(name: str, first: str, last: str) -> User:
    return User.objects.create_user(
        name, f"{name}@example.org", PASSWORD, first_name=first, last_name=last
    )


def _groups(*names: str) -> list[Group]:
    return list(Group.objects.filter(name__in=names))


def _kubeconfig(user: User) -> None:
    row = Kubeconfig(
        cluster=Cluster.objects.get(name="fra-prod-1"), user=user, username=user.username,
        account="kubecarrier-ada-1", account_uid="uid-1",
        expires_at=timezone.now() + timedelta(hours=7),
    )  # fmt: skip
    row.save()
