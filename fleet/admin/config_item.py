"""The console's pages of config items and of their copies."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fleet.configs.content import Content, shown
from fleet.configs.diffs import spec_text, unified
from fleet.configs.queries import attach_copies, content_of, digest_key, revision_content
from fleet.forms import (
    AdoptForm,
    ConfigDeleteForm,
    ConfigItemForm,
    ConfigRollbackForm,
    RevealForm,
)
from fleet.forms.config_item import SECRET_TYPES
from fleet.live.config_items import configitem_preview
from fleet.models import Cluster, ConfigCopy, ConfigItem, ConfigItemRevision
from fleet.permissions import visible_config_copies, visible_config_items
from fleet.services.configitems import (
    configitem_adopt,
    configitem_apply,
    configitem_delete,
    configitem_reveal,
    configitem_rollback,
    configitem_suspend,
)
from kubecarrier.console import history
from kubecarrier.console.actions import BulkAction, Done, ObjectAction
from kubecarrier.console.admin import PortalAdmin
from kubecarrier.console.previewing import PreviewAsked, groups_of, is_asked
from kubecarrier.console.sections import Section, add_section
from kubecarrier.lib.errors import KubeCarrierError
from kubecarrier.templatetags.console import since

_SHOWN = 200
_REVISIONS = 15


def _rollback(row: ConfigItem, given: dict[str, Any], user: Any) -> Done:
    configitem_rollback(actor=user, item=row, number=given["revision"])
    return Done(_("Going back to revision %(number)s.") % {"number": given["revision"]})


def _reveal(row: ConfigItem, given: dict[str, Any], user: Any) -> Done:
    found = configitem_reveal(actor=user, item=row, keys=given["keys"], cluster=given["cluster"])
    return Done("", shown={"revealed": found})


def _adopt(row: ConfigItem, given: dict[str, Any], user: Any) -> Done:
    configitem_adopt(actor=user, item=row, cluster=given["cluster"])
    return Done(_("What is there is being taken over."))


def _adopt_copy(row: ConfigCopy, given: dict[str, Any], user: Any) -> Done:
    configitem_adopt(actor=user, item=row.item, cluster=row.cluster.name, namespace=row.namespace)
    return Done(_("What is there is being taken over."))


def _pause(row: ConfigItem, given: dict[str, Any], user: Any) -> Done:
    configitem_suspend(actor=user, item=row, suspended=True)
    return Done(_("Paused: nothing is written, corrected or removed until it is resumed."))


def _resume(row: ConfigItem, given: dict[str, Any], user: Any) -> Done:
    configitem_suspend(actor=user, item=row, suspended=False)
    return Done(_("Resumed."))


def _delete(row: ConfigItem, given: dict[str, Any], user: Any) -> Done:
    configitem_delete(actor=user, row=row, keep_objects=given["keep_objects"])
    return Done(_("It is being removed from its clusters."), leave=True)


def _preview(row: ConfigItem, given: dict[str, Any], user: Any) -> Done:
    return Done(_("A preview changes nothing."))


def _groups(row: ConfigItem, user: Any) -> dict[str, Any]:
    """What writing what is saved would change now."""
    try:
        return {"groups": configitem_preview(name=row.name, save=None)}
    except KubeCarrierError as error:
        return {"groups": [], "refused": error.message}


def _candidates(row: ConfigItem, user: Any) -> dict[str, Any]:
    """Each earlier revision with what going back to it would change."""
    listed = list(row.revisions.order_by("-number")[:_REVISIONS])
    return {"candidates": [(one, _diff(listed[0], one)) for one in listed[1:]]}


def _diff(before: ConfigItemRevision | None, after: ConfigItemRevision) -> str:
    key = digest_key()
    old = spec_text(before.spec, revision_content(before), key=key) if before else ""
    return unified(old, spec_text(after.spec, revision_content(after), key=key), "before", "after")


def _copies(row: ConfigItem, user: Any = None) -> dict[str, Any]:
    rows = row.copies.select_related("cluster", "revision").order_by("cluster__name", "namespace")
    return {"copies": rows[:_SHOWN]}


def _shown_values(row: ConfigItem, content: Content) -> dict[str, str]:
    return shown(content.values, secret=row.is_secret, key=digest_key())


def _alive(row: ConfigItem) -> bool:
    return row.deletion_requested_at is None


@admin.register(ConfigItem)
class ConfigItemAdmin(PortalAdmin):
    """Config items: saved, placed on clusters, and everything of their life."""

    rows = visible_config_items
    find_icon = "tune"
    add_word = gettext_lazy("New config item")
    empty_text = gettext_lazy(
        "A ConfigMap or Secret is written once here and kept the same in all chosen clusters."
    )
    form = ConfigItemForm
    writes = True
    status_template = "console/config_status.html"
    history_template = "console/config_history.html"
    add_form_template = "console/config_form.html"
    change_form_template = "console/config_form.html"
    list_display = (
        "name", "state", "why", "places", "object_kind", "inbox", "propagation", "keys_shown", "changed",
    )  # fmt: skip
    list_filter = ("ready", "object_kind", "secret_type", "propagation", "project", "suspended")
    search_fields = ("name", "object_name", "description")
    fieldsets = (
        (None, {"fields": ("name", "project", "description", "labels")}),
        (gettext_lazy("What"), {"fields": ("object_kind", "secret_type", "object_name", "namespaces")}),
        (gettext_lazy("Values"), {"fields": ("values_as", "key_rows", "values", "remove_keys", "overrides", "uploads")}),
        (gettext_lazy("Where"), {"fields": ("clusters", "selector", "exclude")}),
        (gettext_lazy("Behaviour"), {
            "fields": ("propagation", "prune", "immutable", "adopt", "restart", "ignored_keys"),
        }),
    )  # fmt: skip
    object_actions = (
        ObjectAction("preview", gettext_lazy("Preview"), "difference", _preview, template="console/preview.html",
                     offered=_alive, shown=_groups,
                     text=gettext_lazy("What writing what is saved would change in the clusters now. Nothing is changed by looking.")),
        ObjectAction("reveal", gettext_lazy("Reveal"), "visibility", _reveal, verb="reveal", form=RevealForm,
                     template="console/config_reveal.html", offered=lambda row: row.is_secret,
                     text=gettext_lazy("Shows values in clear, on this page only. That you looked is kept in the audit.")),
        ObjectAction("rollback", gettext_lazy("Roll back"), "history", _rollback, verb="rollback", form=ConfigRollbackForm,
                     template="console/config_rollback.html", offered=_alive, shown=_candidates,
                     text=gettext_lazy("Everything that was saved then, secret values included, becomes a new revision.")),
        ObjectAction("adopt", gettext_lazy("Adopt"), "move_to_inbox", _adopt, verb="adopt", form=AdoptForm, offered=_alive,
                     text=gettext_lazy("Objects of its name that are in the clusters already and not ours are taken over: their values are replaced.")),
        ObjectAction("pause", gettext_lazy("Pause"), "pause", _pause, verb="suspend", offered=lambda row: _alive(row) and not row.suspended,
                     text=gettext_lazy("Nothing is written, corrected or removed until it is resumed.")),
        ObjectAction("resume", gettext_lazy("Resume"), "play_arrow", _resume, verb="suspend", offered=lambda row: row.suspended,
                     text=gettext_lazy("Everything due is done.")),
    )  # fmt: skip
    delete_action = ObjectAction(
        "delete", gettext_lazy("Delete"), "delete", _delete, verb="delete", danger=True, form=ConfigDeleteForm,
        template="console/config_delete.html", shown=_copies,
        text=gettext_lazy("Its objects are removed from every cluster below, and then it is removed from here."),
    )  # fmt: skip
    bulk_actions = (
        BulkAction("pause", gettext_lazy("Pause"), _pause, verb="suspend"),
        BulkAction("resume", gettext_lazy("Resume"), _resume, verb="suspend"),
        BulkAction(
            "delete",
            gettext_lazy("Delete"),
            _delete,
            verb="delete",
            form=ConfigDeleteForm,
            danger=True,
            text=delete_action.text,
        ),
    )

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Copies and inbox are counted for the page's rows, in two queries."""
        found = super().get_changelist_instance(request)
        found.result_list = list(found.result_list)
        attach_copies(found.result_list)
        return found

    @admin.display(description=gettext_lazy("ready in"))
    def places(self, row: ConfigItem) -> str:
        counts = row.counts or {}
        return f"{counts.get('ready', 0)}/{counts.get('total', 0)}"

    @admin.display(description=gettext_lazy("inbox"))
    def inbox(self, row: ConfigItem) -> str:
        return str((row.counts or {}).get("conflicts", 0) or "–")

    @admin.display(description=gettext_lazy("keys"))
    def keys_shown(self, row: ConfigItem) -> str:
        more = f" +{len(row.keys) - 3}" if len(row.keys) > 3 else ""
        return ", ".join(row.keys[:3]) + more

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or _alive(obj))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Keys can be removed by name where their values are not in the form."""
        removable = obj is not None and bool(obj.keys if obj.is_secret else obj.binary_data)
        if removable:
            return super().get_fieldsets(request, obj)
        return [
            (title, {"fields": tuple(f for f in given["fields"] if f != "remove_keys")})
            for title, given in self.fieldsets
        ]

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> Any:
        context |= {"groups": groups_of(request), "secret_types": SECRET_TYPES}
        return super().render_change_form(request, context, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        save = partial(configitem_apply, actor=request.user, wish=form.wish)
        if is_asked(request):
            raise PreviewAsked(configitem_preview(name=form.wish.name, save=save))
        self.save_applied(obj, save().row)

    def header_context(self, row: Any) -> dict[str, Any]:
        kind = f"{row.object_kind} ({row.secret_type})" if row.secret_type else row.object_kind
        expires = row.certificate_expires_at
        facts = [
            (_("Object"), f"{kind} {row.object_name}"), (_("Namespaces"), ", ".join(row.namespaces)),
            (_("Project"), row.project), (_("Changes in a cluster"), row.get_propagation_display()),
            (_("Certificate until"), expires and f"{expires:%Y-%m-%d %H:%M} UTC"), (_("Changed"), since(row.updated_at)),
        ]  # fmt: skip
        return {"facts": facts}

    def status_context(self, row: Any) -> dict[str, Any]:
        content = content_of(row)
        return {
            **_copies(row),
            "values": [
                (key, value, "\n" in value) for key, value in _shown_values(row, content).items()
            ],
            "overridden": sorted(content.overrides),
            "conflicts": row.conflicts.filter(open=True).select_related("copy__cluster")[:20],
            "running": history.operations_of(row, limit=3),
        }

    def history_context(self, row: Any) -> dict[str, Any]:
        listed = list(row.revisions.order_by("-number")[: _REVISIONS + 1])
        pairs = zip(listed, [*listed[1:], None], strict=True)
        revisions = [(one, _diff(before, one)) for one, before in pairs][:_REVISIONS]
        return {**super().history_context(row), "config_revisions": revisions}


@admin.register(ConfigCopy)
class ConfigCopyAdmin(PortalAdmin):
    """Config copies, derived from their items."""

    rows = visible_config_copies
    status_template = "console/config_copy_status.html"
    list_display = ("name", "state", "why", "item", "cluster", "namespace", "drifted", "seen")
    list_filter = ("ready", "cluster", "object_kind")
    list_select_related = ("item", "cluster")
    search_fields = ("name", "object_name")
    fields = ("name", "item", "cluster", "namespace", "object_kind", "object_name", "revision")
    object_actions = (
        ObjectAction("adopt", gettext_lazy("Adopt"), "move_to_inbox", _adopt_copy, verb="configitems.adopt",
                     offered=lambda row: row.condition("Applied").get("reason") == "ObjectOwnedByOthers",
                     text=gettext_lazy("The object that is there already is taken over: its values are replaced.")),
    )  # fmt: skip

    @admin.display(description=gettext_lazy("drift"))
    def drifted(self, row: ConfigCopy) -> str:
        drift = row.condition("Drifted")
        return str(drift.get("reason", "")) if drift.get("status") == "True" else "–"

    def header_context(self, row: Any) -> dict[str, Any]:
        facts = [
            (_("Config item"), row.item.name), (_("Cluster"), row.cluster.name),
            (_("Object"), f"{row.object_kind} {row.namespace}/{row.object_name}"),
            (_("Revision"), f"{row.applied_revision} / {row.revision.number}"),
            (_("Changed by"), row.changed_by), (_("Seen"), since(row.seen_at)),
        ]  # fmt: skip
        return {"facts": facts}

    def status_context(self, row: Any) -> dict[str, Any]:
        return {"conflicts": row.conflicts.filter(open=True).select_related("copy__cluster")}


def copies_of_cluster(row: Cluster, user: Any) -> dict[str, Any]:
    """What config items write in a cluster: what of it `user` may see."""
    found = visible_config_copies(user).filter(cluster=row)
    return {"copies": found.order_by("item__name", "namespace")[:_SHOWN]}


add_section(
    Cluster, Section(gettext_lazy("Config items"), "console/config_section.html", copies_of_cluster)
)
