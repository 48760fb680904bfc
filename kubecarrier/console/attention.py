"""What somebody should look at: whatever is not ready, and whatever waits for a decision.

A few of each kind, by one query a kind, of those that the person may see. What is only
under way (`state.BUSY`), paused or being deleted is left out: it will be ready, or say so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.permissions import visible_applications, visible_releases, visible_repositories
from fleet.permissions import (
    visible_clusters,
    visible_config_conflicts,
    visible_config_copies,
    visible_config_items,
    visible_project_copies,
)
from kubecarrier.console.state import BUSY, State, state_of
from kubecarrier.lib.conditions import READY

_EACH = 5
_LIVING = Q(deletion_requested_at=None)
_FAILED = Q(ready="False") & ~Q(conditions__Ready__reason__in=sorted(BUSY))
_STALLED, _DRIFTED = (
    Q(**{f"conditions__{name}__status": "True"}) for name in ("Stalled", "Drifted")
)
_CREDENTIAL = Q(conditions__CredentialExpiring__status="True") | Q(
    conditions__CredentialStale__status="True"
)


@dataclass(frozen=True, slots=True)
class _Source:
    """The rows of one kind that are not as they should be."""

    page: str
    icon: str
    word: Any
    rows: Callable[[Any], QuerySet[Any]]
    wrong: Q = _FAILED | _STALLED
    #: Conditions that are told before `Ready`, where they are True.
    about: tuple[str, ...] = ("Stalled",)
    more: str = "ready__exact=False"


_SOURCES = (
    _Source(
        "fleet_cluster", "dns", gettext_lazy("Cluster"), visible_clusters,
        _FAILED | _CREDENTIAL, ("CredentialExpiring", "CredentialStale"),
    ),
    _Source("apps_application", "apps", gettext_lazy("Application"), visible_applications),
    _Source(
        "apps_release", "rocket_launch", gettext_lazy("Release"),
        lambda user: visible_releases(user).defer("objects_seen", "corrections", "last_operation"),
        _FAILED | _STALLED | _DRIFTED, ("Stalled", "Drifted"),
    ),
    _Source("apps_chartrepository", "warehouse", gettext_lazy("Chart repository"), visible_repositories),
    _Source("fleet_configitem", "tune", gettext_lazy("Config item"), visible_config_items),
    _Source("fleet_configcopy", "content_copy", gettext_lazy("Config copy"), visible_config_copies),
    _Source("fleet_projectcopy", "folder_shared", gettext_lazy("Project on a cluster"), visible_project_copies),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Item:
    """One line: what, how it stands, why, since when. `rest` says where more of its kind are."""

    name: str
    icon: str
    word: Any
    url: str
    state: State
    why: str
    since: Any
    drifted: bool = False
    rest: str = ""


def attention(user: Any) -> list[Item]:
    """The objects that somebody should look at, kind by kind."""
    return [item for source in _SOURCES for item in _listed(source, user)] + _waiting(user)


def _listed(source: _Source, user: Any) -> list[Item]:
    rows = source.rows(user).filter(_LIVING, source.wrong, suspended=False)
    found = list(rows.order_by("name")[: _EACH + 1])
    url = f"{reverse(f'admin:{source.page}_changelist')}?{source.more}"
    return [
        _item(source, row, url if len(found) > _EACH and number == _EACH else "")
        for number, row in enumerate(found[:_EACH], 1)
    ]


def _item(source: _Source, row: Any, rest: str) -> Item:
    told = next(
        (name for name in source.about if row.condition(name).get("status") == "True"), READY
    )
    condition = row.condition(told)
    return Item(
        row.name, source.icon, source.word, reverse(f"admin:{source.page}_change", args=[row.pk]),
        state_of(row), condition.get("message", ""), condition.get("lastTransitionAt"),
        told == "Drifted", rest,
    )  # fmt: skip


def _waiting(user: Any) -> list[Item]:
    """The inbox: changes made in a cluster that somebody has to decide on."""
    rows = visible_config_conflicts(user).filter(open=True).order_by("created_at")
    found = list(rows.defer("found")[: _EACH + 1])
    state = State(_("Waits for a decision"), "warn", "inbox")
    inbox = reverse("admin:fleet_configconflict_changelist")
    items = []
    for number, row in enumerate(found[:_EACH], 1):
        said = {"keys": ", ".join(row.keys[:5]), "cluster": row.copy.cluster.name}
        items.append(Item(
            f"{row.item.name}: {said['keys']}", "inbox", _("Inbox"),
            reverse("admin:fleet_configconflict_change", args=[row.pk]), state,
            _("%(keys)s was changed on %(cluster)s.") % said, row.created_at,
            rest=inbox if len(found) > _EACH and number == _EACH else "",
        ))  # fmt: skip
    return items
