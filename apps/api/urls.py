"""URLs of this app's kinds."""

from apps.api import views
from kubecarrier.api.routers import urls

urlpatterns = urls(
    views.RepositoryViewSet, views.ChartViewSet, views.ApplicationViewSet, views.ReleaseViewSet
)
