"""How the console writes states, times, quantities and diffs."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from django import template
from django.contrib.contenttypes.models import ContentType
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from kubecarrier.console.state import State, state_of
from kubecarrier.lib import strict_yaml

register = template.Library()
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_HUNK = re.compile(r"^(---|\+\+\+) ")


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """A symbol; without a label it is hidden from screen readers."""
    if label:
        return format_html(
            '<span class="material-symbols-outlined kc-icon" role="img" aria-label="{}" title="{}">{}</span>',
            label, label, name,
        )  # fmt: skip
    return format_html(
        '<span class="material-symbols-outlined kc-icon" aria-hidden="true">{}</span>', name
    )


def chip(word: Any, tone: str, icon_name: str, title: str = "") -> SafeString:
    """Icon and word in a tone."""
    return format_html(
        '<span class="kc-chip kc-{}"{}>{}<span>{}</span></span>',
        tone, format_html(' title="{}"', title) if title else "", icon(icon_name), word,
    )  # fmt: skip


@register.simple_tag(name="chip")
def chip_tag(word: Any, tone: str, icon_name: str, title: str = "") -> SafeString:
    """`{% chip word tone icon %}`."""
    return chip(word, tone, icon_name, title)


@register.filter
def badge(found: Any) -> SafeString:
    """The chip of a State, or of a row's state."""
    state = found if isinstance(found, State) else state_of(found)
    return chip(state.word, state.tone, state.icon, state.message)


@register.filter
def since(value: Any) -> SafeString | str:
    """How long ago, short, with the exact time as its title."""
    moment = parse_datetime(value) if isinstance(value, str) else value
    if not isinstance(moment, datetime):
        return "–"
    if timezone.is_naive(moment):
        moment = moment.replace(tzinfo=timezone.get_current_timezone())
    return format_html(
        '<time datetime="{}" title="{} UTC">{}</time>',
        moment.isoformat(), moment.strftime("%Y-%m-%d %H:%M:%S"),
        ago((timezone.now() - moment).total_seconds()),
    )  # fmt: skip


def ago(seconds: float) -> str:
    """`5 s ago`, `in 3 d`: one unit, rounded down."""
    amount, unit = _scaled(abs(seconds))
    if seconds < -1:
        return _("in %(amount)d %(unit)s") % {"amount": amount, "unit": unit}
    if abs(seconds) < 2:
        return _("just now")
    return _("%(amount)d %(unit)s ago") % {"amount": amount, "unit": unit}


