"""Repositories, charts, applications and releases over REST."""

from apps.api.views.application import ApplicationViewSet
from apps.api.views.chart import ChartViewSet
from apps.api.views.release import ReleaseViewSet
from apps.api.views.repository import RepositoryViewSet

__all__ = [
    "ApplicationViewSet",
    "ChartViewSet",
    "ReleaseViewSet",
    "RepositoryViewSet",
]
