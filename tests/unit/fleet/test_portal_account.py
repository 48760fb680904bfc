"""The portal's own account: the manifest is what is applied, its limits are what they say. Pure."""

from __future__ import annotations

from typing import Any

import yaml

from fleet.connection import Connection, token_subject
from fleet.grants import drift, objects, portal_account


def test_the_manifest_is_what_an_exchange_applies() -> None:
    text = portal_account.manifest("eu-1", ["team", "ops"])
    assert list(yaml.safe_load_all(text)) == portal_account.objects(["team", "ops"])
    for one in portal_account.RULES:
        assert one.reason.split(":")[0].split(",")[0] in text
    assert max(map(len, text.splitlines())) < 130


def test_groups_are_named_and_no_master_is_among_them() -> None:
    rule = portal_account.groups_rule(["team"])
    assert rule["resourceNames"] == ["kubecarrier:administrators", "kubecarrier:group:team"]
    rules: list[Any] = [
        rule
        for obj in portal_account.objects(["team"])
        if obj["kind"] == "ClusterRole"
        for rule in obj["rules"]
    ]
    for one in rules:
        assert "*" not in one["verbs"]  # which would hold impersonate for every group
        if "impersonate" in one["verbs"]:
            assert one["resources"] == ["users"] or one["resourceNames"]


def test_everything_carries_our_mark_and_is_no_orphan_of_the_access_review() -> None:
    made = portal_account.objects([])
    assert all(objects.is_of(obj, portal_account.OWNER_MARK) for obj in made)
    present = {objects.ref_of(obj): obj for obj in made if obj["kind"].startswith("ClusterRole")}
    assert drift.findings([], present, {}) == []


def test_whose_a_token_is() -> None:
    import base64
    import json

    claims = base64.urlsafe_b64encode(json.dumps({"sub": portal_account.SUBJECT}).encode())
    token = f"e30.{claims.decode().rstrip('=')}.x"
    assert token_subject(Connection("https://x", token=token)) == portal_account.SUBJECT
    for other in (None, "", "opaque", "a.b.c", "e30.e30.x"):
        assert token_subject(Connection("https://x", token=other)) == ""
