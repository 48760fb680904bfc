"""URLs of this app's kinds."""

from django.urls import path

from fleet.api import resource_urls, views
from fleet.api.views.capacity import CapacityView
from kubecarrier.api.routers import urls

capacity = [path("capacity", CapacityView.as_view(), name="capacity")]
urlpatterns = (
    resource_urls.urlpatterns
    + capacity
    + urls(
        views.ClusterGrantViewSet,
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
)
