"""URLs of this app: logging in, and its kinds."""

from django.urls import path

from accounts.api import views
from kubecarrier.api.routers import urls

urlpatterns = [
    path("auth/login", views.LoginView.as_view(), name="login"),
    path("auth/logout", views.LogoutView.as_view(), name="logout"),
    path("whoami", views.WhoAmIView.as_view(), name="whoami"),
    path("device/code", views.DeviceCodeView.as_view(), name="device-code"),
    path("device/token", views.DeviceTokenView.as_view(), name="device-token"),
    path("auth/logout-everywhere", views.LogoutEverywhereView.as_view(), name="logout-everywhere"),
    path("sessions", views.LoginSessionsView.as_view(), name="sessions"),
    path("sessions/<uuid:pk>", views.LoginSessionView.as_view(), name="session"),
    path("ldap/sync", views.LdapSyncView.as_view(), name="ldap-sync"),
    path("accessreviews", views.AccessReviewView.as_view(), name="accessreviews"),
    path("accessreviews/can-i", views.CanIView.as_view(), name="accessreviews-can-i"),
    path("accessreviews/who-can", views.WhoCanView.as_view(), name="accessreviews-who-can"),
    *urls(
        views.ApiTokenViewSet,
        views.AuditEntryViewSet,
        views.AuditPolicyViewSet,
        views.AuditSealViewSet,
        views.IdentityMappingViewSet,
        views.ServiceAccountViewSet,
        views.RoleViewSet,
        views.BindingViewSet,
    ),
]
