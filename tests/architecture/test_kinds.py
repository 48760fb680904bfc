"""Every kind has what makes it one, or a written reason."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib import admin
from django.urls import get_resolver

from kubecarrier.lib.manifests import Kind, kinds
from kubecarrier.lib.spec import ReconciledModel

_CHECKOUT = Path(__file__).parents[2]

NO_ADMIN: dict[str, str] = {"AuditSeal": "hashes, for programs and anchors"}
NO_SERVICE = {
    "InventoryObject": "observed in clusters",
    "ResourceType": "observed in clusters",
    "Node": "observed in clusters",
    "Namespace": "observed in clusters",
    "Operation": "a record of what was asked for",
    "Chart": "observed in repositories",
    "ApiToken": "made by POST, which answers its secret this once",
    "Kubeconfig": "made by POST under its cluster, which answers the file this once",
    "ProjectCopy": "derived from project and cluster",
    "Release": "derived from application and cluster",
    "AuditEntry": "a record, written with what it records",
    "ClusterGrant": "derived from binding and cluster",
    "AuditSeal": "made by the controllers",
    "ConfigCopy": "derived from config item and cluster",
    "ConfigConflict": "found in clusters; decided by an action",
}
NO_RECONCILER = {
    "Role": "its bindings follow it, nothing else does",
}
#: A kind whose reconciler has another name than the kind.
RECONCILER = {"ChartRepository": "repository", "ClusterGrant": "cluster_grant"}


@pytest.fixture(autouse=True)
def _urls_loaded() -> None:
    """Kinds register themselves with their URLs."""
    assert get_resolver().url_patterns


def _kinds() -> list[Kind]:
    assert get_resolver().url_patterns
    return kinds()


def test_there_are_kinds() -> None:
    assert {"Cluster", "Application", "Release"} <= {kind.kind for kind in _kinds()}


@pytest.mark.parametrize("kind", _kinds(), ids=lambda kind: kind.kind)
class TestKind:
    def test_console(self, kind: Kind) -> None:
        assert admin.site.is_registered(kind.model) != (kind.kind in NO_ADMIN)

    def test_api(self, kind: Kind) -> None:
        assert get_resolver().resolve(f"/api/v1/{kind.plural}").route

    def test_service(self, kind: Kind) -> None:
        assert (kind.apply is not None) != (kind.kind in NO_SERVICE)

    def test_reconciler(self, kind: Kind) -> None:
        app = kind.model._meta.app_label
        name = RECONCILER.get(kind.kind, kind.singular)
        exists = (_CHECKOUT / app / "reconcilers" / f"{name}.py").exists()
        if issubclass(kind.model, ReconciledModel):
            assert exists != (kind.kind in NO_RECONCILER)
        else:
            assert not exists

    def test_page(self, kind: Kind) -> None:
        assert (_CHECKOUT / "docs" / "kinds" / f"{kind.singular}.md").exists()

    def test_tests(self, kind: Kind) -> None:
        """Some test beyond the units speaks of it through the API."""
        texts = [
            file.read_text()
            for folder in ("db", "controlplane")
            for file in (_CHECKOUT / "tests" / folder).glob("test_*.py")
        ]
        assert any(f"{kind.plural}" in text for text in texts)


def test_reasons_are_of_kinds() -> None:
    known = {kind.kind for kind in _kinds()}
    assert {*NO_ADMIN, *NO_SERVICE, *NO_RECONCILER, *RECONCILER} - known == set()
