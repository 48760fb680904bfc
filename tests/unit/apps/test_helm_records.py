"""Release records, with and without their data."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import pytest

from apps.helm_records import (
    MAX_RECORD_BYTES,
    RecordError,
    RecordMeta,
    ReleaseStatus,
    decode_record,
    forget_refs,
    latest,
    record_meta,
    unlock_ref,
)
from fleet.resource import ObjectRef

Json = dict[str, Any]


def secret(
    name: str = "web",
    revision: int = 1,
    status: str = "deployed",
    namespace: str = "ns",
    **labels: str,
) -> Json:
    own = {"owner": "helm", "name": name, "version": str(revision), "status": status}
    return {
        "metadata": {
            "name": f"sh.helm.release.v1.{name}.v{revision}",
            "namespace": namespace,
            "uid": f"uid-{name}-{revision}",
            "resourceVersion": "7",
            "creationTimestamp": "2026-11-23T19:59:42Z",
            "labels": {**own, "modifiedAt": "1795463982", **labels},
        }
    }


def meta(**options: Any) -> RecordMeta:
    found = record_meta(secret(**options))
    assert found is not None
    return found


def packed(document: Any, *, compress: bool = True) -> Json:
    raw = document if isinstance(document, bytes) else json.dumps(document).encode()
    inner = base64.b64encode(gzip.compress(raw) if compress else raw)
    return {**secret(), "data": {"release": base64.b64encode(inner).decode()}}


def test_metadata_tells_the_release() -> None:
    found = meta(revision=3, status="pending-upgrade", **{"kubecarrier.io/digest": "abc"})
    assert (found.name, found.namespace, found.revision) == ("web", "ns", 3)
    assert (found.status, found.pending) == (ReleaseStatus.PENDING_UPGRADE, True)
    assert found.labels == {"kubecarrier.io/digest": "abc"}
    assert found.created_at is not None
    assert found.created_at.isoformat() == "2026-11-23T19:59:42+00:00"
    assert found.modified_at is not None


def edited(**metadata: Any) -> Json:
    base = secret()
    return {"metadata": {**base["metadata"], **metadata}}


@pytest.mark.parametrize(
    "other",
    [
        {},
        {"metadata": {}},
        edited(labels={}),
        edited(labels=None),
        edited(name="other"),
        edited(labels={"owner": "helm", "name": "web", "version": "x"}),
        edited(labels={"owner": "me", "name": "web", "version": "1"}),
        edited(labels={"owner": "helm", "name": "api", "version": "1"}),
    ],
)
def test_other_secrets_are_none(other: Json) -> None:
    assert record_meta(other) is None


def test_an_unheard_of_status_is_unknown() -> None:
    assert meta(status="brand-new").status is ReleaseStatus.UNKNOWN


def test_latest_by_number() -> None:
    records = [meta(revision=n) for n in (2, 10, 9)] + [meta(name="api"), meta(namespace="two")]
    newest = latest(records)
    assert newest["ns", "web"].revision == 10
    assert set(newest) == {("ns", "web"), ("ns", "api"), ("two", "web")}


def test_decoding() -> None:
    document = {
        "name": "web",
        "namespace": "ns",
        "version": 3,
        "info": {"status": "deployed", "description": "ok"},
        "chart": {"metadata": {"name": "demo", "version": "1.0.0", "appVersion": "2"}},
        "config": {"a": 1},
        "manifest": "---\n",
        "hooks": [{"manifest": "kind: Job"}],
    }
    found = decode_record(packed(document))
    assert (found.chart, found.chart_version, found.revision) == ("demo", "1.0.0", 3)
    assert (found.values, found.hooks, found.manifest) == ({"a": 1}, ("kind: Job",), "---\n")
    assert decode_record(packed(document, compress=False)) == found


@pytest.mark.parametrize(
    "damaged",
    [
        secret(),
        {"data": {"release": 5}},
        {"data": {"release": "%%%"}},
        {"data": {"release": base64.b64encode(b"%%%").decode()}},
        packed(b"no json"),
        packed([1]),
        packed(b"\x1f\x8b broken", compress=False),
        packed(gzip.compress(b"{}" * 999)[:-20], compress=False),
    ],
)
def test_damaged_records(damaged: Json) -> None:
    with pytest.raises(RecordError) as caught:
        decode_record(damaged)
    assert caught.value.code == "helm_record_unreadable"


def test_a_gzip_bomb_stays_small() -> None:
    with pytest.raises(RecordError):
        decode_record(packed(b" " * (MAX_RECORD_BYTES + 1)))


def test_unlocking_names_the_pending_record_and_its_version() -> None:
    ref, uid, version = unlock_ref(meta(revision=2, status="pending-install"))
    assert ref == ObjectRef("v1", "Secret", "ns", "sh.helm.release.v1.web.v2")
    assert (uid, version) == ("uid-web-2", "7")


@pytest.mark.parametrize("status", ["deployed", "failed", "uninstalling", "superseded"])
def test_only_pending_records_are_unlocked(status: str) -> None:
    with pytest.raises(RecordError):
        unlock_ref(meta(status=status))


def test_forgetting_takes_every_record_of_one_release_newest_first() -> None:
    records = [meta(revision=n) for n in (1, 3, 2)] + [meta(name="api"), meta(namespace="two")]
    refs = forget_refs(records, namespace="ns", name="web")
    assert [ref.name[-2:] for ref, _ in refs] == ["v3", "v2", "v1"]
    assert [uid for _, uid in refs] == ["uid-web-3", "uid-web-2", "uid-web-1"]
