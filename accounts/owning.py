"""Which project owns something of this app: projects are a kind of a higher app, known by their anchor."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from accounts.models import ServiceAccount
from kubecarrier.lib import access, anchors, projects, whereabouts
from kubecarrier.lib.catalogue import PROJECT
from kubecarrier.lib.errors import InvalidError
from kubecarrier.lib.projects import Member, ProjectKind
from kubecarrier.lib.whereabouts import Place


def register() -> None:
    """Called once at start."""
    whereabouts.register(ServiceAccount, place_of)
    projects.register(ProjectKind("ServiceAccount", members, lambda project: None))


def project_named(name: str, *, actor: Any, field: str) -> Any:
    """The project, locked against its deletion; raises InvalidError where `actor` sees none of that name."""
    rows = _projects()
    found = None if rows is None else rows.select_for_update().filter(name=name).first()
    gone = found is None or found.deletion_requested_at is not None
    if gone or not access.may(actor, "projects.view", found):
        raise InvalidError("project_not_found", f"There is no project “{name[:80]}”.", field=field)
    return found


def place_of(row: ServiceAccount) -> Place:
    """The project that owns it."""
    rows = _projects() if row.project_uid else None
    return whereabouts.at(project=None if rows is None else rows.filter(pk=row.project_uid).first())


def members(project: Any) -> list[Member]:
    """The service accounts that a project owns: it is not deleted while it has any."""
    rows = ServiceAccount.objects.filter(project_uid=project.pk).order_by("name")
    return [Member("ServiceAccount", name) for name in rows.values_list("name", flat=True)]


def known(keys: Iterable[Any]) -> set[Any]:
    """Those of the keys that are projects."""
    rows = _projects()
    return (
        set() if rows is None else set(rows.filter(pk__in=list(keys)).values_list("pk", flat=True))
    )


def _projects() -> Any:
    """All rows of projects; None in a portal without any app that has them."""
    anchor = next((one for one in anchors.registered() if one.name == PROJECT), None)
    return anchor and anchor.model._default_manager.all()
