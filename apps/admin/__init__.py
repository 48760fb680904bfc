"""The console's pages of this app, one module per kind."""

from apps.admin import applications, charts, releases, repositories

__all__ = ["applications", "charts", "releases", "repositories"]
