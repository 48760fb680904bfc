"""Specs of this app's kinds, and the bodies of their actions."""

from fleet.api.serializers.action import ActionResultSerializer
from fleet.api.serializers.cluster import (
    AccountManifestSerializer,
    ClusterImportSerializer,
    ClusterSpecSerializer,
    CredentialSerializer,
    ImportedSerializer,
    ImportResultSerializer,
    RenameSerializer,
    RotateSerializer,
)
from fleet.api.serializers.config_item import (
    AdoptSerializer,
    ConfigDiffSerializer,
    ConfigItemSpecSerializer,
    ConfigPreviewSerializer,
    ConfigRevisionListSerializer,
    ConfigRollbackSerializer,
    ResolveSerializer,
    RevealedSerializer,
    RevealSerializer,
    SetKeysSerializer,
)
from fleet.api.serializers.project import (
    DeletionSerializer,
    ProjectNamespaceListSerializer,
    ProjectSpecSerializer,
)

__all__ = [
    "AccountManifestSerializer",
    "ActionResultSerializer",
    "AdoptSerializer",
    "ClusterImportSerializer",
    "ClusterSpecSerializer",
    "ConfigDiffSerializer",
    "ConfigItemSpecSerializer",
    "ConfigPreviewSerializer",
    "ConfigRevisionListSerializer",
    "ConfigRollbackSerializer",
    "CredentialSerializer",
    "DeletionSerializer",
    "ImportResultSerializer",
    "ImportedSerializer",
    "ProjectNamespaceListSerializer",
    "ProjectSpecSerializer",
    "RenameSerializer",
    "ResolveSerializer",
    "RevealSerializer",
    "RevealedSerializer",
    "RotateSerializer",
    "SetKeysSerializer",
]
