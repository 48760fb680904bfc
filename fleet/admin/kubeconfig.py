"""The console's pages of people's kubeconfigs: downloaded once, listed, revoked."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.csrf import csrf_protect

from fleet.conditions import KubeconfigReason
from fleet.forms.kubeconfig import ClusterKubeconfigForm, KubeconfigForm
from fleet.grants.accounts import NAMESPACE
from fleet.models import Cluster, Kubeconfig
from fleet.permissions import visible_kubeconfigs
from fleet.services.kubeconfigs import kubeconfig_issue, kubeconfig_revoke, max_seconds, standing
from kubecarrier.console.actions import BulkAction, Done, ObjectAction
from kubecarrier.console.admin import PortalAdmin
from kubecarrier.console.state import State, add_state
from kubecarrier.lib import audit, strict_yaml
from kubecarrier.lib.audit import may_operate
from kubecarrier.lib.conditions import READY
from kubecarrier.lib.errors import KubeCarrierError
from kubecarrier.templatetags.console import since

_LOOKS: dict[str, tuple[Any, str, str]] = {
    KubeconfigReason.RIGHTS_IN_PLACE: (gettext_lazy("Works"), "ok", "check_circle"),
    KubeconfigReason.WAITS_FOR_RIGHTS: (gettext_lazy("Waits for its rights"), "busy", "progress_activity"),
    KubeconfigReason.BEING_ISSUED: (gettext_lazy("Being made"), "busy", "progress_activity"),
    KubeconfigReason.REVOCATION_PENDING: (gettext_lazy("Revocation pending"), "warn", "hourglass_top"),
    KubeconfigReason.REVOKED: (gettext_lazy("Revoked"), "idle", "block"),
    KubeconfigReason.EXPIRED: (gettext_lazy("Expired"), "idle", "timer_off"),
    KubeconfigReason.ACCOUNT_GONE: (gettext_lazy("Its account is gone"), "idle", "block"),
}  # fmt: skip
_UNSEEN: tuple[Any, str, str] = (gettext_lazy("Unknown"), "idle", "help")


def _state(row: Kubeconfig) -> State:
    reason = standing(row)
    message = str(row.condition(READY).get("message", ""))
    return State(*_LOOKS.get(reason, _UNSEEN), reason, message)


add_state(Kubeconfig, _state)


def download(cluster: Cluster, given: dict[str, Any], user: Any) -> HttpResponse:
    """The file, as the browser saves it."""
    _row, document = kubeconfig_issue(actor=user, cluster=cluster, seconds=given["seconds"])
    response = HttpResponse(strict_yaml.dump(document), content_type="application/yaml")
    response["Content-Disposition"] = f'attachment; filename="kubeconfig-{cluster.name}.yaml"'
    response["Cache-Control"] = "no-store"
    return response


def _download(row: Cluster, given: dict[str, Any], user: Any) -> Done:
    return Done("", response=download(row, given, user))


GET_ONE = ObjectAction(
    "kubeconfig", gettext_lazy("Kubeconfig"), "terminal", _download, verb="kubeconfigs.create",
    form=KubeconfigForm, template="console/kubeconfig_get.html", button=gettext_lazy("Download"),
    offered=lambda row: bool(max_seconds()) and not row.suspended,
    text=gettext_lazy("A kubeconfig for kubectl and other tools, with your rights in this cluster and no others."),
)  # fmt: skip


def _revoke(row: Kubeconfig, given: dict[str, Any], user: Any) -> Done:
    kubeconfig_revoke(actor=user, row=row)
    return Done(_("Taken back: the file ends as soon as the cluster answers."), leave=True)


@admin.register(Kubeconfig)
class KubeconfigAdmin(PortalAdmin):
    """One's own, and those of others where one may see them. The file itself is stored nowhere."""

    rows = visible_kubeconfigs
    status_template = "console/kubeconfig_status.html"
    list_display = ("cluster", "username", "state", "ends", "made")
    list_filter = ("cluster",)
    search_fields = ("username", "cluster__name", "account")
    list_select_related = ("cluster",)
    ordering = ("-created_at", "-pk")
    delete_action = ObjectAction(
        "revoke", gettext_lazy("Revoke"), "block", _revoke, danger=True,
        offered=lambda row: row.live,
        text=gettext_lazy("Whatever uses this file is refused from now on. Other files of the same person go on working."),
    )  # fmt: skip
    bulk_actions = (
        BulkAction("revoke", gettext_lazy("Revoke"), _revoke, danger=True, text=delete_action.text),
    )

    def _tabs(self) -> list[tuple[str, Any, str]]:
        return []

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_operate(request.user) and (
            obj is None
            or (obj.live and (obj.user_id == request.user.pk or self.may(request, "delete", obj)))
        )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return may_operate(request.user) and bool(max_seconds())

    @admin.display(description=gettext_lazy("ends"), ordering="expires_at")
    def ends(self, row: Kubeconfig) -> str:
        return since(row.expires_at)

    @admin.display(description=gettext_lazy("made"), ordering="created_at")
    def made(self, row: Kubeconfig) -> str:
        return since(row.created_at)

    def status_context(self, row: Any) -> dict[str, Any]:
        return {"account": f"system:serviceaccount:{NAMESPACE}:{row.account}"}

    @method_decorator(csrf_protect)
    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Get one of one's own: the POST answers the file, this once."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        posted = request.method == "POST"
        form = ClusterKubeconfigForm(request.POST if posted else None, user=request.user)
        if posted and form.is_valid():
            try:
                with audit.because(form.cleaned_data["reason"]):
                    return download(form.cleaned_data["cluster"], form.cleaned_data, request.user)
            except KubeCarrierError as error:
                form.refuse(error)
        context = {
            **self.admin_site.each_context(request), "opts": self.opts, "title": _("New kubeconfig"),
            "form": form, "media": self.media + form.media,
        }  # fmt: skip
        status = 422 if posted else 200
        return TemplateResponse(request, "console/kubeconfig_add.html", context, status=status)
