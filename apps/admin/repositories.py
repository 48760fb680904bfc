"""The console's pages of chart repositories."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.choices import RepositoryType
from apps.forms import RepositoryForm, UploadForm
from apps.models import ChartRepository
from apps.permissions import visible_repositories
from apps.services.charts import chart_upload
from apps.services.repositories import repository_apply, repository_delete, repository_refresh
from kubecarrier.console.actions import BulkAction, Done, ObjectAction
from kubecarrier.console.admin import PortalAdmin
from kubecarrier.templatetags.console import since

_SHOWN = 100


def _refresh(row: ChartRepository, given: dict[str, Any], user: Any) -> Done:
    repository_refresh(repository=row)
    return Done(_("New charts are being looked for."))


def _upload(row: ChartRepository, given: dict[str, Any], user: Any) -> Done:
    version = chart_upload(repository=row, content=given["archive"])
    return Done(
        _("%(chart)s %(version)s is there now.")
        % {"chart": version.chart.chart, "version": version.version}
    )


def _delete(row: ChartRepository, given: dict[str, Any], user: Any) -> Done:
    repository_delete(actor=user, row=row)
    return Done(_("The repository and its charts are gone."), leave=True)


@admin.register(ChartRepository)
class ChartRepositoryAdmin(PortalAdmin):
    """Where charts come from."""

    rows = visible_repositories
    find_icon = "warehouse"
    add_word = gettext_lazy("Add repository")
    empty_text = gettext_lazy(
        "Charts come from HTTP and OCI repositories, or are uploaded into one of the portal's own."
    )
    form = RepositoryForm
    writes = True
    status_template = "console/repository_status.html"
    list_display = ("name", "state", "why", "type", "url", "chart_count", "refreshed")
    list_filter = ("ready", "type")
    search_fields = ("name", "url", "description")
    fieldsets = (
        (None, {"fields": ("name", "type", "url", "description", "labels")}),
        (gettext_lazy("Access"), {"fields": ("username", "password", "ca_pem", "plain_http")}),
        (gettext_lazy("Charts"), {"fields": ("references", "refresh_seconds")}),
    )
    object_actions = (
        ObjectAction("refresh", gettext_lazy("Refresh"), "refresh", _refresh, verb="refresh",
                     text=gettext_lazy("Looks for new charts and versions now.")),
        ObjectAction("upload", gettext_lazy("Upload chart"), "upload", _upload, verb="charts.upload", form=UploadForm, upload=True, primary=True,
                     offered=lambda row: row.type == RepositoryType.LOCAL,
                     text=gettext_lazy("The archive is read and checked here; nothing in it is run.")),
    )  # fmt: skip
    delete_action = ObjectAction(
        "delete", gettext_lazy("Delete"), "delete", _delete, verb="delete", danger=True,
        text=gettext_lazy("Its charts go with it. Refused while an application uses one."),
    )  # fmt: skip
    bulk_actions = (
        BulkAction("refresh", gettext_lazy("Refresh"), _refresh, verb="refresh"),
        BulkAction(
            "delete",
            gettext_lazy("Delete"),
            _delete,
            verb="delete",
            danger=True,
            text=delete_action.text,
        ),
    )

    @admin.display(description=gettext_lazy("refreshed"), ordering="refreshed_at")
    def refreshed(self, row: ChartRepository) -> str:
        return since(row.refreshed_at)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        self.save_applied(obj, repository_apply(actor=request.user, wish=form.wish).row)

    def header_context(self, row: Any) -> dict[str, Any]:
        facts = [
            (_("Type"), row.get_type_display()), (_("URL"), row.url), (_("Charts"), str(row.chart_count)),
            (_("Refreshed"), since(row.refreshed_at)),
        ]  # fmt: skip
        return {"facts": facts}

    def status_context(self, row: Any) -> dict[str, Any]:
        return {"charts": row.charts.order_by("chart")[:_SHOWN]}
