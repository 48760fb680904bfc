"""Columns that many lists have: what was seen of an object, and when."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin

from kubecarrier.lib.conditions import Status
from kubecarrier.templatetags.console import badge, since

_WHY = 90


class ColumnsAdmin(ModelAdmin):  # type: ignore[misc]
    """For `list_display`; each needs the column of its name on the row."""

    @admin.display(description=gettext_lazy("state"), ordering="ready")
    def state(self, row: Any) -> str:
        return badge(row)

    @admin.display(description=gettext_lazy("why"))
    def why(self, row: Any) -> str:
        """What keeps it from being ready; of what is ready there is nothing to say."""
        ready = row.condition("Ready")
        if row.ready == Status.TRUE:
            return "–"
        return Truncator(ready.get("message") or ready.get("reason", "")).chars(_WHY)

    @admin.display(description=gettext_lazy("changed"), ordering="updated_at")
    def changed(self, row: Any) -> str:
        return since(row.updated_at)

    @admin.display(description=gettext_lazy("seen"), ordering="seen_at")
    def seen(self, row: Any) -> str:
        return since(row.seen_at)
