"""The console's pages of applications."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import admin
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps import live
from apps.admin.facts import releases_of_cluster
from apps.chart_rows import versions_of
from apps.forms import (
    ApplicationDeleteForm,
    ApplicationForm,
    RedeployForm,
    RollbackForm,
    ScaleForm,
    UpgradeForm,
)
from apps.models import Application, Release
from apps.permissions import visible_applications, visible_charts
from apps.services.applications import (
    application_apply,
    application_delete,
    application_redeploy,
    application_rollback,
    application_scale,
    application_suspend,
    application_upgrade,
    replica_key,
    spec_diff,
)
from apps.versions import sort_key
from fleet.models import Cluster
from kubecarrier.console import history
from kubecarrier.console.actions import BulkAction, Done, ObjectAction
from kubecarrier.console.admin import PortalAdmin
from kubecarrier.console.previewing import PreviewAsked, groups_of, is_asked
from kubecarrier.console.sections import Section, add_section
from kubecarrier.lib import audit
from kubecarrier.lib.errors import KubeCarrierError
from kubecarrier.templatetags.console import since

_SHOWN = 200


def _versions(request: HttpRequest, reference: str) -> list[str]:
    """Of a chart that the person may see."""
    repository, _slash, chart = reference.partition("/")
    seen = visible_charts(request.user).filter(repository__name=repository, chart=chart)
    return versions_of(reference) if seen.exists() else []


def _newer(row: Application, user: Any) -> str:
    """The chart's newest version where it is newer than what is wanted, and no pre-release."""
    repository, _slash, chart = row.chart.partition("/")
    found = visible_charts(user).filter(repository__name=repository, chart=chart).first()
    newest = found.latest_version if found else ""
    if not newest or "-" in newest or not row.resolved_version:
        return ""
    return newest if sort_key(newest) > sort_key(row.resolved_version) else ""


def _scale(row: Application, given: dict[str, Any], user: Any) -> Done:
    asked = {"replicas": given["replicas"], "cluster": given["cluster"]}
    key = replica_key(row)
    if key is None:
        live.workload_scale(application=row, **asked)
    else:
        application_scale(application=row, key=key, **asked)
    return Done(_("Scaling to %(n)s.") % {"n": given["replicas"]})


def _upgrade(row: Application, given: dict[str, Any], user: Any) -> Done:
    changed, _operation = application_upgrade(application=row, version=given["version"])
    return Done(_("Going to version %(version)s.") % {"version": changed.resolved_version})


def _rollback(row: Application, given: dict[str, Any], user: Any) -> Done:
    application_rollback(application=row, number=given["revision"], cluster=given["cluster"])
    return Done(_("Going back to revision %(number)s.") % {"number": given["revision"]})


def _redeploy(row: Application, given: dict[str, Any], user: Any) -> Done:
    application_redeploy(application=row, cluster=given.get("cluster", ""))
    return Done(_("It is being deployed again."))


def _pause(row: Application, given: dict[str, Any], user: Any) -> Done:
    application_suspend(application=row, suspended=True)
    return Done(_("Paused: nothing is deployed, corrected or deleted until it is resumed."))


def _resume(row: Application, given: dict[str, Any], user: Any) -> Done:
    application_suspend(application=row, suspended=False)
    return Done(_("Resumed."))


def _delete(row: Application, given: dict[str, Any], user: Any) -> Done:
    application_delete(actor=user, row=row, keep_resources=given["keep_resources"])
    return Done(_("It is being removed from its clusters."), leave=True)


def _preview(row: Application, given: dict[str, Any], user: Any) -> Done:
    return Done(_("A preview changes nothing."))


def _groups(row: Application, user: Any) -> dict[str, Any]:
    """What deploying what is saved would change now."""
    more = {"redeploy_url": reverse("admin:apps_application_do", args=[row.pk, "redeploy"])}
    try:
        return {"groups": live.application_preview(name=row.name, save=None), **more}
    except KubeCarrierError as error:
        return {"groups": [], "refused": error.message, **more}


