"""URLs of this app's kinds."""

from accounts.api import views
from kubecarrier.api.routers import urls

urlpatterns = urls(
    views.AuditEntryViewSet,
)
