"""The console's pages of config items, their copies and the inbox."""

from __future__ import annotations

from django.contrib import admin

from fleet.models import ConfigConflict, ConfigCopy, ConfigItem
from fleet.permissions import (
    visible_config_conflicts,
    visible_config_copies,
    visible_config_items,
)
from kubecarrier.console.admin import PortalAdmin


@admin.register(ConfigItem)
class ConfigItemAdmin(PortalAdmin):
    """Config items."""

    rows = visible_config_items
    list_display = ("name", "object_kind", "ready", "propagation")
    list_filter = ("ready", "object_kind", "propagation")
    search_fields = ("name", "object_name", "description")
    fields = ("name", "object_kind", "object_name", "namespaces")


@admin.register(ConfigCopy)
class ConfigCopyAdmin(PortalAdmin):
    """Config copies, derived from their items."""

    rows = visible_config_copies
    list_display = ("name", "item", "cluster", "namespace", "ready")
    list_filter = ("ready", "cluster")
    search_fields = ("name", "object_name")
    fields = ("name", "item", "cluster", "namespace")


@admin.register(ConfigConflict)
class ConfigConflictAdmin(PortalAdmin):
    """The inbox."""

    rows = visible_config_conflicts
    list_display = ("item", "copy", "cause", "author_name", "created_at")
    list_filter = ("cause", "choice")
    search_fields = ("item__name", "author_name")
    fields = ("item", "copy", "cause", "author_name")
