"""Nodes and namespaces over REST: read only."""

from __future__ import annotations

from fleet.api import kinds
from kubecarrier.api.views import DocumentViewSet


class NodeViewSet(DocumentViewSet):
    """Nodes, observed."""

    kind = kinds.NODE
    http_method_names = ["get", "head", "options"]


class NamespaceViewSet(DocumentViewSet):
    """Namespaces, observed."""

    kind = kinds.NAMESPACE
    http_method_names = ["get", "head", "options"]
