"""The console's pages of releases: an application on one cluster."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps import live
from apps.admin.release_tree import tree_of_release
from apps.forms import ReleaseRollbackForm
from apps.models import Release
from apps.permissions import visible_releases
from apps.queries import effective_values_of
from apps.services.applications import application_redeploy, application_rollback, spec_diff
from fleet.models import Operation
from kubecarrier.console import history
from kubecarrier.console.actions import BulkAction, Done, ObjectAction
from kubecarrier.console.admin import PortalAdmin
from kubecarrier.console.state import drifted
from kubecarrier.lib import audit
from kubecarrier.lib.errors import KubeCarrierError
from kubecarrier.templatetags.console import chip, linked, since


def _redeploy(row: Release, given: dict[str, Any], user: Any) -> Done:
    application_redeploy(application=row.application, cluster=row.cluster.name)
    return Done(_("It is being deployed again on this cluster."))


def _rollback(row: Release, given: dict[str, Any], user: Any) -> Done:
    application_rollback(
        application=row.application, number=given["revision"], cluster=row.cluster.name
    )
    return Done(_("This cluster is held at revision %(number)s.") % {"number": given["revision"]})


def _revisions(row: Release, user: Any) -> dict[str, Any]:
    """Each earlier revision with what going back to it would change."""
    earlier = (
        row.application.revisions.select_related("author")
        .exclude(pk=row.revision_id)
        .order_by("-number")[:20]
    )
    return {"candidates": [(one, spec_diff(row.revision.spec, one.spec)) for one in earlier]}


@admin.register(Release)
class ReleaseAdmin(PortalAdmin):
    """Releases, derived from applications and observed in clusters."""

    rows = visible_releases
    find_icon = "rocket_launch"
    empty_text = gettext_lazy(
        "A release comes by itself for each cluster on which an application is placed."
    )
    status_template = "console/release_status.html"
    spec_template = "console/release_spec.html"
    list_display = (
        "name",
        "state",
        "why",
        "version",
        "drift_word",
        "namespace",
        "helm_revision",
        "seen",
    )
    list_filter = ("ready", "cluster", "helm_status", "pinned")
    search_fields = ("name", "namespace", "actual_version")
    list_select_related = ("application", "cluster", "revision")
    object_actions = (
        ObjectAction("redeploy", gettext_lazy("Redeploy"), "restart_alt", _redeploy, verb="applications.redeploy",
                     text=gettext_lazy("Deploys what is wanted once more on this cluster, which also undoes drift.")),
        ObjectAction("rollback", gettext_lazy("Roll back here"), "history", _rollback, verb="applications.rollback", form=ReleaseRollbackForm,
                     template="console/rollback.html", shown=_revisions,
                     text=gettext_lazy("Holds this cluster at an earlier revision; the others stay as they are.")),
    )  # fmt: skip
    bulk_actions = (
        BulkAction("redeploy", gettext_lazy("Redeploy"), _redeploy, verb="applications.redeploy"),
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        return (
            super().get_queryset(request).defer("objects_seen", "last_operation", "corrections")
            if (
                request.resolver_match
                and request.resolver_match.url_name == "apps_release_changelist"
            )
            else super().get_queryset(request)
        )

    def get_urls(self) -> list[Any]:
        helm = path(
            "<path:object_id>/helm/",
            self.admin_site.admin_view(self.helm_view),
            name="apps_release_helm",
        )
        return [helm, *super().get_urls()]

    @admin.display(description=gettext_lazy("version"), ordering="actual_version")
    def version(self, row: Release) -> str:
        wanted = row.wanted_version
        return (
            row.actual_version
            if row.actual_version == wanted
            else f"{row.actual_version or '–'} → {wanted}"
        )

    @admin.display(description=gettext_lazy("drift"))
    def drift_word(self, row: Release) -> str:
        return chip(_("Drifted"), "warn", "difference") if drifted(row) else "–"

    def header_context(self, row: Any) -> dict[str, Any]:
        facts = [
            (_("Application"), linked("apps_application", row.application)),
            (_("Cluster"), linked("fleet_cluster", row.cluster)), (_("Namespace"), row.namespace),
            (_("Version"), self.version(row)), (_("Revision"), f"#{row.revision.number}"),
            (_("Held"), _("at this revision") if row.pinned else ""),
            (_("Helm"), f"{row.helm_status or '–'} · {_('revision')} {row.helm_revision}"),
            (_("Seen"), since(row.seen_at)),
        ]  # fmt: skip
        return {"facts": facts, "drifted": drifted(row)}

    def status_context(self, row: Any) -> dict[str, Any]:
        reachable = row.cluster.condition("Reachable").get("status") == "True"
        return {
            "objects": tree_of_release(row, audit.current().actor()),
            "stale": row.seen_at if not reachable else None,
            "helm_url": self._url("helm", row),
            "last": row.last_operation,
        }

    def spec_context(self, row: Any) -> dict[str, Any]:
        try:
            effective = effective_values_of(row.application, row.cluster.name)
        except KubeCarrierError:
            effective = {"values": {}, "origins": {}, "registryKeys": []}
        return {"spec": row.revision.spec, "effective": effective}

    def history_context(self, row: Any) -> dict[str, Any]:
        operations = Operation.objects.filter(targets__target_id=row.pk).select_related("actor")
        return {
            "entries": history.entries_of(row.application),
            "operations": list(operations.prefetch_related("targets").distinct()[:30]),
            "corrections": row.corrections,
        }

    def helm_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Helm's own history, asked of the cluster now."""
        row = self.fetch(request, object_id)
        context: dict[str, Any] = {"row": row}
        try:
            context["items"] = live.release_history(row)
        except KubeCarrierError as error:
            context["refused"] = error.message
        return TemplateResponse(request, "console/helm_history.html", context)
