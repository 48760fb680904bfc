"""The admin console's theme (unfold) and its side bar."""

from __future__ import annotations

from typing import Any

from django.templatetags.static import static
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
    "SHOW_BACK_BUTTON": True,
    "SITE_URL": None,
    "BORDER_RADIUS": "8px",
    "DASHBOARD_CALLBACK": "kubecarrier.admin_site.start_page",
    "SITE_FAVICONS": [
        {
            "rel": "icon",
            "type": "image/svg+xml",
            "href": lambda request: static("console/icon.svg"),
        }
    ],
    "STYLES": [lambda request: static("console/console.css")],
    "SCRIPTS": [
        lambda request: static("console/console.js"),
        lambda request: static("console/names.js"),
        lambda request: static("console/find.js"),
        lambda request: static("console/lists.js"),
        lambda request: static("console/editor.js"),
        lambda request: static("console/rows.js"),
    ],
    "COLORS": {
        "primary": {
            "50": "oklch(97.2% .014 233)",
            "100": "oklch(94.2% .030 233)",
            "200": "oklch(88.8% .058 233)",
            "300": "oklch(81.0% .095 234)",
            "400": "oklch(71.5% .125 237)",
            "500": "oklch(62.5% .135 241)",
            "600": "oklch(52.5% .125 245)",
            "700": "oklch(45.5% .110 246)",
            "800": "oklch(39.5% .092 246)",
            "900": "oklch(34.5% .075 247)",
            "950": "oklch(26.0% .055 248)",
        },
    },
    "SIDEBAR": {
        "show_search": True,
        "show_all_applications": False,
        "navigation": [
            {
                "title": _("Fleet"),
                "items": [
                    _item(_("Overview"), "dashboard", "admin:index"),
                    _item(_("Clusters"), "dns", "admin:fleet_cluster_changelist"),
                    _item(_("Nodes"), "memory", "admin:fleet_node_changelist"),
                    _item(_("Namespaces"), "folder", "admin:fleet_namespace_changelist"),
                    _item(_("Capacity"), "speed", "admin:fleet_capacity"),
                    _item(_("Projects"), "workspaces", "admin:fleet_project_changelist"),
                    _item(_("Inventory"), "search", "admin:fleet_inventoryobject_changelist"),
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
                "title": _("Configuration"),
                "items": [
                    _item(_("Config items"), "tune", "admin:fleet_configitem_changelist"),
                    {
                        **_item(_("Inbox"), "inbox", "admin:fleet_configconflict_changelist"),
                        "badge": "fleet.configs.queries.open_conflicts",
                    },
                    _item(_("Copies"), "file_copy", "admin:fleet_configcopy_changelist"),
                ],
            },
            {
                "title": _("Catalogue"),
                "items": [
                    _item(_("Repositories"), "warehouse", "admin:apps_chartrepository_changelist"),
                    _item(_("Charts"), "inventory_2", "admin:apps_chart_changelist"),
                    _item(_("Resource types"), "category", "admin:fleet_resourcetype_changelist"),
                ],
            },
            {
                "title": _("Access"),
                "items": [
                    {
                        **_item(_("Users"), "person", "admin:accounts_user_changelist"),
                        "permission": lambda request: request.user.is_superuser,
                    },
                    {
                        **_item(_("Groups"), "groups", "admin:auth_group_changelist"),
                        "permission": lambda request: request.user.is_superuser,
                    },
                    _item(_("Roles"), "badge", "admin:accounts_role_changelist"),
                    _item(_("Bindings"), "link", "admin:accounts_binding_changelist"),
                    _item(_("Access review"), "policy", "admin:access_review"),
                    _item(
                        _("Cluster grants"), "verified_user", "admin:fleet_clustergrant_changelist"
                    ),
                    _item(
                        _("Service accounts"),
                        "smart_toy",
                        "admin:accounts_serviceaccount_changelist",
                    ),
                    _item(
                        _("Identity mappings"),
                        "swap_horiz",
                        "admin:accounts_identitymapping_changelist",
                    ),
                    {
                        **_item(_("Your account"), "account_circle", "account"),
                        # The theme looks for `/account` anywhere in the path.
                        "active": lambda request: request.path == "/account",
                    },
                    _item(_("API tokens"), "key", "admin:accounts_apitoken_changelist"),
                    _item(_("Kubeconfigs"), "terminal", "admin:fleet_kubeconfig_changelist"),
                    _item(_("Audit"), "history", "admin:accounts_auditentry_changelist"),
                    _item(
                        _("Audit policies"), "auto_delete", "admin:accounts_auditpolicy_changelist"
                    ),
                ],
            },
        ],
    },
}
