"""Bad config items: refused with a code and the field, nothing stored, no value repeated."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from fleet.models import Cluster, ConfigCopy
from tests.db.conftest import counts, error
from tests.portal import Portal

pytestmark = pytest.mark.django_db
CANARY = "canary-value-2207"
MIB = 1024 * 1024
Json = dict[str, Any]


def spec(**more: Any) -> Json:
    return {
        "namespaces": ["shop"],
        "data": {"color": "blue"},
        "placement": {"clusters": ["one", "two"]},
        **more,
    }


def refused(portal: Portal, body: Json, *, code: int = 400, path: str = "") -> Json:
    """The error of a document, or of keys that are set; nothing was stored."""
    before = counts()
    method, where = ("post", f"/{path}") if path else ("put", "")
    document = body if path else {"spec": body}
    found = error(portal, method, f"configitems/settings{where}", document, code=code)
    assert counts() == before
    assert CANARY not in str(found)
    return found


@pytest.fixture
def saved(fleet: Portal) -> Portal:
    fleet.call("put", "configitems/settings", {"spec": spec()}, code=201)
    return fleet


BAD_KEYS = {
    "empty": "",
    "too long": "a" * 254,
    "slash": "a/b",
    "parent": "..",
    "itself": ".",
    "newline": "a\n",
    "escape": "\x1b[31m",
    "blank": "a b",
    "no letter of ASCII": "schlüssel",
    "looks like a dot": "a\N{FULLWIDTH FULL STOP}b",
}


@pytest.mark.parametrize("key", BAD_KEYS)
def test_key_names(saved: Portal, key: str) -> None:
    bad = {BAD_KEYS[key]: CANARY}
    text = base64.b64encode(CANARY.encode()).decode()
    assert refused(saved, spec(data=bad))["code"] == "key_invalid"
    assert refused(saved, spec(binaryData={BAD_KEYS[key]: text}))["code"] == "key_invalid"
    assert refused(saved, {"data": bad}, path="set")["code"] == "key_invalid"
    overrides = {"clusters": ["one"], "overrides": {"one": {"data": bad}}}
    assert refused(saved, spec(placement=overrides))["code"] == "key_invalid"


def test_a_nul_is_in_no_document(saved: Portal) -> None:
    assert refused(saved, spec(data={"a\0b": CANARY}))["code"] == "json_invalid"


def test_the_longest_key_is_taken(saved: Portal) -> None:
    body = {"data": {"a" * 253: "x"}}
    saved.call("post", "configitems/settings/set", body, code=202)


def test_sizes(saved: Portal) -> None:
    """One MiB with its keys, on each cluster: what a cluster overrides counts there."""
    fits = "x" * (MIB - 1)
    saved.call("put", "configitems/settings", {"spec": spec(data={"a": fits})}, code=202)
    assert refused(saved, spec(data={"a": fits + "x"}))["code"] == "data_too_large"
    assert refused(saved, {"data": {"b": "x"}}, path="set")["code"] == "data_too_large"
    overrides = {"clusters": ["one"], "overrides": {"one": {"data": {"b": "x"}}}}
    found = refused(saved, spec(data={"a": fits}, placement=overrides))
    assert found["code"] == "data_too_large"
    assert found["field"].startswith("spec.placement.overrides.one")


@pytest.mark.parametrize("text", [f"!{CANARY}", "YQ", "YQ=", "YQ==YQ==", "=YQ=", "ÄÖ=="])
def test_base64_is_never_echoed(saved: Portal, text: str) -> None:
    overrides = {"clusters": ["one"], "overrides": {"one": {"binaryData": {"a": text}}}}
    for found in (
        refused(saved, spec(binaryData={"a": text})),
        refused(saved, spec(placement=overrides)),
        refused(saved, {"binaryData": {"a": text}}, path="set"),
    ):
        assert found["code"] == "base64_invalid"
        assert text not in str(found)


def test_immutable_objects(fleet: Portal) -> None:
    """As in Kubernetes: no value changes, by no way; one may only end being immutable."""
    body = spec(immutable=True, data={"color": "blue", "size": "1"})
    fleet.call("put", "configitems/settings", {"spec": body}, code=201)
    overrides = {"clusters": ["one", "two"], "overrides": {"one": {"data": {"color": "red"}}}}
    for document in (
        {**body, "data": {"color": "red", "size": "1"}},
        {**body, "data": {"color": "blue"}},
        {**body, "binaryData": {"b": "eA=="}},
        {**body, "placement": overrides},
    ):
        assert refused(fleet, document, code=409)["code"] == "item_immutable"
    for change in ({"data": {"size": "2"}}, {"unset": ["size"]}, {"binaryData": {"b": "eA=="}}):
        assert refused(fleet, change, code=409, path="set")["code"] == "item_immutable"


class TestTwoItemsWritingOneObject:
    def test_by_their_own_names(self, saved: Portal) -> None:
        body = {"spec": spec(objectName="settings")}
        before = counts()
        found = error(saved, "put", "configitems/others", body, code=409)
        assert (found["code"], found["data"]["item"]) == ("object_taken", "settings")
        assert found["field"] == "spec.objectName"
        assert counts() == before

    def test_by_a_namespace_that_is_added(self, saved: Portal) -> None:
        body = spec(objectName="settings", namespaces=["bank"])
        saved.call("put", "configitems/others", {"spec": body}, code=201)
        before = counts()
        wider = {"spec": {**body, "namespaces": ["bank", "shop"]}}
        found = error(saved, "put", "configitems/others", wider, code=409)
        assert found["code"] == "object_taken"
        assert counts() == before

    def test_by_a_cluster_s_labels(self, fleet: Portal) -> None:
        """Two selectors that meet only once a cluster is labelled: that change is refused."""
        first = spec(placement={"selector": "tier=front"})
        second = spec(placement={"selector": "zone=a"}, objectName="settings")
        fleet.call("put", "configitems/settings", {"spec": first}, code=201)
        fleet.call("put", "configitems/others", {"spec": second}, code=201)
        cluster = Cluster.objects.get(name="one")
        labels = {**cluster.labels, "tier": "front", "zone": "a"}
        before = counts()
        body = {"metadata": {"labels": labels}}
        found = error(fleet, "patch", "clusters/one", body, code=409)
        assert found["code"] == "object_taken"
        assert counts() == before
        assert Cluster.objects.get(name="one").labels == cluster.labels
        assert not ConfigCopy.objects.exists()
