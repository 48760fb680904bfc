"""The admin console's theme (unfold) and its side bar."""

from __future__ import annotations

from typing import Any

from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _


def _item(title: Any, icon: str, url_name: str) -> dict[str, Any]:
    return {"title": title, "icon": icon, "link": reverse_lazy(url_name)}


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "KubeCarrier",
    "SITE_HEADER": "KubeCarrier",
    "SITE_SUBHEADER": _("Many clusters, one portal"),
    "SITE_SYMBOL": "sailing",
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,

    "SIDEBAR": {
        "show_search": True,
        "show_all_applications": False,
        "navigation": [
            {
                "title": _("Fleet"),
                "items": [
                    _item(_("Overview"), "dashboard", "admin:index"),
                    _item(_("Clusters"), "dns", "admin:fleet_cluster_changelist"),
                    _item(_("Operations"), "pending_actions", "admin:fleet_operation_changelist"),
                ],
            },
            {
                "title": _("Applications"),
                "items": [
                    _item(_("Applications"), "apps", "admin:apps_application_changelist"),
                    _item(_("Matrix"), "grid_on", "admin:apps_matrix"),
                    _item(_("Releases"), "rocket_launch", "admin:apps_release_changelist"),
                ],
            },
            {
                "title": _("Catalogue"),
                "items": [
                    _item(_("Repositories"), "warehouse", "admin:apps_chartrepository_changelist"),
                    _item(_("Charts"), "inventory_2", "admin:apps_chart_changelist"),
                ],
            },
            {
                "title": _("Access"),
                "items": [
                    _item(_("Users"), "person", "admin:accounts_user_changelist"),
                    _item(_("API tokens"), "key", "admin:accounts_apitoken_changelist"),
                    _item(_("Audit"), "history", "admin:accounts_auditentry_changelist"),
                ],
            },
        ],
    },
}
