"""URLs of this app's kinds."""

from fleet.api import resource_urls, views
from kubecarrier.api.routers import urls

urlpatterns = resource_urls.urlpatterns + urls(
    views.ClusterViewSet,
    views.InventoryViewSet,
    views.NodeViewSet,
    views.NamespaceViewSet,
    views.OperationViewSet,
    views.ProjectViewSet,
    views.ProjectCopyViewSet,
    views.ResourceTypeViewSet,
    views.ConfigItemViewSet,
    views.ConfigCopyViewSet,
    views.ConfigConflictViewSet,
)
