"""The console's inbox: changes that somebody made in a cluster, and the four decisions."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import admin
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fleet.choices import ConflictCause, ConflictChoice
from fleet.configs.diffs import found_text
from fleet.configs.queries import content_of, digest_key, found_of
from fleet.models import ConfigConflict
from fleet.permissions import visible_config_conflicts
from fleet.services.configconflicts import configconflict_resolve
from kubecarrier.console.actions import BulkAction, Done, ObjectAction
from kubecarrier.console.admin import PortalAdmin
from kubecarrier.templatetags.console import since

_DECIDED = {
    ConflictChoice.ADOPT: gettext_lazy("The change goes to every cluster."),
    ConflictChoice.REVERT: gettext_lazy("What is wanted is put back."),
    ConflictChoice.PIN: gettext_lazy("The change stays on this cluster."),
    ConflictChoice.IGNORE: gettext_lazy("These keys are left to each cluster."),
}


def _decide(
    row: ConfigConflict, given: dict[str, Any], user: Any, *, choice: ConflictChoice
) -> Done:
    configconflict_resolve(actor=user, conflict=row, choice=choice)
    return Done(_DECIDED[choice])


def _found(row: ConfigConflict, user: Any = None) -> dict[str, Any]:
    """What is wanted against what was found; secrets masked."""
    item = row.item
    present = content_of(item).on(row.copy.cluster.name)
    diff = found_text(found_of(row), present, secret=item.is_secret, key=digest_key())
    return {"diff": diff, "waits": row.cause == ConflictCause.WAITING}


def _action(choice: ConflictChoice, title: Any, icon: str, text: Any, **more: Any) -> ObjectAction:
    return ObjectAction(
        choice.value,
        title,
        icon,
        partial(_decide, choice=choice),
        verb="configitems.edit",
        template="console/config_decide.html",
        offered=lambda row: bool(row.open),
        shown=_found,
        text=text,
        **more,
    )


_ACTIONS = (
    _action(ConflictChoice.ADOPT, gettext_lazy("Adopt everywhere"), "publish",
            gettext_lazy("What was found becomes the next revision of the config item, on every cluster."), primary=True),
    _action(ConflictChoice.REVERT, gettext_lazy("Revert"), "undo",
            gettext_lazy("The object is put back to what is wanted. A change that was overwritten already is let go.")),
    _action(ConflictChoice.PIN, gettext_lazy("Keep here only"), "push_pin",
            gettext_lazy("What was found becomes this cluster's override; the others keep what they have.")),
    _action(ConflictChoice.IGNORE, gettext_lazy("Ignore these keys"), "visibility_off",
            gettext_lazy("From now on each cluster may change these keys for itself.")),
)  # fmt: skip


@admin.register(ConfigConflict)
class ConfigConflictAdmin(PortalAdmin):
    """The inbox."""

    rows = visible_config_conflicts
    empty_text = gettext_lazy(
        "Nobody changed a config item in a cluster. Who does is asked about here: adopt, revert, pin or ignore."
    )
    status_template = "console/config_conflict_status.html"
    live = False
    list_display = ("what", "where", "keys_shown", "cause", "author_name", "found_at", "decision")
    list_filter = ("open", "cause", "choice", "item")
    search_fields = ("item__name", "author_name")
    fields = ("item", "copy", "cause", "author_name")
    ordering = ("-open", "-created_at")
    object_actions = _ACTIONS
    bulk_actions = tuple(
        BulkAction(one.slug, one.title, one.run, verb=one.verb, text=one.text) for one in _ACTIONS
    )

    def _tabs(self) -> list[tuple[str, Any, str]]:
        return [("status", _("Status"), "monitor_heart"), ("history", _("History"), "history")]

    @admin.display(description=gettext_lazy("config item"), ordering="item__name")
    def what(self, row: ConfigConflict) -> str:
        return row.item.name

    @admin.display(description=gettext_lazy("cluster"), ordering="copy__cluster__name")
    def where(self, row: ConfigConflict) -> str:
        return f"{row.copy.cluster.name} / {row.copy.namespace}"

    @admin.display(description=gettext_lazy("keys"))
    def keys_shown(self, row: ConfigConflict) -> str:
        return ", ".join(row.keys[:4]) + ("…" if len(row.keys) > 4 else "")

    @admin.display(description=gettext_lazy("found"), ordering="created_at")
    def found_at(self, row: ConfigConflict) -> str:
        return since(row.created_at)

    @admin.display(description=gettext_lazy("decision"))
    def decision(self, row: ConfigConflict) -> str:
        return _("waits") if row.open else (row.get_choice_display() or _("over"))

    def header_context(self, row: Any) -> dict[str, Any]:
        facts = [
            (_("Config item"), row.item.name),
            (_("Cluster"), f"{row.copy.cluster.name} / {row.copy.namespace}"),
            (_("Changed by"), row.author_name), (_("Changed"), since(row.changed_at)),
            (_("Decided"), since(row.resolved_at) if row.resolved_at else ""),
            (_("Decision"), row.get_choice_display()),
        ]  # fmt: skip
        title = _("%(item)s on %(cluster)s") % {
            "item": row.item.name,
            "cluster": row.copy.cluster.name,
        }
        return {"facts": facts, "title": title}

    def status_context(self, row: Any) -> dict[str, Any]:
        return _found(row)
