"""The review and the evaluator are two readings of one rule: in random worlds they say the same."""

from __future__ import annotations

import random
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone

from accounts.models import Role, User
from accounts.review import deciding, holding
from accounts.services.bindings import binding_apply
from accounts.services.memberships import user_groups_moved
from accounts.services.people import user_save
from accounts.services.roles import role_apply
from apps.models import Application, Chart, Release
from fleet.models import Cluster, Namespace, Operation, Project
from kubecarrier.lib import access, catalogue
from kubecarrier.lib.manifests import Wish
from tests.db.conftest import application
from tests.portal import Portal

pytestmark = pytest.mark.django_db
PEOPLE = ("ann", "ben", "cem", "dora", "sa:robot")
SCOPES: list[dict[str, Any]] = [
    {"platform": True},
    {"project": "red"},
    {"project": "blue"},
    {"clusters": ["one"]},
    {"clusters": ["two"]},
    {"clusters": ["one", "two"]},
    {"selector": "env=prod"},
    {"clusters": ["one"], "namespaces": ["shop"]},
    {"clusters": ["one", "two"], "namespaces": ["shop"]},
    {"clusters": ["two"], "namespaces": ["other"]},
]


def world(portal: Portal, dice: random.Random) -> list[Any]:
    """Objects of every reach there is, and people who hold this and that; the objects."""
    for name in ("red", "blue"):
        portal.call("put", f"projects/{name}", {"spec": {"placement": {"selector": "*"}}})
    for cluster in Cluster.objects.all():
        for name in ("shop", "other"):
            Namespace.objects.create(
                cluster=cluster, name=name, state="Active", seen_at=timezone.now()
            )
    portal.apply("shop", **application())
    portal.apply("narrow", **application(placement={"clusters": ["one"]}))
    portal.apply("nowhere", **application(placement={}, namespace="other"))
    _people(dice)
    return [
        None,
        *Project.objects.all(),
        *Cluster.objects.all(),
        *Namespace.objects.all(),
        *Application.objects.all(),
        *Release.objects.all(),
        *Chart.objects.all()[:1],
        *Operation.objects.all()[:2],
        *Role.objects.all()[:1],
    ]


def _people(dice: random.Random) -> None:
    groups = [Group.objects.create(name=name) for name in ("dev", "ops")]
    people = [User.objects.create_user(name, password="a-long-password") for name in PEOPLE]
    for user in people:
        user_groups_moved(user=user, gained=[g for g in groups if dice.random() < 0.4], lost=())
    names = sorted(catalogue.known())
    for number in range(6):
        held = dice.sample(names, dice.choice((3, 20, 60)))
        role_apply(actor=None, wish=Wish(f"r{number}", {}, {"permissions": held, "rules": []}))
    for number in range(dice.randint(4, 9)):
        spec = {
            "role": dice.choice(["r0", "r1", "r2", "r3", "r4", "r5", "viewer", "editor"]),
            "users": [p.username for p in people if dice.random() < 0.3],
            "groups": [g.name for g in groups if dice.random() < 0.3],
            "scope": dice.choice(SCOPES),
        }
        binding_apply(actor=None, wish=Wish(f"b{number}", {}, spec))
    gone = dice.choice(people)
    gone.is_active = False
    user_save(user=gone)


def asked_of(row: Any, dice: random.Random) -> list[str]:
    """Looking, some verbs of the row's kind, and one that is asked of it as a place."""
    plural = access.reach_of(type(row)).plural if row is not None else "clusters"
    own = [name for name in catalogue.known() if name.startswith(f"{plural}.")]
    more = ("accessreviews.view", "resources.view", "resources.reveal", "applications.edit")
    return [f"{plural}.view", *dice.sample(own, min(3, len(own))), dice.choice(more)]


@pytest.mark.parametrize("seed", range(5))
def test_who_can_says_what_the_evaluator_says(fleet: Portal, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - a world that can be made again
    rows = world(fleet, dice)
    answers = {True: 0, False: 0}
    for row in rows:
        for permission in asked_of(row, dice):
            held = {one.user for one in holding.who_can(permission, row) if one.active}
            for user in User.objects.all():
                decision = deciding.decide(user, permission, row)
                assert decision.allowed == deciding.may(user, permission, row)
                assert (user.username in held) == decision.allowed, (permission, row, user)
                assert not decision.allowed or decision.by
                if not permission.endswith(".view"):
                    assert decision.allowed == access.may(user, permission, row)
                answers[decision.allowed] += 1
    assert min(answers.values()) > 50, answers


def test_inactive_people_are_listed_and_may_nothing(fleet: Portal) -> None:
    group = Group.objects.create(name="dev")
    ann = User.objects.create_user("ann", password="a-long-password")
    user_groups_moved(user=ann, gained=[group], lost=())
    spec = {"role": "editor", "users": [], "groups": ["dev"], "scope": {"clusters": ["one"]}}
    binding_apply(actor=None, wish=Wish("dev", {}, spec))
    one = Cluster.objects.get(name="one")
    (found,) = [h for h in holding.who_can("clusters.edit", one) if h.user == "ann"]
    assert (found.active, [str(way) for way in found.by]) == (
        True,
        ["by binding dev (editor) to group dev"],
    )
    ann.is_active = False
    user_save(user=ann)
    (found,) = [h for h in holding.who_can("clusters.edit", one) if h.user == "ann"]
    assert not found.active
    assert deciding.decide(ann, "clusters.edit", one).why is deciding.Why.INACTIVE
