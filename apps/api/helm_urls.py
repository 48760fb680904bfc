"""Local repositories in the form that `helm repo add` accepts."""

from django.urls import path

from apps.api import helm_repository

urlpatterns = [
    path("<str:name>/index.yaml", helm_repository.IndexView.as_view(), name="helm-index"),
    path(
        "<str:name>/<str:digest>/<str:file>.tgz",
        helm_repository.ArchiveView.as_view(),
        name="helm-archive",
    ),
]
