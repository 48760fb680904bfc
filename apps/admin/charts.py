"""The console's pages of charts: what a chart is, before it is deployed."""

from __future__ import annotations

import re
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.http import urlencode
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps import readme
from apps.models import Chart, ChartVersion
from apps.permissions import visible_charts
from apps.services.charts import opened
from apps.versions import sort_key
from kubecarrier.console.admin import PortalAdmin
from kubecarrier.lib.errors import KubeCarrierError

_DATA_IMAGE = re.compile(r"^data:image/(png|jpeg|gif|webp|svg\+xml);base64,[A-Za-z0-9+/=]+$")
_LINK = re.compile(r"^https?://", re.IGNORECASE)
_SHOWN = 200


@admin.register(Chart)
class ChartAdmin(PortalAdmin):
    """Charts, observed in their repositories."""

    rows = visible_charts
    find_icon = "inventory_2"
    empty_text = gettext_lazy("Charts are found in the chart repositories; add one first.")
    status_template = "console/chart_status.html"
    live = False
    list_display = ("chart", "repository", "latest_version", "app_version", "about", "deprecated")
    list_filter = ("repository", "deprecated")
    search_fields = ("name", "description", "keyword_text")
    list_select_related = ("repository",)
    ordering = ("name",)

    @admin.display(description=gettext_lazy("description"))
    def about(self, row: Chart) -> str:
        return row.description if len(row.description) < 100 else f"{row.description[:99]}…"

    def get_urls(self) -> list[Any]:
        contents = path(
            "<path:object_id>/contents/",
            self.admin_site.admin_view(self.contents_view),
            name="apps_chart_contents",
        )
        return [contents, *super().get_urls()]

    def _tabs(self) -> list[tuple[str, Any, str]]:
        return []

    def header_context(self, row: Any) -> dict[str, Any]:
        facts = [
            (_("Repository"), row.repository.name), (_("Newest"), row.latest_version),
            (_("App version"), row.app_version), (_("Deprecated"), _("yes") if row.deprecated else ""),
        ]  # fmt: skip
        picture = row.icon if _DATA_IMAGE.match(row.icon or "") else ""
        return {"facts": facts, "title": row.chart, "picture": picture}

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: Any = None,
        form_url: str = "",
        extra_context: Any = None,
    ) -> HttpResponse:
        wanted = {"wanted": request.GET.get("version", "")}
        return super().changeform_view(
            request, object_id, form_url, {**(extra_context or {}), **wanted}
        )

    def status_context(self, row: Any) -> dict[str, Any]:
        rows = row.versions.defer("readme", "values_text", "schema")[: _SHOWN * 5]
        versions = sorted(rows, key=lambda one: sort_key(one.version), reverse=True)[:_SHOWN]
        return {"versions": versions, "home": row.home if _LINK.match(row.home or "") else ""}

    def contents_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """README, values and schema of one version; fetches the archive the first time."""
        chart = self.fetch(request, object_id)
        version = request.GET.get("version") or chart.latest_version
        row = chart.versions.filter(version=version).select_related("chart__repository").first()
        context: dict[str, Any] = {
            "chart": chart,
            "version": row,
            "deploy_url": deploy_url(chart, version),
        }
        if row is not None:
            context |= self._contents(row)
        return TemplateResponse(request, "console/chart_contents.html", context)

    def _contents(self, row: ChartVersion) -> dict[str, Any]:
        try:
            row = opened(row)
        except KubeCarrierError as error:
            return {"refused": f"{error.message} {error.hint or ''}"}
        return {
            "version": row,
            "readme": mark_safe(readme.to_html(row.readme)) if row.readme else "",  # noqa: S308 - sanitized there  # nosec
            "links": [one for one in row.details.get("sources", []) if _LINK.match(str(one))],
        }


def deploy_url(chart: Chart, version: str) -> str:
    """The application form, filled in from the chart."""
    name = re.sub(r"[^a-z0-9-]+", "-", chart.chart.lower()).strip("-")[:53]
    query = {
        "chart": f"{chart.repository.name}/{chart.chart}",
        "version": version,
        "name": name,
        "namespace": name,
    }
    return f"{reverse('admin:apps_application_add')}?{urlencode(query)}"
