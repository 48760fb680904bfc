"""Specs of this app's kinds, and the bodies of their actions."""

from fleet.api.serializers.action import ActionResultSerializer
from fleet.api.serializers.cluster import (
    ClusterImportSerializer,
    ClusterSpecSerializer,
    CredentialSerializer,
    ImportedSerializer,
    ImportResultSerializer,
    RenameSerializer,
    RotateSerializer,
)
from fleet.api.serializers.project import ProjectSpecSerializer

__all__ = [
    "ActionResultSerializer",
    "ClusterImportSerializer",
    "ClusterSpecSerializer",
    "CredentialSerializer",
    "ImportResultSerializer",
    "ImportedSerializer",
    "ProjectSpecSerializer",
    "RenameSerializer",
    "RotateSerializer",
]
