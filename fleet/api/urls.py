"""URLs of this app's kinds."""

from django.urls import path

from fleet.api import resource_urls, views
from fleet.api.views import access_review
from fleet.api.views.capacity import CapacityView
from fleet.api.views.kubeconfig import ClusterKubeconfigViewSet
from kubecarrier.api.routers import urls

capacity = [path("capacity", CapacityView.as_view(), name="capacity")]
reviews = [
    path("accessreviews/drift", access_review.DriftView.as_view(), name="accessreviews-drift"),
    path(
        "accessreviews/orphans", access_review.OrphansView.as_view(), name="accessreviews-orphans"
    ),
    path(
        "clusters/<str:cluster>/can-i",
        access_review.ClusterCanIView.as_view(),
        name="cluster-can-i",
    ),
    path(
        "clusters/<str:cluster>/who-can",
        access_review.ClusterWhoCanView.as_view(),
        name="cluster-who-can",
    ),
]
kubeconfig = [
    path(
        "clusters/<str:cluster>/kubeconfig",
        ClusterKubeconfigViewSet.as_view({"post": "create"}),
        name="cluster-kubeconfig",
    )
]
urlpatterns = (
    resource_urls.urlpatterns
    + capacity
    + reviews
    + kubeconfig
    + urls(
        views.ClusterGrantViewSet,
        views.ClusterViewSet,
        views.InventoryViewSet,
        views.KubeconfigViewSet,
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
