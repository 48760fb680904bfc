"""The console's pages of live objects: any kind of any cluster, listed, shown, edited, acted on."""

from fleet.admin.resources.routes import shortcuts, urls

__all__ = ["shortcuts", "urls"]
