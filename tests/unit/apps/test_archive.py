"""Chart archives: what is read from a good one, and every way in which one is bad."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps import archive
from apps.archive import Limits
from apps.archive_reading import ArchiveCode, ArchiveError
from apps.chart_metadata import ChartType, Dependency, Maintainer, MetadataCode
from tests.unit.apps.chart_packs import CHART_YAML, Member, member, pack, tar, tgz

FULL = """
apiVersion: v2
name: demo
version: 1.2.3-rc.1+b
appVersion: 16.0
description: "A demo\\e[31m\\nchart"
type: application
kubeVersion: ">=1.25.0-0"
deprecated: true
icon: https://example.test/icon.png
home: https://example.test
sources: [https://example.test/src, "javascript:alert(1)"]
keywords: [db, sql]
maintainers:
- {name: Ann, email: ann@example.test, url: "https://example.test/ann"}
- {name: Bob, url: "file:///etc"}
dependencies:
- {name: common, version: 2.x.x, repository: "oci://registry.test/charts", alias: c}
annotations: {category: Database, images: "- a\\n- b\\n"}
"""
CRD = """# comment
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  annotations:
    name: not.this.one
  name: things.example.test
spec: {}
---
kind: ConfigMap
metadata:
  name: not-a-crd
---
kind: "CustomResourceDefinition"
metadata:
  name: 'others.example.test'
"""


def test_a_whole_chart() -> None:
    data = pack(
        {
            "values.yaml": "# kept\nreplicas: 1\nport: {8080: x}\nb: &b {x: 1}\nc: *b\n",
            "values.schema.json": '{"type": "object"}',
            "README.md": "# Demo",
            "templates/a.yaml": "{{ broken",
            "crds/a.yaml": CRD,
            "charts/common/Chart.yaml": "name: common",
            "charts/common/crds/b.yaml": CRD.replace("things", "more"),
        },
        chart_yaml=FULL,
    )
    chart = archive.read(data)
    assert (chart.name, chart.version, chart.app_version) == ("demo", "1.2.3-rc.1+b", "16.0")
    assert chart.description == "A demo[31m chart"
    assert (chart.type, chart.deprecated) == (ChartType.APPLICATION, True)
    assert chart.kube_version == ">=1.25.0-0"
    assert chart.icon == "https://example.test/icon.png"
    assert chart.home == "https://example.test"
    assert chart.sources == ("https://example.test/src",)
    assert chart.keywords == ("db", "sql")
    ann = Maintainer("Ann", "ann@example.test", "https://example.test/ann")
    assert chart.maintainers == (ann, Maintainer("Bob"))
    common = Dependency("common", "2.x.x", "oci://registry.test/charts", "", "c")
    assert chart.dependencies == (common,)
    assert chart.annotations == {"category": "Database", "images": "- a\n- b"}
    assert chart.readme == "# Demo"
    assert chart.values_text.startswith("# kept\n")
    assert chart.values == {"replicas": 1, "port": {"8080": "x"}, "b": {"x": 1}, "c": {"x": 1}}
    assert chart.schema == {"type": "object"}
    assert chart.crds[:2] == ("things.example.test", "others.example.test")
    assert chart.crds[2] == "more.example.test"
    assert chart.digest == hashlib.sha256(data).hexdigest()


def test_the_smallest_chart() -> None:
    chart = archive.read(pack({}))
    assert (chart.values, chart.schema, chart.readme, chart.crds) == ({}, None, "", ())
    assert chart.annotations == {}


def test_a_library_chart_is_told() -> None:
    assert archive.read(pack({}, chart_yaml=CHART_YAML + "type: library\n")).type == "library"


def test_old_dependencies() -> None:
    data = pack({"requirements.yaml": "dependencies:\n- name: redis\n  version: ~1\n"})
    assert archive.read(data).dependencies == (Dependency("redis", "~1"),)


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_what_tar_programs_write(form: int) -> None:
    """Long names in each format, folders, and a leading `./`."""
    out = io.BytesIO()
    long = "templates/" + "/".join(["part" * 10] * (3 if form == tarfile.USTAR_FORMAT else 8))
    with tarfile.open(fileobj=out, mode="w:gz", format=form) as writer:
        folder = tarfile.TarInfo("./demo")
        folder.type = tarfile.DIRTYPE
        writer.addfile(folder)
        for name, text in ((long, "x"), ("Chart.yaml", CHART_YAML), ("README.md", "é")):
            info = tarfile.TarInfo(f"./demo/{name}")
            info.size = len(text.encode())
            writer.addfile(info, io.BytesIO(text.encode()))
    assert archive.read(out.getvalue()).readme == "é"


def test_several_gzip_streams_and_no_end_marker() -> None:
    plain = tar(member("demo/Chart.yaml", CHART_YAML), member("demo/README.md", "x"))[:-1024]
    data = gzip.compress(plain[:700]) + gzip.compress(plain[700:])
    assert archive.read(data).readme == "x"


def _zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as writer:
        writer.writestr("demo/Chart.yaml", CHART_YAML)
    return out.getvalue()


def _tiny_files() -> bytes:
    block = member("demo/00000", b"").info.tobuf(tarfile.GNU_FORMAT)
    start, rest = block[:5], block[10:]
    return gzip.compress(b"".join(_renumbered(start, rest, n) for n in range(20_000)), 1)


def _renumbered(start: bytes, rest: bytes, number: int) -> bytes:
    """A header for another name with as many digits; its checksum grows by their sum."""
    digits = b"%05d" % number
    total = sum(start + digits) + sum(rest[:138]) + sum(rest[146:]) + 8 * 32
    return start + digits + rest[:138] + b"%06o\0 " % total + rest[146:]


def _damaged(position: int) -> bytes:
    data = bytearray(pack({"README.md": "x" * 5000}))
    data[position] ^= 0xFF
    return bytes(data)


def _header(**changes: bytes) -> bytes:
    """A member whose header has raw fields changed, with its checksum right."""
    places = {"name": (0, 100), "size": (124, 12), "kind": (156, 1)}
    block = bytearray(member("demo/x", b"").info.tobuf(tarfile.GNU_FORMAT))
    for key, value in changes.items():
        start, width = places[key]
        block[start : start + width] = value.ljust(width, b"\0")
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return gzip.compress(bytes(block) + b"\0" * 1024)


def _pax(record: bytes, kind: bytes = b"x") -> bytes:
    return tgz(member("pax", record, kind), member("demo/a"), member("demo/Chart.yaml", CHART_YAML))


C = ArchiveCode
M = MetadataCode
BAD: list[tuple[str, str, Callable[[], bytes]]] = [
    ("../ member", C.PATH, lambda: tgz(member("demo/../../etc/x"))),
    ("../ first", C.PATH, lambda: tgz(member("../demo/x"))),
    ("only ..", C.PATH, lambda: tgz(member(".."))),
    ("absolute member", C.PATH, lambda: tgz(member("/demo/x"))),
    ("empty part", C.PATH, lambda: tgz(member("demo//x"))),
    ("dot part", C.PATH, lambda: tgz(member("demo/./x"))),
    ("backslash", C.PATH, lambda: tgz(member("demo\\..\\x"))),
    ("drive letter", C.PATH, lambda: tgz(member("c:/x"))),
    ("newline in a name", C.PATH, lambda: tgz(member("demo/a\nb"))),
    ("escape in a name", C.PATH, lambda: tgz(member("demo/\x1b[31m"))),
    ("right-to-left override", C.PATH, lambda: tgz(member("demo/\u202ea"))),
    ("not UTF-8", C.PATH, lambda: _header(name=b"demo/\xff")),
    ("two folders", C.PATH, lambda: tgz(member("demo/a"), member("other/b"))),
    ("symbolic link", C.TYPE, lambda: tgz(member("demo/x", b"", b"2", "/etc/passwd"))),
    ("hard link", C.TYPE, lambda: tgz(member("demo/x", b"", b"1", "demo/y"))),
    ("character device", C.TYPE, lambda: tgz(member("demo/x", b"", b"3"))),
    ("block device", C.TYPE, lambda: tgz(member("demo/x", b"", b"4"))),
    ("fifo", C.TYPE, lambda: tgz(member("demo/x", b"", b"6"))),
    ("sparse file", C.TYPE, lambda: tgz(member("demo/x", b"", b"S"))),
    ("long link", C.TYPE, lambda: tgz(member("x", b"y", b"K"))),
    ("link by extension", C.TYPE, lambda: _pax(b"17 linkpath=/etc\n")),
    ("size by extension", C.TYPE, lambda: _pax(b"9 size=1\n")),
    ("sparse by extension", C.TYPE, lambda: _pax(b"22 GNU.sparse.major=1\n")),
    ("path by extension", C.PATH, lambda: _pax(b"13 path=/etc\n")),
    ("path by global extension", C.PATH, lambda: _pax(b"15 path=demo/y\n", b"g")),
    ("broken extension", C.CORRUPT, lambda: _pax(b"99 path=a\n")),
    ("endless extension", C.CORRUPT, lambda: _pax(b"0 path=a\n")),
    ("huge extension", C.CORRUPT, lambda: _pax(b"x" * 100_000)),
    ("folder with content", C.CORRUPT, lambda: tgz(member("demo/x/", b"y", b"5"))),
    ("gzip bomb", C.BOMB, lambda: gzip.compress(tar(member("demo/x", bytes(120 * 2**20))), 9)),
    ("bomb behind the end", C.BOMB, lambda: gzip.compress(tar(_chart()) + bytes(101 * 2**20), 9)),
    ("tiny files", C.TOO_MANY_MEMBERS, _tiny_files),
    ("too large", C.TOO_LARGE, lambda: b"\x1f\x8b" + bytes(20 * 2**20)),
    ("truncated gzip", C.TRUNCATED, lambda: pack({"README.md": "x" * 5000})[:-20]),
    ("truncated trailer", C.TRUNCATED, lambda: pack({})[:-1]),
    ("truncated tar", C.TRUNCATED, lambda: gzip.compress(tar(member("demo/x", b"y" * 900))[:700])),
    ("truncated header", C.TRUNCATED, lambda: gzip.compress(tar(_chart())[:100])),
    ("only a gzip header", C.TRUNCATED, lambda: b"\x1f\x8b\x08\0\0\0\0\0\0\0"),
    ("zip called tgz", C.NOT_GZIP, _zip),
    ("tar without gzip", C.NOT_GZIP, lambda: tar(_chart())),
    ("empty", C.NOT_GZIP, lambda: b""),
    ("html", C.NOT_GZIP, lambda: b"<html>"),
    ("damaged data", C.CORRUPT, lambda: _damaged(-6)),
    ("damaged header", C.CORRUPT, lambda: gzip.compress(b"x" * 512 + tar(_chart()))),
    ("size not octal", C.CORRUPT, lambda: _header(size=b"9")),
    ("negative size", C.CORRUPT, lambda: _header(size=b"\xff" * 12)),
    ("size beyond the end", C.TRUNCATED, lambda: _header(size=b"77777777777")),
    ("thousands of streams", C.CORRUPT, lambda: gzip.compress(b"") * 2000),
    ("no Chart.yaml", C.NO_CHART_YAML, lambda: tgz(member("demo/values.yaml", "a: 1"))),
    ("Chart.yaml at the top", C.NO_CHART_YAML, lambda: tgz(member("Chart.yaml", CHART_YAML))),
    ("Chart.yaml is a folder", C.NO_CHART_YAML, lambda: tgz(member("demo/Chart.yaml/", b"", b"5"))),
    ("no members", C.NO_CHART_YAML, lambda: gzip.compress(b"\0" * 1024)),
    ("two Chart.yaml", C.TWO_CHART_YAML, lambda: _twice("Chart.yaml")),
    ("two charts", C.TWO_CHART_YAML, lambda: tgz(_chart("one"), _chart("two"))),
    ("duplicate member", C.DUPLICATE, lambda: _twice("values.yaml")),
    ("large values", C.MEMBER_TOO_LARGE, lambda: pack({"values.yaml": "a: " + "x" * 2**20})),
    ("large Chart.yaml", C.MEMBER_TOO_LARGE, lambda: pack({}, chart_yaml="#" * (2**20 + 1))),
    ("Chart.yaml no mapping", M.INVALID, lambda: pack({}, chart_yaml="- a")),
    ("Chart.yaml broken", M.INVALID, lambda: pack({}, chart_yaml="a: [")),
    ("Chart.yaml empty", M.INVALID, lambda: pack({}, chart_yaml="")),
    ("no name", M.NAME, lambda: pack({}, chart_yaml="version: 1.0.0")),
    ("name with slash", M.NAME, lambda: _named("a/b")),
    ("name with newline", M.NAME, lambda: _named("a\\nb")),
    ("name with escape", M.NAME, lambda: _named("a\\e[31m")),
    ("name dots", M.NAME, lambda: _named("..")),
    ("name starts with a dash", M.NAME, lambda: _named("-x")),
    ("name too long", M.NAME, lambda: _named("a" * 300)),
    ("name null", M.NAME, lambda: pack({}, chart_yaml="name: null\nversion: 1.0.0")),
    ("bad version", M.VERSION, lambda: pack({}, chart_yaml="name: a\nversion: one")),
    ("version is a number", M.VERSION, lambda: pack({}, chart_yaml="name: a\nversion: 1.0")),
    ("no version", M.VERSION, lambda: pack({}, chart_yaml="name: a")),
    ("bad type", M.TYPE, lambda: pack({}, chart_yaml=CHART_YAML + "type: plugin")),
    ("values no mapping", C.VALUES, lambda: pack({"values.yaml": "- a"})),
    ("values broken", C.VALUES, lambda: pack({"values.yaml": "a: ["})),
    ("values not text", C.VALUES, lambda: tgz(_chart(), member("demo/values.yaml", b"\xff"))),
    ("values alias bomb", C.VALUES, lambda: pack({"values.yaml": _bomb()})),
    ("schema no JSON", C.SCHEMA, lambda: pack({"values.schema.json": "{"})),
    ("schema no object", C.SCHEMA, lambda: pack({"values.schema.json": "[]"})),
    ("schema too deep", C.SCHEMA, lambda: pack({"values.schema.json": "[" * 200_000})),
]  # fmt: skip


def _chart(top: str = "demo") -> Member:
    return member(f"{top}/Chart.yaml", CHART_YAML)


def _twice(name: str) -> bytes:
    return tgz(member(f"demo/{name}", CHART_YAML), member(f"demo/{name}", CHART_YAML))


def _named(name: str) -> bytes:
    return pack({}, chart_yaml=f'name: "{name}"\nversion: 1.0.0\n')


def _bomb() -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    return "\n".join(lines)


@pytest.mark.parametrize(("code", "make"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_bad_archive(code: str, make: Callable[[], bytes]) -> None:
    data = make()
    with pytest.raises(ArchiveError) as caught:
        archive.read(data)
    assert caught.value.code == code
    assert caught.value.message.isprintable()


def test_a_bomb_needs_no_memory() -> None:
    data = gzip.compress(tar(_chart(), member("demo/templates/x", bytes(90 * 2**20))), 9)
    tracemalloc.start()
    archive.read(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5 * 2**20


def test_limits_are_the_callers() -> None:
    with pytest.raises(ArchiveError):
        archive.read(pack({}), Limits(compressed=10))


@given(st.binary(max_size=2000))
def test_any_bytes_are_refused(data: bytes) -> None:
    for each in (data, gzip.compress(data, 1)):
        with pytest.raises(ArchiveError):
            archive.read(each)


GOOD = tar(_chart(), member("demo/values.yaml", "a: 1\n"), member("pax", b"13 path=demo\n", b"x"))


@given(st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), max_size=8))
def test_a_changed_archive_is_read_or_refused(changes: list[tuple[int, int]]) -> None:
    raw = bytearray(GOOD)
    for position, value in changes:
        raw[position] = value
    try:
        archive.read(gzip.compress(bytes(raw), 1))
    except ArchiveError as exc:
        assert exc.code in {*ArchiveCode, *MetadataCode}


@given(st.text(max_size=200))
def test_any_chart_yaml_is_read_or_refused(text: str) -> None:
    try:
        found = archive.read(pack({}, chart_yaml=text.encode("utf-8", "replace").decode()))
    except ArchiveError as exc:
        assert exc.code in {*ArchiveCode, *MetadataCode}
    else:
        assert found.name
