"""A project's quotas as bars, and its namespaces by cluster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fleet.choices import NamespaceState
from fleet.models import Project, ProjectCopy, ProjectNamespace
from fleet.projects.totals import is_cpu, share
from fleet.quantities import QuantityError, cpu_millicores

_TONES = {
    NamespaceState.READY: ("ok", "check_circle"),
    NamespaceState.CHANGING: ("busy", "progress_activity"),
    NamespaceState.RELEASING: ("busy", "progress_activity"),
    NamespaceState.TERMINATING: ("warn", "hourglass_top"),
    NamespaceState.FOREIGN: ("bad", "error"),
    NamespaceState.BLOCKED: ("bad", "error"),
}
_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Bar:
    """One name of a quota; `percent` is None where what is used is not known."""

    label: str
    used: str | None
    hard: str
    percent: int | None

    @property
    def width(self) -> int:
        return min(100, self.percent or 0)


@dataclass(frozen=True, slots=True)
class Place:
    """One namespace on one cluster."""

    claim: ProjectNamespace
    tone: str
    icon: str
    bars: list[Bar]


def bars_of(quota: dict[str, Any] | None) -> list[Bar]:
    """Each name of a quota with what is used of it, the fullest first."""
    hard, used = (quota or {}).get("hard") or {}, (quota or {}).get("used") or {}
    bars = [
        Bar(
            name, _shown(name, used.get(name)), str(_shown(name, text)), share(used.get(name), text)
        )
        for name, text in hard.items()
    ]
    return sorted(bars, key=lambda bar: (-(bar.percent or 0), bar.label))[:_SHOWN]


def _shown(name: str, text: str | None) -> str | None:
    """Cores as people say them: `199.2`, not `199200m`."""
    if text is None or not is_cpu(name):
        return text
    try:
        return f"{cpu_millicores(text) / 1000:g}"
    except QuantityError:
        return text


def clusters_of(
    project: Project, most: int, *, copy: ProjectCopy | None = None
) -> list[tuple[ProjectCopy, list[Place]]]:
    """The project's copies, each with its namespaces; those that are not ready first."""
    copies = project.copies.select_related("cluster", "project").order_by("ready", "cluster__name")
    chosen = [copy] if copy else list(copies[:most])
    claims = ProjectNamespace.objects.filter(copy__in=chosen).order_by("name")[: most * 5]
    by_copy: dict[Any, list[Place]] = {}
    for claim in claims:
        tone, icon = _TONES.get(NamespaceState(claim.state), ("idle", "help"))
        place = Place(claim, tone, icon, bars_of(claim.quota)[:3])
        by_copy.setdefault(claim.copy_id, []).append(place)
    return [(one, by_copy.get(one.pk, [])) for one in chosen]
