"""Specs of this app's kinds, and the bodies of their actions."""

from apps.api.serializers.actions import (
    EffectiveValuesSerializer,
    PreviewSerializer,
    RedeploySerializer,
    RevisionListSerializer,
    RollbackSerializer,
    ScaleSerializer,
    UpgradeSerializer,
)
from apps.api.serializers.application import ApplicationSpecSerializer
from apps.api.serializers.chart import ChartVersionListSerializer, ChartVersionSerializer
from apps.api.serializers.release import HelmHistorySerializer
from apps.api.serializers.repository import RepositorySpecSerializer

__all__ = [
    "ApplicationSpecSerializer",
    "ChartVersionListSerializer",
    "ChartVersionSerializer",
    "EffectiveValuesSerializer",
    "HelmHistorySerializer",
    "PreviewSerializer",
    "RedeploySerializer",
    "RepositorySpecSerializer",
    "RevisionListSerializer",
    "RollbackSerializer",
    "ScaleSerializer",
    "UpgradeSerializer",
]
