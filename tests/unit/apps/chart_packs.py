"""Chart archives for tests: good ones, and ones that tar programs would not write."""

from __future__ import annotations

import gzip
import io
import tarfile

CHART_YAML = "apiVersion: v2\nname: demo\nversion: 1.2.3\n"


def member(
    name: str, data: bytes | str = b"", kind: bytes = b"0", link: str = ""
) -> tarfile.TarInfo:
    """A header with its content attached as `payload`."""
    raw = data.encode() if isinstance(data, str) else data
    info = tarfile.TarInfo(name)
    info.type, info.size, info.linkname = kind, len(raw), link
    info.pax_headers = {"payload": raw}  # type: ignore[dict-item]
    return info


def tar(*members: tarfile.TarInfo, form: int = tarfile.GNU_FORMAT) -> bytes:
    """An uncompressed archive."""
    out = io.BytesIO()
    for info in members:
        raw: bytes = info.pax_headers.pop("payload", b"")  # type: ignore[assignment]
        out.write(info.tobuf(form))
        out.write(raw + b"\0" * (-len(raw) % 512))
    return out.getvalue() + b"\0" * 1024


def tgz(*members: tarfile.TarInfo) -> bytes:
    """A gzip-compressed archive."""
    return gzip.compress(tar(*members), 1, mtime=0)


def pack(files: dict[str, str], *, chart_yaml: str = CHART_YAML, top: str = "demo") -> bytes:
    """A chart archive with Chart.yaml and the given files below its folder."""
    every = {"Chart.yaml": chart_yaml, **files}
    return tgz(*(member(f"{top}/{name}", text) for name, text in every.items()))
