"""Columns that many lists have: what was seen of an object, and when."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin

from kubecarrier.templatetags.console import badge, since


class ColumnsAdmin(ModelAdmin):  # type: ignore[misc]
    """For `list_display`; each needs the column of its name on the row."""

    @admin.display(description=gettext_lazy("state"), ordering="ready")
    def state(self, row: Any) -> str:
        return badge(row)

    @admin.display(description=gettext_lazy("reason"))
    def reason(self, row: Any) -> str:
        return str(row.condition("Ready").get("reason", ""))

    @admin.display(description=gettext_lazy("changed"), ordering="updated_at")
    def changed(self, row: Any) -> str:
        return since(row.updated_at)

    @admin.display(description=gettext_lazy("seen"), ordering="seen_at")
    def seen(self, row: Any) -> str:
        return since(row.seen_at)
