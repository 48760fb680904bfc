"""URLs of this app's kinds."""

from fleet.api import views
from kubecarrier.api.routers import urls

urlpatterns = urls(
    views.ClusterViewSet,
    views.NodeViewSet,
    views.NamespaceViewSet,
    views.OperationViewSet,
    views.ProjectViewSet,
)
