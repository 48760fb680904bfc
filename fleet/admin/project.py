"""The console's pages of projects, and of what they are on single clusters."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fleet.admin.access_facts import who_can_here
from fleet.admin.project_facts import bars_of, clusters_of
from fleet.forms import ProjectDeleteForm, ProjectForm
from fleet.models import Project, ProjectCopy
from fleet.permissions import visible_project_copies, visible_projects
from fleet.projects.queries import deletion
from fleet.services.projects import project_apply, project_delete, project_suspend
from kubecarrier.console import history
from kubecarrier.console.actions import BulkAction, Done, ObjectAction
from kubecarrier.console.admin import PortalAdmin
from kubecarrier.lib import access, audit
from kubecarrier.lib.projects import members_of
from kubecarrier.templatetags.console import since

_SHOWN = 200


def _pause(row: Project, given: dict[str, Any], user: Any) -> Done:
    project_suspend(actor=user, project=row, suspended=True)
    return Done(_("Paused: nothing of it is changed in the clusters until it is resumed."))


def _resume(row: Project, given: dict[str, Any], user: Any) -> Done:
    project_suspend(actor=user, project=row, suspended=False)
    return Done(_("Resumed."))


def _delete(row: Project, given: dict[str, Any], user: Any) -> Done:
    project_delete(actor=user, row=row, delete_namespaces=given.get("delete_namespaces", ()))
    return Done(_("The project is being taken back from its clusters."), leave=True)


def _taken(row: Project, user: Any) -> dict[str, Any]:
    return {"deletion": deletion(row)}


@admin.register(Project)
class ProjectAdmin(PortalAdmin):
    """Projects: their namespaces, quota and rules."""

    rows = visible_projects
    find_icon = "workspaces"
    add_word = gettext_lazy("New project")
    empty_text = gettext_lazy("A project gives a team namespaces on clusters, quotas, and members.")
    form = ProjectForm
    status_template = "console/project_status.html"
    list_display = ("name", "state", "why", "namespace_count", "description", "changed")
    list_filter = ("ready", "suspended")
    search_fields = ("name", "description")
    fieldsets = (
        (None, {"fields": ("name", "description", "labels", "require_reason")}),
        (gettext_lazy("Where"), {
            "fields": ("namespaces", "namespace_labels", "clusters", "selector", "exclude"),
        }),
        (gettext_lazy("Limits of each namespace"), {
            "fields": ("hard", "default_request", "default_limit", "least", "most", "overrides"),
        }),
        (gettext_lazy("What may be placed in it"), {
            "fields": ("allow_repositories", "allow_kinds", "allow_cluster_kinds", "allow_namespaces", "allow_clusters"),
        }),
    )  # fmt: skip
    object_actions = (
        ObjectAction("pause", gettext_lazy("Pause"), "pause", _pause, verb="edit",
                     offered=lambda row: not row.suspended and not row.deletion_requested_at,
                     text=gettext_lazy("Nothing of it is changed in the clusters until it is resumed.")),
        ObjectAction("resume", gettext_lazy("Resume"), "play_arrow", _resume, verb="edit", offered=lambda row: row.suspended,
                     text=gettext_lazy("Everything due is done.")),
    )  # fmt: skip
    delete_action = ObjectAction(
        "delete", gettext_lazy("Delete"), "delete", _delete, verb="delete", danger=True, form=ProjectDeleteForm,
        template="console/project_delete.html", shown=_taken,
        text=gettext_lazy("Its marks and quotas are taken back from the clusters. Its namespaces stay, unless you choose them."),
    )  # fmt: skip
    bulk_actions = (
        BulkAction("pause", gettext_lazy("Pause"), _pause, verb="edit"),
        BulkAction("resume", gettext_lazy("Resume"), _resume, verb="edit"),
    )

    @admin.display(description=gettext_lazy("namespaces ready"))
    def namespace_count(self, row: Project) -> str:
        totals = row.totals or {}
        return f"{totals.get('ready', 0)}/{totals.get('namespaces', 0)}"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return access.may(request.user, "projects.create")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        living = obj is None or not obj.deletion_requested_at
        return living and access.may(request.user, "projects.edit", obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        self.save_applied(obj, project_apply(actor=request.user, wish=form.wish).row)

    def header_context(self, row: Any) -> dict[str, Any]:
        facts = [
            (_("Namespaces"), ", ".join(row.namespace_names[:6])), (_("Selector"), row.placement.get("selector")),
            (_("Clusters"), ", ".join(row.placement.get("clusters") or ())), (_("Changed"), since(row.updated_at)),
        ]  # fmt: skip
        return {"facts": facts}

    def status_context(self, row: Any) -> dict[str, Any]:
        return {
            "bars": bars_of(row.totals),
            "unseen": (row.totals or {}).get("unseen", 0),
            "places": clusters_of(row, _SHOWN),
            "members": members_of(row)[:_SHOWN],
            "running": history.operations_of(row, limit=3),
            "access": who_can_here(row, audit.current().actor()),
        }

    def history_context(self, row: Any) -> dict[str, Any]:
        """What happened in the project: each entry says to what."""
        return {**super().history_context(row), "show_object": True}


@admin.register(ProjectCopy)
class ProjectCopyAdmin(PortalAdmin):
    """Projects on single clusters, as the reconciler saw them."""

    rows = visible_project_copies
    status_template = "console/project_copy_status.html"
    list_display = ("name", "state", "why", "seen")
    list_filter = ("ready", "project", "cluster")
    search_fields = ("name",)
    fields = ("name",)

    def status_context(self, row: Any) -> dict[str, Any]:
        return {"places": clusters_of(row.project, _SHOWN, copy=row)}
