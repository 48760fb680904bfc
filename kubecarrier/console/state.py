"""What a row looks like at a glance: one word, one icon, one tone, and why.

The word and the icon say the same as the colour, so that the colour is never
the only sign.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from kubecarrier.lib.conditions import READY, Status

# Reasons with which a row is under way rather than broken.
BUSY = frozenset({
    "NotDeployed", "Deploying", "WaitingForDependency", "Uninstalling", "Unlocked",
    "InProgressElsewhere", "NotObserved", "NotProbed", "Progressing",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class State:
    """`tone` is one of ok, bad, warn, busy, idle."""

    word: Any
    tone: str
    icon: str
    reason: str = ""
    message: str = ""


_finders: dict[type[models.Model], Callable[[Any], State]] = {}


def add_state(model: type[models.Model], finder: Callable[[Any], State]) -> None:
    """`finder(row)` says how rows of `model` look, whose life has words of its own."""
    _finders[model] = finder


def state_of(row: Any) -> State:
    """The state of a reconciled row, the most telling first."""
    if finder := _finders.get(type(row)):
        return finder(row)
    ready = row.condition(READY)
    reason, message = str(ready.get("reason", "")), str(ready.get("message", ""))
    if row.deletion_requested_at:
        return State(_("Deleting"), "busy", "auto_delete", reason, message)
    if row.suspended:
        return State(_("Paused"), "idle", "pause_circle", reason, message)
    if row.ready == Status.TRUE:
        if row.observed_generation < row.generation:
            return State(_("Progressing"), "busy", "progress_activity", reason, message)
        return State(_("Ready"), "ok", "check_circle", reason, message)
    if row.condition("Stalled").get("status") == Status.TRUE:
        return State(_("Failed"), "bad", "error", reason, message)
    if reason in BUSY or not reason:
        return State(_("Progressing"), "busy", "progress_activity", reason, message)
    if row.ready == Status.UNKNOWN:
        return State(_("Unknown"), "idle", "help", reason, message)
    return State(_("Not ready"), "bad", "error", reason, message)


def drifted(row: Any) -> bool:
    """Whether the cluster differs from what was deployed there."""
    return bool(row.condition("Drifted").get("status") == Status.TRUE)


_CONDITION_TONES = {Status.TRUE: "ok", Status.FALSE: "bad", Status.UNKNOWN: "idle"}
_ICONS = {"ok": "check_circle", "bad": "error", "idle": "help", "warn": "warning"}
# Conditions that are good when they are False.
_HARMFUL = frozenset({"Drifted", "Stalled", "CredentialExpiring", "CredentialStale"})


def condition_rows(row: Any) -> list[dict[str, Any]]:
    """The conditions of a row for a table, `Ready` first."""
    rows = []
    for name in sorted(row.conditions, key=lambda name: (name != READY, name)):
        condition = row.conditions[name]
        status = condition.get("status", "Unknown")
        tone = _CONDITION_TONES.get(status, "idle")
        if name in _HARMFUL and tone != "idle":
            tone = "ok" if tone == "bad" else "warn"
        rows.append({"type": name, "tone": tone, "icon": _ICONS[tone], **condition})
    return rows
