"""Repository indexes: what is kept, what is skipped with a reason, what is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps import index
from apps.chart_metadata import Maintainer
from apps.index import ChartIndexError, Index, IndexCode

BASE = "https://charts.test/stable"
GOOD = {"name": "demo", "version": "1.0.0", "urls": ["demo-1.0.0.tgz"], "digest": "a" * 64}


def parse(*rows: object, chart: str = "demo", base: str = BASE) -> Index:
    return index.parse(json.dumps({"entries": {chart: list(rows)}}).encode(), base)


YAML = b"""
apiVersion: v1
generated: "2024-05-01T10:11:12.123456789Z"
entries:
  demo:
  - name: demo
    version: 1.2.3
    appVersion: "16"
    description: A demo
    created: 2024-05-01T10:11:12.123456789+02:00
    digest: sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
    icon: data:image/png;base64,AAAA
    home: https://demo.test
    keywords: [db]
    kubeVersion: ">=1.25"
    maintainers: [{name: Ann}]
    deprecated: true
    type: library
    annotations: {category: db}
    dependencies: [{name: common, version: 2.x}]
    urls: [charts/demo-1.2.3.tgz, "https://mirror.test/demo-1.2.3.tgz"]
"""


def test_a_whole_entry() -> None:
    found = index.parse(YAML, BASE)
    assert (found.skipped, found.skipped_count) == ((), 0)
    (entry,) = found.entries
    assert (entry.name, entry.version, entry.app_version) == ("demo", "1.2.3", "16")
    assert entry.urls == (
        "https://charts.test/stable/charts/demo-1.2.3.tgz",
        "https://mirror.test/demo-1.2.3.tgz",
    )
    assert entry.foreign_host is True
    assert entry.digest == "a" * 64
    assert entry.created == datetime(2024, 5, 1, 8, 11, 12, 123456, UTC)
    assert entry.icon == "data:image/png;base64,AAAA"
    assert (entry.home, entry.keywords, entry.kube_version) == (
        "https://demo.test",
        ("db",),
        ">=1.25",
    )
    assert entry.maintainers == (Maintainer("Ann"),)
    assert (entry.type, entry.deprecated, entry.annotations) == (
        "library",
        True,
        {"category": "db"},
    )
    assert entry.dependencies[0].name == "common"


REFUSED: list[tuple[str, str, bytes]] = [
    ("html with 200", IndexCode.HTML, b"\n <!DOCTYPE html><html></html>"),
    ("missing entries", IndexCode.NO_ENTRIES, b"apiVersion: v1\n"),
    ("null entries", IndexCode.NO_ENTRIES, b"entries: null\n"),
    ("list of entries", IndexCode.NO_ENTRIES, b"entries: []\n"),
    ("empty", IndexCode.INVALID, b""),
    ("null", IndexCode.INVALID, b"null"),
    ("text", IndexCode.INVALID, b"not found"),
    ("list", IndexCode.INVALID, b"- a"),
    ("broken", IndexCode.INVALID, b"entries: {"),
    ("binary", IndexCode.INVALID, b"\x1f\x8b\x08\x00"),
    ("duplicate charts", IndexCode.INVALID, b"entries:\n  a: []\n  a: []\n"),
    ("alias bomb", IndexCode.INVALID, b"entries: &a [*a]"),
    ("too deep", IndexCode.INVALID, b"entries: " + b"[" * 100_000),
    ("deep json", IndexCode.INVALID, b'{"entries":' * 100_000),
]


@pytest.mark.parametrize(
    ("code", "data"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_refused(code: str, data: bytes) -> None:
    with pytest.raises(ChartIndexError) as caught:
        index.parse(data, BASE)
    assert caught.value.code == code


def test_too_large() -> None:
    with pytest.raises(ChartIndexError) as caught:
        index.parse(b"entries: {}" + b" " * 100, BASE, max_bytes=100)
    assert caught.value.code == IndexCode.TOO_LARGE
    assert index.MAX_BYTES == 50 * 2**20


BAD_ENTRIES: list[tuple[str, object]] = [
    ("null entry", None),
    ("text entry", "demo"),
    ("null name", {**GOOD, "name": None}),
    ("name of another chart", {**GOOD, "name": "other"}),
    ("null version", {**GOOD, "version": None}),
    ("bad version", {**GOOD, "version": "latest"}),
    ("null urls", {**GOOD, "urls": None}),
    ("no urls", {**GOOD, "urls": []}),
    ("null url", {**GOOD, "urls": [None]}),
    ("javascript url", {**GOOD, "urls": ["javascript:alert(1)"]}),
    ("file url", {**GOOD, "urls": ["file:///etc/passwd"]}),
    ("url with a newline", {**GOOD, "urls": ["a\nb.tgz"]}),
    ("url with a bad port", {**GOOD, "urls": ["https://x.test:99999/a.tgz"]}),
    ("credentials in the URL", {**GOOD, "urls": ["https://u:p@charts.test/a.tgz"]}),
    ("user in the URL", {**GOOD, "urls": ["//u@charts.test/a.tgz"]}),
    ("wrong digest", {**GOOD, "digest": "md5:abc"}),
    ("digest is a number", {**GOOD, "digest": 5}),
    ("bad type", {**GOOD, "type": "plugin"}),
    ("removed", {**GOOD, "removed": True}),
]


@pytest.mark.parametrize(
    "row", [row[1] for row in BAD_ENTRIES], ids=[row[0] for row in BAD_ENTRIES]
)
def test_one_bad_entry_hides_no_good_one(row: object) -> None:
    found = parse(row, GOOD)
    assert [entry.version for entry in found.entries] == ["1.0.0"]
    assert found.skipped_count == 1
    assert (found.skipped[0].chart, found.skipped[0].position) == ("demo", 0)
    assert found.skipped[0].reason


def test_a_chart_without_a_list() -> None:
    found = index.parse(b"entries: {a: null, b: 5}", BASE)
    assert (found.entries, found.skipped_count) == ((), 2)


def test_reasons_are_bounded() -> None:
    found = parse(*[None] * 500)
    assert (len(found.skipped), found.skipped_count) == (100, 500)


@pytest.mark.parametrize(
    ("url", "absolute", "foreign"),
    [
        ("demo.tgz", "https://charts.test/stable/demo.tgz", False),
        ("/demo.tgz", "https://charts.test/demo.tgz", False),
        ("../demo.tgz", "https://charts.test/demo.tgz", False),
        ("https://charts.test/x.tgz", "https://charts.test/x.tgz", False),
        ("https://charts.test:443/x.tgz", "https://charts.test:443/x.tgz", False),
        ("https://CHARTS.test/x.tgz", "https://CHARTS.test/x.tgz", False),
        ("https://charts.test:8443/x.tgz", "https://charts.test:8443/x.tgz", True),
        ("http://charts.test/x.tgz", "http://charts.test/x.tgz", True),
        ("https://other.test/x.tgz", "https://other.test/x.tgz", True),
        ("//other.test/x.tgz", "https://other.test/x.tgz", True),
        ("oci://registry.test/charts/x:1", "oci://registry.test/charts/x:1", True),
        ("http://169.254.169.254/x.tgz", "http://169.254.169.254/x.tgz", True),
    ],
)
def test_urls_are_absolute_and_say_if_they_leave(url: str, absolute: str, foreign: bool) -> None:
    (entry,) = parse({**GOOD, "urls": [url]}).entries
    assert (entry.urls, entry.foreign_host) == ((absolute,), foreign)


@pytest.mark.parametrize(
    ("icon", "kept"),
    [
        ("https://x.test/i.png", True),
        ("data:image/png;base64,AAAA", True),
        ("javascript:alert(1)", False),
        ("data:text/html;base64,AAAA", False),
        ("data:image/png;base64,AAAA\" onload=x", False),
        ("https://u:p@x.test/i.png", False),
        ("file:///etc/passwd", False),
        ("//x.test/i.png", False),
        ("x" * 100_000, False),
        (None, False),
        (5, False),
    ],
)  # fmt: skip
def test_icon(icon: object, kept: bool) -> None:
    (entry,) = parse({**GOOD, "icon": icon}).entries
    assert entry.icon == (icon if kept else "")


def test_a_missing_digest_is_empty() -> None:
    assert parse({**GOOD, "digest": None}).entries[0].digest == ""


def test_null_and_wrong_fields_become_empty() -> None:
    texts = ("appVersion", "description", "icon", "home", "kubeVersion", "created")
    lists = ("keywords", "maintainers", "dependencies", "sources", "annotations", "deprecated")
    for value in (None, 5, ["x", None], {"a": None}):
        row = dict.fromkeys((*texts, *lists), value)
        (entry,) = parse({**GOOD, **row}).entries
        assert entry.created is None
        assert entry.deprecated is False


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-05-01T10:11:12Z", datetime(2024, 5, 1, 10, 11, 12, tzinfo=UTC)),
        ("2024-05-01T10:11:12.5-01:30", datetime(2024, 5, 1, 11, 41, 12, 500000, UTC)),
        ("2024-05-01 10:11:12", datetime(2024, 5, 1, 10, 11, 12, tzinfo=UTC)),
        ("2016-10-06 16:23:20.499814565 -0600 MDT", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("2024-13-01T00:00:00Z", None),
        ("yesterday", None),
        (5, None),
    ],
)
def test_created(text: object, expected: datetime | None) -> None:
    assert index.created_at(text) == expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*GOOD, "icon", "created", "annotations"]), inner, max_size=5
        )
    ),
    max_leaves=10,
)


@given(st.lists(JSON, max_size=4))
def test_any_entries_are_kept_or_skipped(rows: list[object]) -> None:
    found = parse(*rows)
    assert len(found.entries) + found.skipped_count == len(rows)


@given(st.binary(max_size=100))
def test_any_bytes_are_an_index_or_refused(data: bytes) -> None:
    try:
        index.parse(data, BASE)
    except ChartIndexError as exc:
        assert exc.code in set(IndexCode)
