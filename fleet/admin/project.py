"""The console's pages of projects."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fleet.forms import ProjectForm
from fleet.models import Project, ProjectCopy
from fleet.permissions import visible_project_copies, visible_projects
from fleet.services.projects import project_apply, project_delete
from kubecarrier.console.actions import Done, ObjectAction
from kubecarrier.console.admin import PortalAdmin
from kubecarrier.lib import access
from kubecarrier.templatetags.console import badge, since


def _delete(row: Project, given: dict[str, Any], user: Any) -> Done:
    project_delete(actor=user, row=row)
    return Done(_("The project is gone."), leave=True)


@admin.register(Project)
class ProjectAdmin(PortalAdmin):
    """Projects: their namespaces, quota and rules."""

    rows = visible_projects
    form = ProjectForm
    status_template = "console/project_status.html"
    list_display = ("name", "state", "description", "changed")
    list_filter = ("ready",)
    search_fields = ("name", "description")
    fieldsets = (
        (None, {"fields": ("name", "description", "labels")}),
        (gettext_lazy("Where"), {"fields": ("placement", "namespaces", "namespace_labels")}),
        (gettext_lazy("Limits"), {"fields": ("quota", "allow")}),
    )
    delete_action = ObjectAction(
        "delete", gettext_lazy("Delete"), "delete", _delete, danger=True,
        text=gettext_lazy("Refused while something is placed in it."),
    )  # fmt: skip

    @admin.display(description=gettext_lazy("state"), ordering="ready")
    def state(self, row: Project) -> str:
        return badge(row)

    @admin.display(description=gettext_lazy("changed"), ordering="updated_at")
    def changed(self, row: Project) -> str:
        return since(row.updated_at)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return access.may(request.user, "projects.create")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return access.may(request.user, "projects.edit", obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        self.save_applied(obj, project_apply(actor=request.user, wish=form.wish).row)


@admin.register(ProjectCopy)
class ProjectCopyAdmin(PortalAdmin):
    """Projects on single clusters, as the reconciler saw them."""

    rows = visible_project_copies
    status_template = "console/project_status.html"
    list_display = ("name", "state", "reason", "seen")
    list_filter = ("ready", "project", "cluster")
    search_fields = ("name",)
    fields = ("name",)

    @admin.display(description=gettext_lazy("state"), ordering="ready")
    def state(self, row: ProjectCopy) -> str:
        return badge(row)

    @admin.display(description=gettext_lazy("reason"))
    def reason(self, row: ProjectCopy) -> str:
        return str(row.condition("Ready").get("reason", ""))

    @admin.display(description=gettext_lazy("seen"), ordering="seen_at")
    def seen(self, row: ProjectCopy) -> str:
        return since(row.seen_at)
