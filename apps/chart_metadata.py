"""What a chart says about itself, read the same way from Chart.yaml, an index and a registry.

The three sources carry the same fields, all written by strangers: text is
freed from control characters, lists and texts are bounded, links are web
links, and whatever has the wrong type becomes empty instead of an error —
except name, version and type, without which there is no chart.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from apps import versions
from kubecarrier.lib.errors import InvalidError

MAX_TEXT: Final = 2000
MAX_ITEMS: Final = 100
MAX_ICON: Final = 64 * 1024
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,249}")
_WEB_LINK: Final = re.compile(r"https?://[^\s@\x00-\x1f\"'<>\\]+", re.IGNORECASE)
_DATA_IMAGE: Final = re.compile(
    r"data:image/(?:png|jpeg|gif|webp|svg\+xml);base64,[A-Za-z0-9+/=]+", re.IGNORECASE
)


class ChartType(StrEnum):
    """A library chart holds templates for other charts and cannot be installed."""

    APPLICATION = "application"
    LIBRARY = "library"


class MetadataCode(StrEnum):
    """Why metadata was refused."""

    INVALID = "chart_yaml_invalid"
    NAME = "chart_name_invalid"
    VERSION = "chart_version_invalid"
    TYPE = "chart_type_invalid"


class MetadataError(InvalidError):
    """Metadata without which there is no chart."""


@dataclass(frozen=True, slots=True)
class Maintainer:
    """A person or team; `url` is empty unless it is a web link."""

    name: str
    email: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Dependency:
    """A chart inside the chart, as declared; `version` is a constraint."""

    name: str
    version: str = ""
    repository: str = ""
    condition: str = ""
    alias: str = ""


@dataclass(frozen=True, slots=True)
class ChartMetadata:
    """The fields of Chart.yaml that the portal shows or decides by."""

    name: str
    version: str
    app_version: str = ""
    description: str = ""
    type: ChartType = ChartType.APPLICATION
    kube_version: str = ""
    deprecated: bool = False
    icon: str = ""
    home: str = ""
    sources: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    maintainers: tuple[Maintainer, ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    annotations: Mapping[str, str] | None = None


def parse_metadata(document: object) -> ChartMetadata:
    """Chart metadata from a parsed document. Raises `MetadataError`."""
    if not isinstance(document, dict):
        raise MetadataError(MetadataCode.INVALID, "Chart metadata must be a mapping.")
    return ChartMetadata(
        name=chart_name(document.get("name")),
        version=chart_version(document.get("version")),
        app_version=clean_text(document.get("appVersion"), 200),
        description=clean_text(document.get("description")),
        type=_chart_type(document.get("type")),
        kube_version=clean_text(document.get("kubeVersion"), 512),
        deprecated=document.get("deprecated") is True,
        icon=icon_link(document.get("icon")),
        home=web_link(document.get("home")),
        sources=_texts(document.get("sources"), web_link),
        keywords=_texts(document.get("keywords"), clean_text),
        maintainers=_maintainers(document.get("maintainers")),
        dependencies=dependencies(document.get("dependencies")),
        annotations=_annotations(document.get("annotations")),
    )


def chart_name(value: object) -> str:
    """A name that is safe in paths, URLs and terminals. Raises `MetadataError`."""
    if isinstance(value, str) and _NAME.fullmatch(value) and ".." not in value:
        return value
    message = "A chart's name is letters, digits, '.', '_' and '-', at most 250 of them."
    raise MetadataError(MetadataCode.NAME, message, field="name")


def chart_version(value: object) -> str:
    """A version that Helm can read. Raises `MetadataError`.

    YAML reads an unquoted `1.0` as a number; Helm refuses it, and so do we.
    """
    try:
        if isinstance(value, str):
            versions.parse_version(value)
            return value
    except versions.VersionError:
        pass
    message = f"{str(value)[:80]!r} is not a semantic version."
    raise MetadataError(MetadataCode.VERSION, message, field="version")


def _chart_type(value: object) -> ChartType:
    if value is None or value == "":
        return ChartType.APPLICATION
    try:
        return ChartType(str(value))
    except ValueError:
        message = "A chart's type is application or library."
        raise MetadataError(MetadataCode.TYPE, message, field="type") from None


def clean_text(value: object, limit: int = MAX_TEXT) -> str:
    """Printable text on one line, cut at `limit`; a number as its digits; else empty.

    Removes control characters and terminal escapes as Helm does.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    text = value if isinstance(value, str) else str(value)
    if text.isprintable():
        return text[:limit]
    spaced = (" " if char.isspace() else char for char in text[: 4 * limit])
    return "".join(char for char in spaced if char.isprintable())[:limit]


def web_link(value: object) -> str:
    """An http(s) link without credentials, else empty."""
    if isinstance(value, str) and len(value) <= MAX_TEXT and _WEB_LINK.fullmatch(value):
        return value
    return ""


def icon_link(value: object) -> str:
    """A web link or an embedded image, else empty."""
    if isinstance(value, str) and len(value) <= MAX_ICON and _DATA_IMAGE.fullmatch(value):
        return value
    return web_link(value)


def _texts(value: object, read: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not callable(read):
        return ()
    return tuple(text for text in (read(item) for item in value[:MAX_ITEMS]) if text)


def _maintainers(value: object) -> tuple[Maintainer, ...]:
    people = value[:MAX_ITEMS] if isinstance(value, list) else []
    return tuple(
        Maintainer(
            name=clean_text(person.get("name"), 200),
            email=clean_text(person.get("email"), 320),
            url=web_link(person.get("url")),
        )
        for person in people
        if isinstance(person, dict)
    )


def dependencies(value: object) -> tuple[Dependency, ...]:
    """Declared dependencies; rows without a name are left out."""
    rows = value[:MAX_ITEMS] if isinstance(value, list) else []
    found = (_dependency(row) for row in rows if isinstance(row, dict))
    return tuple(each for each in found if each.name)


def _dependency(row: dict[str, object]) -> Dependency:
    return Dependency(
        name=clean_text(row.get("name"), 250),
        version=clean_text(row.get("version"), 512),
        repository=clean_text(row.get("repository")),
        condition=clean_text(row.get("condition")),
        alias=clean_text(row.get("alias"), 250),
    )


def _annotations(value: object) -> dict[str, str]:
    """At most 100 annotations; line breaks stay, as some hold YAML (artifact lists)."""
    if not isinstance(value, dict):
        return {}
    pairs = list(value.items())[:MAX_ITEMS]
    return {
        clean_text(key, 317): "\n".join(
            clean_text(line, 8 * MAX_TEXT) for line in text.splitlines()[:1000]
        )[: 8 * MAX_TEXT]
        for key, text in pairs
        if isinstance(text, str)
    }