def _candidates(row: Application, user: Any) -> dict[str, Any]:
    """Each earlier revision with what going back to it would change."""
    listed = list(row.revisions.select_related("author").order_by("-number")[:20])
    return {"candidates": [(one, spec_diff(listed[0].spec, one.spec)) for one in listed[1:]]}


def _placed(row: Application, user: Any) -> dict[str, Any]:
    return {
        "releases": row.releases.select_related("application", "cluster").order_by("cluster__name")[
            :_SHOWN
        ]
    }


def _alive(row: Application) -> bool:
    return row.deletion_requested_at is None


class StandingFilter(admin.SimpleListFilter):
    """Applications by the worst of their releases, as the start page counts them."""

    title = gettext_lazy("standing")
    parameter_name = "standing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("failed", _("failed")),
            ("drifted", _("drifted")),
            ("progressing", _("progressing")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        releases = Release.objects.filter(application=OuterRef("pk"))
        failed = Exists(releases.filter(conditions__Stalled__status="True"))
        drifted = Exists(releases.filter(conditions__Drifted__status="True"))
        match self.value():
            case "failed":
                return queryset.filter(failed, suspended=False)
            case "drifted":
                return queryset.filter(~failed, drifted, suspended=False)
            case "progressing":
                current = Q(ready="True", observed_generation__gte=F("generation"))
                return queryset.filter(~failed, ~drifted, ~current, suspended=False)
        return queryset


@admin.register(Application)
class ApplicationAdmin(PortalAdmin):
    """Applications: saved, placed on clusters, and everything of their life."""

    rows = visible_applications
    find_icon = "apps"
    add_word = gettext_lazy("New application")
    empty_text = gettext_lazy(
        "An application is a chart with your values on the clusters you choose."
    )
    form = ApplicationForm
    writes = True
    part_fields = {
        "scale": ("values", "overrides"),
        "image": ("values", "overrides"),
        "upgrade": ("version",),
    }
    status_template = "console/application_status.html"
    add_form_template = "console/application_form.html"
    change_form_template = "console/application_form.html"
    list_display = (
        "name",
        "state",
        "why",
        "places",
        "chart",
        "resolved_version",
        "namespace",
        "changed",
    )
    list_filter = ("ready", StandingFilter, "project", "suspended", "namespace", "chart")
    search_fields = ("name", "description", "chart")
    fieldsets = (
        (None, {"fields": ("name", "project", "description", "labels")}),
        (gettext_lazy("What"), {"fields": ("chart", "version", "namespace", "values")}),
        (gettext_lazy("Where"), {"fields": ("clusters", "selector", "exclude", "overrides")}),
        (gettext_lazy("Context"), {
            "fields": ("config_maps", "secrets", "env", "env_key", "image_registry", "depends_on"),
        }),
        (gettext_lazy("Behaviour"), {
            "fields": ("on_failure", "drift_policy", "timeout_seconds", "max_history", "keep_resources"),
        }),
    )  # fmt: skip
    object_actions = (
        ObjectAction("preview", gettext_lazy("Preview"), "difference", _preview, template="console/preview.html",
                     offered=_alive, shown=_groups,
                     text=gettext_lazy("What deploying what is saved would change in the clusters now. Nothing is changed by looking.")),
        ObjectAction("scale", gettext_lazy("Scale"), "unfold_more", _scale, verb="scale", form=ScaleForm,
                     offered=lambda row: _alive(row) and replica_key(row) is not None,
                     text=gettext_lazy("Sets the chart's replica value, everywhere or on one cluster.")),
        ObjectAction("upgrade", gettext_lazy("Upgrade"), "upgrade", _upgrade, verb="upgrade", form=UpgradeForm, offered=_alive,
                     text=gettext_lazy("Another version of the same chart, with the same values.")),
        ObjectAction("rollback", gettext_lazy("Roll back"), "history", _rollback, verb="rollback", form=RollbackForm,
                     template="console/rollback.html", offered=_alive, shown=_candidates,
                     text=gettext_lazy("Everything that was saved then, secrets included, becomes a new revision; on one cluster it is held instead.")),
        ObjectAction("redeploy", gettext_lazy("Redeploy"), "restart_alt", _redeploy, verb="redeploy", form=RedeployForm, offered=_alive,
                     text=gettext_lazy("Deploys what is wanted once more, which also undoes drift.")),
        ObjectAction("pause", gettext_lazy("Pause"), "pause", _pause, verb="pause", offered=lambda row: _alive(row) and not row.suspended,
                     text=gettext_lazy("Nothing is deployed, corrected or deleted until it is resumed.")),
        ObjectAction("resume", gettext_lazy("Resume"), "play_arrow", _resume, verb="pause", offered=lambda row: row.suspended,
                     text=gettext_lazy("Everything due is done.")),
    )  # fmt: skip
    delete_action = ObjectAction(
        "delete", gettext_lazy("Delete"), "delete", _delete, verb="delete", danger=True, form=ApplicationDeleteForm,
        template="console/application_delete.html", shown=_placed,
        text=gettext_lazy("It is removed from every cluster below, and then from here."),
    )  # fmt: skip
    bulk_actions = (
        BulkAction("pause", gettext_lazy("Pause"), _pause, verb="pause"),
        BulkAction("resume", gettext_lazy("Resume"), _resume, verb="pause"),
        BulkAction("redeploy", gettext_lazy("Redeploy"), _redeploy, verb="redeploy"),
        BulkAction(
            "delete",
            gettext_lazy("Delete"),
            _delete,
            verb="delete",
            form=ApplicationDeleteForm,
            danger=True,
            text=delete_action.text,
        ),
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        return (
            super()
            .get_queryset(request)
            .annotate(
                placed_count=Count("releases"),
                ready_count=Count("releases", filter=Q(releases__ready="True")),
            )
        )

    def get_urls(self) -> list[Any]:
        versions = path(
            "versions/",
            self.admin_site.admin_view(self.versions_view),
            name="apps_application_versions",
        )
        return [versions, *super().get_urls()]

    @admin.display(description=gettext_lazy("ready on"), ordering="placed_count")
    def places(self, row: Any) -> str:
        return f"{row.ready_count}/{row.placed_count}"

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or _alive(obj))

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> Any:
        charts = visible_charts(request.user).values_list("repository__name", "chart")[:500]
        form = context["adminform"].form
        chart = form["chart"].value() if "chart" in form.fields else ""
        context |= {
            "groups": groups_of(request),
            "charts": [f"{repository}/{name}" for repository, name in charts],
            "versions": _versions(request, chart or ""),
        }
        return super().render_change_form(request, context, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        save = partial(application_apply, actor=request.user, wish=form.wish)
        if is_asked(request):
            raise PreviewAsked(live.application_preview(name=form.wish.name, save=save))
        self.save_applied(obj, save().row)

    def versions_view(self, request: HttpRequest) -> HttpResponse:
        """The versions of a chart, for the form's suggestions."""
        context = {"versions": _versions(request, request.GET.get("chart", ""))}
        return TemplateResponse(request, "console/versions.html", context)

    def header_context(self, row: Any) -> dict[str, Any]:
        facts = [
            (_("Chart"), row.chart), (_("Version"), row.resolved_version), (_("Asked for"), row.version),
            (_("Namespace"), row.namespace), (_("Project"), row.project), (_("Depends on"), ", ".join(row.depends_on)),
            (_("Changed"), since(row.updated_at)),
        ]  # fmt: skip
        return {"facts": facts}

    def status_context(self, row: Any) -> dict[str, Any]:
        releases = row.releases.select_related("cluster", "application", "revision").order_by(
            "cluster__name"
        )
        return {
            "releases": releases[:_SHOWN],
            "by": "cluster",
            "running": history.operations_of(row, limit=3),
            "newer": _newer(row, audit.current().actor()),
            "upgrade_url": self._url("do", row, "upgrade"),
        }

    def history_context(self, row: Any) -> dict[str, Any]:
        revisions = row.revisions.select_related("author").order_by("-number")[:30]
        return {**super().history_context(row), "revisions": revisions}


add_section(
    Cluster,
    Section(gettext_lazy("Applications"), "console/releases.html", releases_of_cluster, order=-1),
)
