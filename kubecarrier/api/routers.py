"""URLs of a kind: `/<plural>`, `/<plural>/<name>`, `/<plural>/<name>/<action>`, no trailing slash."""

from __future__ import annotations

from rest_framework.routers import SimpleRouter

from kubecarrier.api.views import DocumentViewSet


def urls(*viewsets: type[DocumentViewSet]) -> list[object]:
    """The URL patterns of these views, named `<plural>-<action>`."""
    router = SimpleRouter(trailing_slash=False)
    for viewset in viewsets:
        router.register(viewset.kind.plural, viewset, basename=viewset.kind.plural)
    return list(router.urls)
