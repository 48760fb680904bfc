"""Chart archives for tests: good ones, and ones that tar programs would not write."""

from __future__ import annotations

import gzip
import io
import tarfile
from dataclasses import dataclass

CHART_YAML = "apiVersion: v2\nname: demo\nversion: 1.2.3\n"


@dataclass(frozen=True, slots=True)
class Member:
    """A header and the content behind it."""

    info: tarfile.TarInfo
    payload: bytes


def member(name: str, data: bytes | str = b"", kind: bytes = b"0", link: str = "") -> Member:
    """A member of any kind, with a name that tar programs may refuse."""
    raw = data.encode() if isinstance(data, str) else data
    info = tarfile.TarInfo(name)
    info.type, info.size, info.linkname = kind, len(raw), link
    return Member(info, raw)


def tar(*members: Member) -> bytes:
    """An uncompressed archive."""
    out = io.BytesIO()
    for each in members:
        out.write(each.info.tobuf(tarfile.GNU_FORMAT))
        out.write(each.payload + b"\0" * (-len(each.payload) % 512))
    return out.getvalue() + b"\0" * 1024


def tgz(*members: Member) -> bytes:
    """A gzip-compressed archive."""
    return gzip.compress(tar(*members), 1, mtime=0)


def pack(files: dict[str, str], *, chart_yaml: str = CHART_YAML, top: str = "demo") -> bytes:
    """A chart archive with Chart.yaml and the given files below its folder."""
    every = {"Chart.yaml": chart_yaml, **files}
    return tgz(*(member(f"{top}/{name}", text) for name, text in every.items()))
