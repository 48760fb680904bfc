"""Projects: save and delete."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from fleet.errors import ProjectStateError
from fleet.models import Project
from fleet.projects import rules_of
from kubecarrier.lib import access
from kubecarrier.lib.manifests import Applied, Result, Wish
from kubecarrier.lib.placement import parse_selector
from kubecarrier.lib.projects import members_of, project_kinds


def project_apply(*, actor: Any, wish: Wish) -> Applied:
    """Create or update a project; what is placed in it must fit into it afterwards.

    Raises InvalidError, ProjectDeniedError, ProjectStateError.
    """
    _check_selectors(wish.spec)
    with transaction.atomic():
        row = Project.objects.select_for_update().filter(name=wish.name).first()
        if row is None:
            access.require(actor, "projects.create")
            row = Project(name=wish.name, generation=0)
        else:
            access.require(actor, "projects.edit", row)
            wish.check(row)
        if row.deletion_requested_at:
            raise ProjectStateError("being_deleted", f"“{row.name}” is being deleted.")
        fresh, before = row._state.adding, rules_of(row)
        if not _assign(row, wish):
            return Applied(row, Result.UNCHANGED)
        row.generation += 1
        row.full_clean()
        row.save()
        if not fresh and rules_of(row) != before:
            for kind in project_kinds():
                kind.changed(row)
    return Applied(row, Result.CREATED if fresh else Result.CONFIGURED)


def project_delete(*, actor: Any, row: Project) -> None:
    """Delete a project; refuses while something is in it."""
    access.require(actor, "projects.delete", row)
    with transaction.atomic():
        project = Project.objects.select_for_update().get(pk=row.pk)
        if members := members_of(project):
            listed = [member.reference for member in members]
            raise ProjectStateError(
                "project_in_use",
                f"“{project.name}” still has {len(listed)} objects: {', '.join(listed[:5])}.",
                hint="Delete them, or take them out of the project, first.",
                members=listed,
            )
        project.delete()


def _assign(row: Project, wish: Wish) -> bool:
    """Put the spec on the row; whether anything really changed."""
    changed = row._state.adding or row.labels != wish.labels
    row.labels = wish.labels
    for column, value in wish.spec.items():
        changed |= getattr(row, column) != value
        setattr(row, column, value)
    return changed


def _check_selectors(spec: dict[str, Any]) -> None:
    for text, where in (
        (spec.get("placement", {}).get("selector", ""), "spec.placement.selector"),
        (spec.get("allow", {}).get("clusters", ""), "spec.allow.clusters"),
    ):
        parse_selector("" if text == "*" else text, where=where)
