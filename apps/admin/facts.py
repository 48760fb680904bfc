"""What several of this app's pages look up."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from apps.permissions import visible_releases

_SHOWN = 100


def releases_of_cluster(row: Any, user: Any) -> dict[str, Any]:
    """The releases on a cluster, for its page: those that `user` may see."""
    rows = visible_releases(user).filter(cluster=row).order_by("name")
    return {"releases": rows[:_SHOWN], "by": "application"}


def matrix_url(**query: str) -> str:
    """The matrix, filtered."""
    text = "&".join(f"{key}={value}" for key, value in query.items() if value)
    return reverse("admin:apps_matrix") + (f"?{text}" if text else "")
