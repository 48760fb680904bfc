"""Kubeconfigs for people: names, documents, subjects. Pure."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from fleet.connection import Connection
from fleet.grants import accounts, objects
from fleet.grants.objects import Grant
from fleet.kubeconfig import parse_kubeconfig
from kubecarrier.lib import strict_yaml
from kubecarrier.lib.spec import NAME_PATTERN

ENDS = datetime(2030, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    "username", ["ann", "Ann.Lee@Example.org", "sa:robot", "-", "李雷", "x" * 150, "a\0b", "..", ""]
)
def test_every_name_makes_a_valid_account(username: str) -> None:
    name = accounts.account_name(username)
    assert re.fullmatch(NAME_PATTERN, name)
    assert len(name) <= 63
    assert name != accounts.account_name(username)


def document(**more: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "cluster": "eu", "connection": Connection("https://eu.example:6443", token="the-portal-s-own"),
        "token": "the-person-s", "namespace": "", "kubeconfig_id": uuid.uuid4(), "expires_at": ENDS,
    }  # fmt: skip
    return accounts.kubeconfig_document(**(values | more))


def test_the_file_has_nothing_of_the_portal_s_credential() -> None:
    connection = Connection(
        "https://eu.example:6443", ca_pem="-----BEGIN CERTIFICATE-----", token="the-portal-s-own",
        client_key_pem="key-of-the-portal", client_cert_pem="cert-of-the-portal", tls_server_name="eu",
    )  # fmt: skip
    text = strict_yaml.dump(document(connection=connection))
    assert "portal-s-own" not in text
    assert "of-the-portal" not in text
    assert "tls-server-name: eu" in text


def test_our_own_reader_takes_it() -> None:
    (found,) = parse_kubeconfig(strict_yaml.dump(document(namespace="shop")))
    assert (found.context, found.namespace) == ("kubecarrier-eu", "shop")
    assert found.connection == Connection("https://eu.example:6443", token="the-person-s")


@pytest.mark.parametrize(
    ("wanted", "namespace"),
    [
        ([["shop"]], "shop"),
        ([["shop"], ["shop"]], "shop"),
        ([["shop"], ["web"]], ""),
        ([["shop", "web"]], ""),
        ([["shop"], None], ""),
        ([None], ""),
        ([], ""),
    ],
)
def test_one_namespace_is_the_default(wanted: list[Any], namespace: str) -> None:
    assert accounts.default_namespace({"namespaces": one} for one in wanted) == namespace


def grant(*subjects: dict[str, str]) -> Grant:
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]
    return Grant("b", "binding/1", rules, subjects, None)


def test_an_account_is_a_subject_of_the_core() -> None:
    one = accounts.subject("ann-1")
    bound = next(
        obj
        for obj in objects.wanted(grant(one, {"kind": "User", "name": "kubecarrier:ann"})).values()
        if obj["kind"] == "ClusterRoleBinding"
    )
    assert bound["subjects"][0] == {
        "kind": "ServiceAccount", "name": "ann-1", "namespace": "kubecarrier-people",
    }  # fmt: skip
    assert bound["subjects"][1]["apiGroup"] == "rbac.authorization.k8s.io"
    (asked, _) = objects.reviews(grant(one, {"kind": "User", "name": "kubecarrier:ann"}))
    assert asked["spec"]["user"] == "system:serviceaccount:kubecarrier-people:ann-1"


def test_an_account_moved_to_another_namespace_is_a_difference() -> None:
    wanted = grant(accounts.subject("ann-1"))
    present = objects.wanted(wanted)
    assert objects.compare(objects.wanted(wanted), present, "binding/1").nothing
    moved = {ref: dict(obj) for ref, obj in present.items()}
    for obj in moved.values():
        if "subjects" in obj:
            obj["subjects"] = [{**obj["subjects"][0], "namespace": "default"}]
    assert not objects.compare(objects.wanted(wanted), moved, "binding/1").nothing
