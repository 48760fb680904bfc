"""What a project allows, as pure rules: clusters, repositories, namespaces, kinds.

Asked when something is saved in a project, and again of what a chart renders.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from fleet.errors import ProjectDeniedError, ProjectInvalidError
from kubecarrier.lib.placement import Placement, check_labels, parse_selector, resolve

# A member who may write these would lift the limits that the project sets.
DEFAULT_KINDS = ("*", "!ResourceQuota", "!LimitRange")
_SHOWN = 5
_PREFIX = "kubecarrier.io/"
_OURS = frozenset({"app.kubernetes.io/managed-by", "kubernetes.io/metadata.name"})

Labels = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Rules:
    """One project's rules.

    `repositories` and `namespaces` are shell patterns (`*`, `?`). `kinds` are patterns of
    `Kind` or `Kind.group`, the last that matches decides, "!" before it forbids; `cluster_kinds`
    the same for kinds without a namespace. `own` are the project's own namespaces.
    """

    project: str
    placement: Placement
    clusters: str = ""
    repositories: tuple[str, ...] = ("*",)
    namespaces: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    kinds: tuple[str, ...] = DEFAULT_KINDS
    cluster_kinds: tuple[str, ...] = ()

    def within(self, clusters: Labels) -> Labels:
        """Those of `clusters` (name → labels) that its objects may be placed on."""
        allowed = resolve(self.placement, clusters)
        if self.clusters:
            text = "" if self.clusters == "*" else self.clusters
            selector = parse_selector(text, where="spec.allow.clusters")
            allowed |= {name for name, labels in clusters.items() if selector.matches(labels)}
        return {name: clusters[name] for name in clusters if name in allowed}

    def check_clusters(self, named: Iterable[str], clusters: Labels, *, field: str) -> None:
        """Clusters that a placement names; a selector needs no check, it only finds those allowed.

        Raises ProjectDeniedError `project_cluster_denied`.
        """
        allowed = self.within(clusters)
        denied = sorted(name for name in named if name in clusters and name not in allowed)
        if denied:
            raise self._denied(
                "cluster",
                denied,
                field,
                f"It may be placed on: {_some(allowed) or 'no cluster'}.",
            )

    def check_repository(self, name: str, *, field: str) -> None:
        """Raises ProjectDeniedError `project_repository_denied`."""
        if not _matches(name, self.repositories):
            text = f"It allows charts from: {_some(self.repositories) or 'no repository'}."
            raise self._denied("repository", [name], field, text)

    def check_namespaces(self, names: Iterable[str], *, field: str) -> None:
        """Raises ProjectDeniedError `project_destination_denied`."""
        wanted = (*self.own, *self.namespaces)
        if denied := sorted({name for name in names if not _matches(name, wanted)}):
            text = f"Its namespaces are: {_some(wanted) or 'none yet'}."
            raise self._denied("destination", denied, field, text)

    def adds_namespace(self, name: str) -> bool:
        """Whether the rules allow a namespace that is not the project's own."""
        return _matches(name, self.namespaces)

    def check_kind(self, group: str, kind: str, *, namespaced: bool, field: str) -> None:
        """Raises ProjectDeniedError `project_kind_denied`."""
        patterns = self.kinds if namespaced else self.cluster_kinds
        if not kind_allowed(patterns, group, kind):
            where = "" if namespaced else " without a namespace"
            text = f"It allows these kinds{where}: {_some(patterns) or 'none'}."
            raise self._denied("kind", [_named(group, kind)], field, text)

    def _denied(self, what: str, names: list[str], field: str, hint: str) -> ProjectDeniedError:
        return ProjectDeniedError(
            f"project_{what}_denied",
            f"The project “{self.project}” does not allow the {what} {_some(names)}.",
            field=field,
            hint=hint,
            project=self.project,
            denied=names,
        )


def kind_allowed(patterns: Iterable[str], group: str, kind: str) -> bool:
    """The last pattern that matches decides; one without a dot is of any group."""
    allowed = False
    for pattern in patterns:
        wanted = pattern.removeprefix("!")
        name = _named(group, kind) if "." in wanted else kind
        if fnmatchcase(name, wanted):
            allowed = wanted == pattern
    return allowed


def check_namespace_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """Labels for a project's namespaces; raises InvalidError for those that say whose it is."""
    found = check_labels(dict(labels), where="spec.namespaceLabels")
    if kept := next((key for key in found if key in _OURS or key.startswith(_PREFIX)), None):
        raise ProjectInvalidError("labels_reserved", f"“{kept}” is not for people to set.")
    return found


def _named(group: str, kind: str) -> str:
    """kubectl's `Deployment.apps`; a core kind is its bare name."""
    return f"{kind}.{group}" if group else kind


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return ", ".join(listed[:_SHOWN]) + more
