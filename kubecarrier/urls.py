"""Every URL of the portal."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from accounts.admin.code import code_page
from accounts.admin.device import device_page
from accounts.admin.own_account import account_page
from accounts.oidc import pages
from kubecarrier import health
from kubecarrier.api import root, schema

v1: list[Any] = [
    path("", include("apps.api.urls")),
    path("", include("accounts.api.urls")),
    path("", include("fleet.api.urls")),
    path("kinds", root.KindsView.as_view(), name="kinds"),
    re_path("", root.UnknownView.as_view(), name="unknown"),
]

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index"), name="home"),
    path("livez", health.livez, name="livez"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    path("admin/", admin.site.urls),
    path("device", device_page, name="device"),
    path("login/code", code_page, name="login-code"),
    path("account", account_page, name="account"),
    path("oidc/login", pages.StartView.as_view(), name="oidc-login"),
    path("oidc/callback", pages.CallbackView.as_view(), name="oidc-callback"),
    path("oidc/backchannel-logout", pages.backchannel_logout, name="oidc-backchannel"),
    path("api/schema", schema.SchemaView.as_view(), name="schema"),
    path("api/docs", schema.DocsView.as_view(url_name="schema"), name="docs"),
    path("api/v1/", include((v1, "v1"))),
    path("helm/", include("apps.api.helm_urls")),
]

handler403 = "kubecarrier.console.refusals.denied"
handler404 = "kubecarrier.console.refusals.not_found"
