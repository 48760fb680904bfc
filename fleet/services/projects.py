"""Projects: save, pause and delete."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db import transaction
from django.utils import timezone

from fleet.errors import ProjectInvalidError, ProjectStateError
from fleet.models import Project
from fleet.projects import copies as project_copies
from fleet.projects import taking_over
from fleet.projects.bounds import rules_of
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
        _refuse_deleted(row)
        fresh, before = row._state.adding, rules_of(row)
        reached = taking_over.reached(row)
        if not _assign(row, wish):
            return Applied(row, Result.UNCHANGED)
        taking_over.check(row, reached)
        _save(row)
        project_copies.place(row, verb="apply")
        if not fresh and rules_of(row) != before:
            for kind in project_kinds():
                kind.changed(row)
    return Applied(row, Result.CREATED if fresh else Result.CONFIGURED)


def project_suspend(*, actor: Any, project: Project, suspended: bool) -> Project:
    """Pause or resume: nothing of it is changed in the clusters while paused."""
    access.require(actor, "projects.edit", project)
    with transaction.atomic():
        row = Project.objects.select_for_update().get(pk=project.pk)
        _refuse_deleted(row)
        if row.suspended != suspended:
            row.suspended = suspended
            _save(row)
            project_copies.suspend(row)
    return row


def project_delete(*, actor: Any, row: Project, delete_namespaces: Collection[str] = ()) -> None:
    """Delete a project; refuses while something is in it.

    Its namespaces stay, without our marks and quotas; those in `delete_namespaces` are deleted
    with everything in them, on every cluster. Raises ProjectStateError, ProjectInvalidError.
    """
    access.require(actor, "projects.delete", row)
    with transaction.atomic():
        project = Project.objects.select_for_update().get(pk=row.pk)
        _check_empty(project)
        _check_deletable(project, delete_namespaces)
        project.deletion_requested_at = project.deletion_requested_at or timezone.now()
        project.suspended = False
        _save(project)
        project_copies.delete(project, delete_namespaces=delete_namespaces)
        row.deletion_requested_at = project.deletion_requested_at


def _check_empty(project: Project) -> None:
    members = [member.reference for member in members_of(project)]
    if members:
        raise ProjectStateError(
            "project_in_use",
            f"“{project.name}” still has {len(members)} objects: {', '.join(members[:5])}.",
            hint="Delete them, or take them out of the project, first.",
            members=members,
        )


def _check_deletable(project: Project, names: Collection[str]) -> None:
    """A namespace is deleted where it is the project's and the portal made it."""
    claims = list(project.claims.filter(name__in=names).select_related("cluster"))
    if unknown := sorted(set(names) - {claim.name for claim in claims}):
        raise ProjectInvalidError(
            "namespace_unknown",
            f"“{unknown[0][:80]}” is no namespace of the project.",
            field="deleteNamespaces",
        )
    for claim in claims:
        if not claim.made:
            raise ProjectStateError(
                "namespace_adopted",
                f"“{claim.name}” on “{claim.cluster.name}” was not made by the project.",
                field="deleteNamespaces",
                hint="Delete it in the cluster, if that is what you want.",
            )


def _refuse_deleted(row: Project) -> None:
    if row.deletion_requested_at:
        raise ProjectStateError("being_deleted", f"“{row.name}” is being deleted.")


def _save(row: Project) -> None:
    row.generation += 1
    row.full_clean()
    row.save()
    project_copies.wake_project(row.pk)


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
