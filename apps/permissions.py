"""Who may see this app's kinds: the only place where rows are fetched for people."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from apps.models import Application, Chart, ChartRepository, Release


def visible_repositories(user: Any) -> QuerySet[ChartRepository]:
    """The repositories `user` may see."""
    return ChartRepository.objects.visible_to(user)


def visible_charts(user: Any) -> QuerySet[Chart]:
    """The charts of the repositories `user` may see."""
    return Chart.objects.visible_to(user).select_related("repository")


def visible_applications(user: Any) -> QuerySet[Application]:
    """The applications `user` may see."""
    return Application.objects.visible_to(user).select_related("project")


def visible_releases(user: Any) -> QuerySet[Release]:
    """The releases `user` may see."""
    return Release.objects.visible_to(user).select_related("application", "cluster", "revision")
