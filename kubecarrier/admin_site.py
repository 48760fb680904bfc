"""The console's site: unfold's, with our start page and without foreign admins."""

from __future__ import annotations

from django.contrib.admin.apps import AdminConfig as DjangoAdminConfig
from unfold.sites import UnfoldAdminSite


class KubeCarrierAdminSite(UnfoldAdminSite):  # type: ignore[misc]
    """The admin site of the portal."""


class AdminConfig(DjangoAdminConfig):
    """Makes ours the default site."""

    default_site = "kubecarrier.admin_site.KubeCarrierAdminSite"
