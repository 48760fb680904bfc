"""This app's kinds as the API knows them."""

from apps.api.kinds.application import APPLICATION
from apps.api.kinds.chart import CHART
from apps.api.kinds.release import RELEASE
from apps.api.kinds.repository import REPOSITORY

__all__ = [
    "APPLICATION",
    "CHART",
    "RELEASE",
    "REPOSITORY",
]
