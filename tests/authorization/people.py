"""The people of the table: users with bindings, and a token for each who may come in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rest_framework.test import APIClient

from accounts.models import User
from accounts.services import tokens
from accounts.services.people import user_delete
from tests.authorization.table import RIGHTS, ROLES, Role
from tests.db.rights import bind, role
from tests.portal import Portal

Json = dict[str, Any]
BUILT_IN = ("viewer", "editor", "cluster-admin")
PASSWORD = "a-long-password"


@dataclass(frozen=True, slots=True)
class Person:
    """A role of the table in flesh: `token` is empty for nobody."""

    role: Role
    user: User | None
    token: str

    def client(self) -> APIClient:
        """Speaks REST by the token."""
        headers = {"Authorization": f"Token {self.token}"} if self.token else {}
        return APIClient(headers=headers)


def scope_of(where: str) -> Json:
    """`project blue`, `cluster one`, `namespace one/blue`, `the platform` as a binding's scope."""
    sort, _, name = where.partition(" ")
    if sort == "namespace":
        cluster, _, namespace = name.partition("/")
        return {"clusters": [cluster], "namespaces": [namespace]}
    scopes: dict[str, Json] = {
        "the": {"platform": True},
        "project": {"project": name},
        "cluster": {"clusters": [name]},
    }
    return scopes[sort]


def build() -> dict[str, Person]:
    """Everybody, by the role's name."""
    for name, permissions in RIGHTS.items():
        if name not in BUILT_IN:
            role(name, *_spelt(permissions))
    found: dict[str, Person] = {}
    for name, one in ROLES.items():
        if not one.owner:
            found[name] = _person(one)
    for name, one in ROLES.items():
        if one.owner:
            owner = found[one.owner].user
            _, secret = tokens.token_create(user=owner, name=name, scopes=one.scopes or ())
            found[name] = Person(one, owner, secret)
    return found


def _spelt(permissions: tuple[str, ...]) -> list[str]:
    from kubecarrier.lib import catalogue

    listed = catalogue.known()
    return [
        name
        for name in listed
        if name in permissions or f"{name.partition('.')[0]}.*" in permissions
    ]


def _person(one: Role) -> Person:
    if one.name == "anonymous":
        return Person(one, None, "")
    username = one.name.replace(" ", "-")
    if one.superuser:
        user = User.objects.create_superuser(username, password=PASSWORD)
    elif one.name == "come back":
        user = _come_back(username)
    else:
        user = User.objects.create_user(username, password=PASSWORD)
    for number, (given, where) in enumerate(one.grants):
        bind(user, given, name=f"{username}-{number}", **scope_of(where))
    _, secret = tokens.token_create(user=user, name="the table")
    if not one.comes_in:
        user.is_active = False
        user.save()
    return Person(one, user, secret)


def _come_back(username: str) -> User:
    """Held everything, was removed, and is somebody new of that name."""
    first = User.objects.create_user(username, password=PASSWORD)
    bind(first, "cluster-admin", name="of-the-first")
    user_delete(user=first)
    return User.objects.create_user(username, password=PASSWORD)


def hold_the_old(portal: Portal, user: User) -> None:
    """Everything on project `old` and cluster `old`, as they are before they are made anew."""
    bind(user, "cluster-admin", name="old-cluster", clusters=["old"])
    bind(user, "cluster-admin", name="old-project", project="old")
    refused = portal.call("delete", "projects/old", code=409)
    assert refused["error"]["code"] == "project_in_use", refused
    portal.call("delete", "bindings/old-project")
