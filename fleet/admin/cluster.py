"""The console's pages of clusters."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.csrf import csrf_protect

from fleet.admin import resources
from fleet.admin.access_facts import who_can_here
from fleet.admin.inventory import unwell_in
from fleet.admin.kubeconfig import GET_ONE
from fleet.admin.load import bars_of, in_short
from fleet.choices import RemovalPolicy
from fleet.forms import ClusterForm, ImportForm, RemoveForm, RenameForm, RotateForm
from fleet.kubeconfig import parse_kubeconfig
from fleet.models import Cluster
from fleet.permissions import visible_clusters, visible_namespaces, visible_nodes
from fleet.services import imports
from fleet.services.clusters import (
    cluster_apply,
    cluster_delete,
    cluster_probe,
    cluster_rename,
    cluster_rotate,
    cluster_suspend,
)
from fleet.services.exchanges import account_manifest, cluster_exchange
from fleet.services.rotations import cluster_rotate_credential
from kubecarrier.console.actions import BulkAction, Done, ObjectAction
from kubecarrier.console.admin import PortalAdmin
from kubecarrier.console.sections import sections_of
from kubecarrier.lib import audit
from kubecarrier.lib.errors import KubeCarrierError
from kubecarrier.templatetags.console import since

_SHOWN = 100


EXPIRY_WARNING = timedelta(days=14)


def _probe(row: Cluster, given: dict[str, Any], user: Any) -> Done:
    cluster_probe(cluster=row)
    return Done(_("The cluster is looked at now."))


def _rename(row: Cluster, given: dict[str, Any], user: Any) -> Done:
    cluster_rename(cluster=row, name=given["name"])
    return Done(_("The cluster has a new name; placements and releases follow it."))


def _rotate(row: Cluster, given: dict[str, Any], user: Any) -> Done:
    cluster_rotate(cluster=row, connection=imports.rotation_connection(row, given))
    return Done(_("The new credential was tested and is in use."))


def _exchange(row: Cluster, given: dict[str, Any], user: Any) -> Done:
    cluster_exchange(cluster=row)
    return Done(
        _(
            "The portal has an account of its own there. The credential that was imported is no longer stored."
        )
    )


def _renew(row: Cluster, given: dict[str, Any], user: Any) -> Done:
    cluster_rotate_credential(cluster=row)
    return Done(_("The portal's account has a new token there; the one before it ended."))


def _pause(row: Cluster, given: dict[str, Any], user: Any) -> Done:
    cluster_suspend(cluster=row, suspended=True)
    return Done(_("Paused: nothing is changed in the cluster until it is resumed."))


def _resume(row: Cluster, given: dict[str, Any], user: Any) -> Done:
    cluster_suspend(cluster=row, suspended=False)
    return Done(_("Resumed."))


def _remove(row: Cluster, given: dict[str, Any], user: Any) -> Done:
    cluster_delete(actor=user, row=row, policy=given["policy"])
    cleanup = given["policy"] == RemovalPolicy.CLEANUP
    return Done(_("What KubeCarrier owns there is being deleted; then the cluster goes.") if cleanup
                else _("The cluster left the fleet."), leave=True)  # fmt: skip


REMOVE = ObjectAction(
    "remove", gettext_lazy("Remove"), "delete", _remove, verb="delete", danger=True, form=RemoveForm,
    template="console/cluster_remove.html", button=gettext_lazy("Remove from the fleet"),
    text=gettext_lazy("The cluster itself goes on running: it only leaves this portal."),
    shown=lambda row, user: {"sections": sections_of(row, user)},
)  # fmt: skip


class ExpiringFilter(admin.SimpleListFilter):
    """Clusters whose credential ends within two weeks."""

    title = gettext_lazy("credential")
    parameter_name = "expiring"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("1", _("ends within two weeks"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        soon = timezone.now() + EXPIRY_WARNING
        return queryset.filter(credential_expires_at__lte=soon) if self.value() else queryset


@admin.register(Cluster)
class ClusterAdmin(PortalAdmin):
    """Clusters: imported, looked at, paused, rotated, removed."""

    rows = visible_clusters
    find_icon = "dns"
    add_word = gettext_lazy("Import clusters")
    empty_text = gettext_lazy("Import one with its kubeconfig, or with an address and a token.")
    form = ClusterForm
    writes = True
    status_template = "console/cluster_status.html"
    list_display = (
        "name",
        "state",
        "why",
        "version",
        "node_count",
        "load",
        "environment",
        "region",
        "provider",
        "seen",
    )
    list_filter = (
        "ready",
        "suspended",
        "environment",
        "provider",
        "region",
        "version",
        ExpiringFilter,
    )
    search_fields = ("name", "description", "server", "version")
    fieldsets = (
        (
            gettext_lazy("About"),
            {"fields": ("description", "labels", "environment", "region", "provider")},
        ),
        (gettext_lazy("Connection"), {"fields": ("server", "ca_pem", "tls_server_name", "token")}),
        (
            gettext_lazy("Address for people"),
            {"fields": ("people_server", "people_ca_pem", "people_tls_server_name")},
        ),
        (gettext_lazy("Removal"), {"fields": ("removal_policy",)}),
    )
    object_actions = (
        GET_ONE,
        ObjectAction("probe", gettext_lazy("Probe now"), "network_check", _probe, verb="operate",
                     text=gettext_lazy("Asks the API server for its version, nodes and namespaces.")),
        ObjectAction("pause", gettext_lazy("Pause"), "pause", _pause, verb="operate", offered=lambda row: not row.suspended,
                     text=gettext_lazy("Nothing is changed in the cluster until it is resumed; it is still looked at.")),
        ObjectAction("resume", gettext_lazy("Resume"), "play_arrow", _resume, verb="operate", offered=lambda row: row.suspended,
                     text=gettext_lazy("Everything due on the cluster is looked at.")),
        ObjectAction("rename", gettext_lazy("Rename"), "edit", _rename, verb="edit", form=RenameForm,
                     text=gettext_lazy("Placements, releases and history follow the new name; nothing is deployed.")),
        ObjectAction("rotate", gettext_lazy("Rotate credential"), "key", _rotate, verb="credentials", form=RotateForm,
                     text=gettext_lazy("The new credential is tested first and put in place only if the same cluster answers.")),
        ObjectAction("exchange", gettext_lazy("Exchange credential"), "swap_horiz", _exchange, verb="credentials",
                     offered=lambda row: row.exchanged_at is None and not row.suspended, template="console/cluster_exchange.html",
                     button=gettext_lazy("Make the account and exchange"), shown=lambda row, user: {"manifest": account_manifest(cluster=row)},
                     text=gettext_lazy("An account of the portal's own takes the place of the credential that was imported, which is then forgotten.")),
        ObjectAction("rotate-credential", gettext_lazy("Renew the portal's token"), "autorenew", _renew, verb="credentials",
                     offered=lambda row: row.exchanged_at is not None and not row.suspended,
                     button=gettext_lazy("Make a new token"),
                     text=gettext_lazy("A new token of the portal's own account is made there, tried and stored; then the one before it is deleted. If anything goes wrong, that one is kept.")),
    )  # fmt: skip
    delete_action = REMOVE
    bulk_actions = (
        BulkAction("pause", gettext_lazy("Pause"), _pause, verb="operate"),
        BulkAction("resume", gettext_lazy("Resume"), _resume, verb="operate"),
        BulkAction("probe", gettext_lazy("Probe now"), _probe, verb="operate"),
        BulkAction(
            "remove",
            gettext_lazy("Remove"),
            _remove,
            verb="delete",
            form=RemoveForm,
            danger=True,
            text=REMOVE.text,
        ),
    )

    @admin.display(description=gettext_lazy("requested"))
    def load(self, row: Cluster) -> str:
        return in_short(row)

    @admin.display(description=gettext_lazy("last seen"), ordering="last_seen_at")
    def seen(self, row: Cluster) -> str:
        return since(row.last_seen_at)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        self.save_applied(obj, cluster_apply(actor=request.user, wish=form.wish).row)

    def header_context(self, row: Any) -> dict[str, Any]:
        facts = [
            (_("Version"), row.version), (_("Server"), row.server), (_("Environment"), row.environment),
            (_("Region"), row.region), (_("Provider"), row.provider), (_("Last seen"), since(row.last_seen_at)),
            (_("Credential ends"), since(row.credential_expires_at) if row.credential_expires_at else ""),
            (_("Credential"), _("the portal's own") if row.exchanged_at else _("as imported")),
            (_("Renewed"), since(row.credential_rotated_at) if row.credential_rotated_at else ""),
        ]  # fmt: skip
        return {"facts": facts}

    def status_context(self, row: Any) -> dict[str, Any]:
        user = audit.current().actor()
        return {
            "bars": bars_of(row),
            "nodes": visible_nodes(user).filter(cluster=row).order_by("name")[:_SHOWN],
            "namespaces": visible_namespaces(user).filter(cluster=row).order_by("name")[:_SHOWN],
            "stale": row.condition("Reachable").get("status") != "True" and row.last_seen_at,
            "sections": sections_of(row, user),
            **unwell_in(row, user),
            "access": who_can_here(row, user),
            **resources.shortcuts(row),
        }

    # --- import ----------------------------------------------------------------

    def get_urls(self) -> list[Any]:
        contexts = path(
            "contexts/",
            self.admin_site.admin_view(self.contexts_view),
            name="fleet_cluster_contexts",
        )
        return [contexts, *resources.urls(self.admin_site), *super().get_urls()]

    @method_decorator(csrf_protect)
    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The import: a cluster is never made of nothing."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        posted = request.method == "POST"
        form = ImportForm(request.POST if posted else None, request.FILES if posted else None)
        if posted and form.is_valid():
            contexts = request.POST.getlist("contexts")
            names = {
                one: name
                for one in contexts
                if (name := request.POST.get(f"name:{one}", "").strip())
            }
            try:
                items = imports.clusters_import(form.given(contexts, names))
            except KubeCarrierError as error:
                form.refuse(error)
            else:
                return self._imported(request, form, items)
        return self._import_page(request, form, {}, status=422 if posted else 200)

    def _imported(
        self, request: HttpRequest, form: ImportForm, items: list[imports.Imported]
    ) -> HttpResponse:
        good = [one.cluster for one in items if one.cluster]
        for one in items:
            if one.error:
                form.refuse(one.error) if len(items) == 1 else form.add_error(
                    None, f"{one.context}: {one.error.message}"
                )
        for cluster in good:
            messages.success(
                request, _("%(name)s was imported and is being looked at.") % {"name": cluster.name}
            )
        if not form.errors:
            target = self.page_of(good[0]) if len(good) == 1 else "../"
            return HttpResponseRedirect(target)
        return self._import_page(request, form, {"imported": good}, status=422)

    def _import_page(
        self, request: HttpRequest, form: ImportForm, more: dict[str, Any], *, status: int
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request), "opts": self.opts, "title": _("Import clusters"),
            "form": form, "media": self.media + form.media, **more,
        }  # fmt: skip
        return TemplateResponse(request, "console/cluster_import.html", context, status=status)

    @method_decorator(csrf_protect)
    def contexts_view(self, request: HttpRequest) -> HttpResponse:
        """Which contexts the kubeconfig in the form has; nothing of it is stored or sent back."""
        if request.method != "POST" or not self.has_add_permission(request):
            raise PermissionDenied
        form = ImportForm(request.POST, request.FILES)
        form.is_valid()
        found, refused = [], ""
        try:
            for one in parse_kubeconfig(form.text() or "{}") if form.text() else []:
                found.append({"one": one, "name": imports.name_from(one.context)})
        except KubeCarrierError as error:
            refused = f"{error.message} {error.hint or ''}"
        context = {"found": found, "refused": refused}
        return TemplateResponse(request, "console/cluster_contexts.html", context)
