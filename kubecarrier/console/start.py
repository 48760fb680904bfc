"""The fleet at a glance, in a fixed number of queries."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.trail.history import changes_seen
from apps.models import Release
from apps.permissions import visible_applications, visible_repositories
from fleet.permissions import visible_clusters, visible_operations
from kubecarrier.console.attention import attention
from kubecarrier.console.history import with_changes
from kubecarrier.lib.audit import Channel

EXPIRES_WITHIN = timedelta(days=14)
_CHANGES = 8


def facts(user: Any) -> dict[str, Any]:
    """Counts of clusters and applications, what needs attention, the latest operations and changes."""
    clusters, applications = _clusters(user), _applications(user)
    repositories = visible_repositories(user).exists()
    return {
        "clusters": clusters,
        "applications": applications,
        "cluster_parts": _cluster_parts(clusters),
        "application_parts": _application_parts(applications),
        "steps": {
            "cluster": clusters["total"] > 0,
            "repository": repositories,
            "application": applications["total"] > 0,
        },
        "begun": clusters["total"] > 0 and repositories and applications["total"] > 0,
        "attention": attention(user),
        "operations": list(visible_operations(user)[:6]),
        "entries": _entries(user),
    }


def _clusters(user: Any) -> dict[str, int]:
    soon = timezone.now() + EXPIRES_WITHIN
    found: dict[str, int] = (
        visible_clusters(user)
        .order_by()
        .aggregate(
            total=Count("pk"),
            ready=Count("pk", filter=Q(ready="True", suspended=False)),
            unreachable=Count(
                "pk", filter=Q(conditions__Reachable__status="False", suspended=False)
            ),
            expiring=Count("pk", filter=Q(credential_expires_at__lte=soon)),
            paused=Count("pk", filter=Q(suspended=True)),
        )
    )
    return found


def _applications(user: Any) -> dict[str, int]:
    """Each application is counted once, at the worst of its releases."""
    releases = Release.objects.filter(application=OuterRef("pk"))
    failed = Exists(releases.filter(conditions__Stalled__status="True"))
    drifted = Exists(releases.filter(conditions__Drifted__status="True"))
    rows = visible_applications(user).order_by().annotate(failed_here=failed, drifted_here=drifted)
    current = Q(ready="True", observed_generation__gte=F("generation"))
    calm = Q(failed_here=False, drifted_here=False, suspended=False)
    found: dict[str, int] = rows.aggregate(
        total=Count("pk"),
        # An alias hides the column of its name from what follows: `ready` comes after `unknown`.
        unknown=Count("pk", filter=Q(ready="Unknown") & calm & ~Q(conditions={})),
        ready=Count("pk", filter=current & calm),
        failed=Count("pk", filter=Q(failed_here=True, suspended=False)),
        drifted=Count("pk", filter=Q(failed_here=False, drifted_here=True, suspended=False)),
        paused=Count("pk", filter=Q(suspended=True)),
    )
    counted = sum(found[key] for key in ("ready", "failed", "drifted", "unknown", "paused"))
    found["progressing"] = max(0, found["total"] - counted)
    return found


def _cluster_parts(found: dict[str, int]) -> list[dict[str, Any]]:
    url = reverse("admin:fleet_cluster_changelist")
    other = max(0, found["total"] - found["ready"] - found["unreachable"] - found["paused"])
    parts = _parts(found["total"], [
        ("ok", "check_circle", _("ready"), found["ready"], f"{url}?ready__exact=True"),
        ("bad", "cloud_off", _("unreachable"), found["unreachable"], f"{url}?ready__exact=False"),
        ("idle", "pause_circle", _("paused"), found["paused"], f"{url}?suspended__exact=1"),
        ("busy", "progress_activity", _("being looked at"), other, f"{url}?ready__exact=Unknown"),
    ])  # fmt: skip
    expiring = {"tone": "warn", "icon": "key", "word": _("credentials end soon"), "count": found["expiring"],
                "url": f"{url}?expiring=1", "x": 0, "width": 0}  # fmt: skip
    return [part for part in [*parts, expiring] if part["tone"] != "busy" or part["count"]]


def _application_parts(found: dict[str, int]) -> list[dict[str, Any]]:
    url = reverse("admin:apps_application_changelist")
    return _parts(found["total"], [
        ("ok", "check_circle", _("ready"), found["ready"], f"{url}?ready__exact=True"),
        ("busy", "progress_activity", _("progressing"), found["progressing"], f"{url}?standing=progressing"),
        ("warn", "difference", _("drifted"), found["drifted"], f"{url}?standing=drifted"),
        ("bad", "error", _("failed"), found["failed"], f"{url}?standing=failed"),
        ("idle", "help", _("unknown"), found["unknown"], f"{url}?ready__exact=Unknown"),
        ("idle", "pause_circle", _("paused"), found["paused"], f"{url}?suspended__exact=1"),
    ])  # fmt: skip


def _parts(total: int, listed: list[tuple[str, str, Any, int, str]]) -> list[dict[str, Any]]:
    """Each part with where it begins and how wide it is, in per cent."""
    parts, x = [], 0.0
    for tone, icon, word, count, url in listed:
        width = round(100 * count / total, 2) if total else 0
        parts.append(
            {
                "tone": tone,
                "icon": icon,
                "word": word,
                "count": count,
                "url": url,
                "x": x,
                "width": width,
            }
        )
        x = round(x + width, 2)
    return parts


def _entries(user: Any) -> list[dict[str, Any]]:
    """The newest changes that people made, or git: operations have a list of their own."""
    found = changes_seen(user).exclude(channel=Channel.RECONCILER)
    found = found.select_related("actor", "content_type")
    return with_changes(found.order_by("-timestamp", "-pk")[:_CHANGES])