def _scaled(seconds: float) -> tuple[int, str]:
    for size, unit in ((86400, _("d")), (3600, _("h")), (60, _("min"))):
        if seconds >= size:
            return int(seconds // size), unit
    return int(seconds), _("s")


@register.filter
def cores(millicores: Any) -> str:
    """Millicores as cores."""
    return f"{(millicores or 0) / 1000:.2f}".rstrip("0").rstrip(".")


@register.filter
def size(value: Any) -> str:
    """Bytes in binary units."""
    amount = float(value or 0)
    for unit in _UNITS:
        if amount < 1024 or unit == _UNITS[-1]:
            return f"{amount:.1f}".rstrip("0").rstrip(".") + f" {unit}"
        amount /= 1024
    return ""


@register.filter
def yaml(value: Any) -> str:
    """A structure as YAML text."""
    return strict_yaml.dump(value).rstrip() if value not in (None, {}, [], "") else ""


@register.filter
def diff(text: str) -> SafeString:
    """A unified diff, each line marked by class and by its own first character."""
    lines = [(_kind(line), line) for line in (text or "").splitlines()]
    return format_html_join("", '<span class="kc-line {}">{}\n</span>', lines)


def _kind(line: str) -> str:
    if _HUNK.match(line):
        return "kc-file"
    return {"@": "kc-hunk", "+": "kc-add", "-": "kc-del"}.get(line[:1], "")


@register.filter
def labels(value: Any) -> SafeString:
    """Labels as small tags."""
    return format_html_join(
        " ", '<span class="kc-tag"><b>{}</b>={}</span>', sorted((value or {}).items())
    )


@register.filter
def joined(way: str, name: str) -> str:
    """A path with one more part."""
    return f"{way}.{name}" if way else name


@register.filter
def cell(value: Any) -> str:
    """A value of a status column in words."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


@register.filter
def told(value: Any) -> Any:
    """A value of an object; a moment as how long ago it was."""
    return since(value) if isinstance(value, str) and _MOMENT.fullmatch(value) else value


@register.filter
def short(value: Any, length: int = 12) -> str:
    """The beginning of a digest."""
    return str(value or "")[:length]


@register.filter
def get(mapping: Any, key: Any) -> Any:
    """`mapping[key]`, or nothing."""
    return (mapping or {}).get(key, "")


@register.filter
def verbose(operation_verb: str) -> str:
    """An operation's verb for people."""
    return {
        "deploy": _("Deploy"), "scale": _("Scale"), "upgrade": _("Upgrade"), "rollback": _("Roll back"),
        "redeploy": _("Redeploy"), "delete": _("Delete"), "remove": _("Remove"),
    }.get(operation_verb, operation_verb.capitalize())  # fmt: skip


@register.filter
def outcome(operation: Any) -> SafeString:
    """How an operation stands."""
    targets = list(operation.targets.all())
    failed = sum(1 for target in targets if target.state == "failed")
    if operation.finished_at is None:
        done = sum(1 for target in targets if target.state != "running")
        return chip(f"{done}/{len(targets)}", "busy", "progress_activity", _("Running"))
    if failed:
        word = ngettext("%d failed", "%d failed", failed) % failed
        return chip(word, "bad", "error")
    return chip(_("Done"), "ok", "check_circle")


@register.filter
def target_chip(target: Any) -> SafeString:
    """How one target of an operation stands."""
    tone, name = {
        "running": ("busy", "progress_activity"),
        "succeeded": ("ok", "check_circle"),
    }.get(target.state, ("bad", "error"))
    return chip(target.get_state_display(), tone, name)


_HEALTH = {
    "Healthy": ("ok", "check_circle"), "Progressing": ("busy", "progress_activity"),
    "Degraded": ("bad", "error"), "Missing": ("bad", "do_not_disturb_on"),
    "Suspended": ("idle", "pause_circle"), "Unknown": ("idle", "help"),
}  # fmt: skip


@register.filter
def health(word: str) -> SafeString:
    """The health of an object in a cluster."""
    tone, name = _HEALTH.get(str(word).capitalize(), ("idle", "help"))
    return chip(str(word).capitalize() or _("Unknown"), tone, name)


@register.filter
def healths(entries: list[dict[str, Any]]) -> SafeString | str:
    """The health of many objects in one chip: the worst, and how many of how many."""
    known = [str(one["health"]).capitalize() for one in entries if one.get("health")]
    for word in ("Degraded", "Missing", "Progressing", "Unknown"):
        if count := known.count(word):
            tone, name = _HEALTH[word]
            return chip(f"{count}/{len(known)} {word.lower()}", tone, name)
    return chip(f"{len(known)} {_('healthy')}", "ok", "check_circle") if known else "–"


@register.filter
def object_url(operation: Any) -> str:
    """The page of what an operation was asked for, or nothing."""
    names = {
        "Application": "apps_application",
        "Cluster": "fleet_cluster",
        "Project": "fleet_project",
    }
    if operation.kind not in names:
        return ""
    return reverse(f"admin:{names[operation.kind]}_change", args=[operation.object_id])


def linked(page: str, row: Any) -> SafeString:
    """A row's name, leading to its page."""
    return format_html('<a href="{}">{}</a>', reverse(f"admin:{page}_change", args=[row.pk]), row)


@register.filter
def did(entry: Any) -> str:
    """What an audit entry says was done, as a verb of the past."""
    known = {0: _("created"), 1: _("changed"), 2: _("deleted"), 3: _("opened")}
    return str(entry.event) or known.get(entry.action, "")


@register.filter
def entry_url(entry: Any) -> str:
    """The page of what an audit entry is about, or nothing."""
    if entry.action == 2 or not entry.content_type_id:
        return ""
    try:
        # From the cache of types, not by a query per entry; a type may be gone with its app.
        kind = ContentType.objects.get_for_id(entry.content_type_id)
        return reverse(f"admin:{kind.app_label}_{kind.model}_change", args=[entry.object_pk])
    except (NoReverseMatch, ContentType.DoesNotExist):
        return ""
