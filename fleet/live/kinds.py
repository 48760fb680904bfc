"""Which kind a person means: by path, by kind, by plural, singular or short name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from fleet.kube import Kube, Resource
from fleet.kube_errors import UnknownKind
from kubecarrier.lib.errors import InvalidError, NotFoundError

ANY = "-"  # in a path: whatever discovery says
CORE = "core"
_VERSION = re.compile(r"v[0-9]+((alpha|beta)[0-9]+)?")
_FRESH_SECONDS = 5.0  # a table read this recently is believed when it does not know a kind


@dataclass(frozen=True, slots=True)
class Named:
    """A kind as somebody named it: `group` None is any group, `version` "" the preferred one."""

    word: str
    group: str | None = None
    version: str = ""

    def __str__(self) -> str:
        return ".".join(part for part in (self.word, self.version, self.group or "") if part)


def named_in_path(group: str, version: str, word: str) -> Named:
    """From the three segments of a path: `core` is the group without a name, `-` is any."""
    found = None if group == ANY else ("" if group == CORE else group)
    chosen = "" if version == ANY else version
    return named(word) if found is None and not chosen else Named(word, found, chosen)


def named(text: str) -> Named:
    """kubectl's spelling: `deploy`, `deployments.apps`, `deployments.v1.apps`."""
    word, _, rest = text.partition(".")
    if not word:
        raise InvalidError("kind_missing", "Name a kind.", field="kind")
    if not rest:
        return Named(word)
    first, _, group = rest.partition(".")
    if _VERSION.fullmatch(first):
        return Named(word, group, first)
    return Named(word, rest)


def find_kind(kube: Kube, wanted: Named) -> Resource:
    """The served kind; raises NotFoundError `kube_unknown_kind` after asking the server anew."""
    found = _match(kube.resources(), wanted)
    if found is None:
        age = kube.discovery.age_seconds()
        if age is None or age > _FRESH_SECONDS:
            kube.discovery.forget()
            found = _match(kube.resources(), wanted)
    if found is None and wanted.group is not None and wanted.version:
        found = _asked(kube, wanted)
    if found is None:
        raise NotFoundError(
            "kube_unknown_kind",
            f"The cluster serves no “{str(wanted)[:100]}”.",
            hint="GET /api/v1/clusters/NAME/resources lists what it serves.",
        )
    return found


def _asked(kube: Kube, wanted: Named) -> Resource | None:
    """By kind, straight from the server: one too old for the aggregated discovery document."""
    try:
        version = f"{wanted.group}/{wanted.version}" if wanted.group else wanted.version
        return kube.resource_for(version, wanted.word)
    except UnknownKind:
        return None


def _match(resources: Iterable[Resource], wanted: Named) -> Resource | None:
    """The first that fits: discovery lists core first, and a group's preferred version first."""
    word = wanted.word.lower()
    fits = [
        one
        for one in resources
        if (wanted.group is None or one.group == wanted.group)
        and (not wanted.version or one.version == wanted.version)
    ]
    for names in (_exact, _short):
        for one in fits:
            if word in names(one):
                return one
    return None


def _exact(one: Resource) -> tuple[str, ...]:
    return (one.plural, one.kind.lower(), one.singular)


def _short(one: Resource) -> tuple[str, ...]:
    return one.short_names


def preferred(resources: Iterable[Resource]) -> list[Resource]:
    """Each kind once, in its group's preferred version, as kubectl api-resources lists them."""
    found: dict[tuple[str, str], Resource] = {}
    for one in resources:
        found.setdefault((one.group, one.plural), one)
    return sorted(found.values(), key=lambda one: (one.group, one.plural))


def versions_of(resources: Iterable[Resource], kind: Resource) -> list[str]:
    """Every served version of a kind, the preferred one first."""
    return [
        one.version for one in resources if (one.group, one.plural) == (kind.group, kind.plural)
    ]
