"""The console's pages of this app, one module per kind."""

from apps.admin import applications, charts, releases, repositories, values_check

__all__ = ["applications", "charts", "releases", "repositories", "values_check"]
