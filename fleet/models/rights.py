"""Rights on projects, on clusters and on their namespaces: what bindings give there (`accounts.models.rights`)."""

from __future__ import annotations

from django.db import models

from accounts.models import GroupRight, UserRight
from fleet.models.cluster import Cluster
from fleet.models.observed import Namespace
from fleet.models.project import Project


class ProjectUserRight(UserRight):
    """Held by a person on everything in a project."""

    content_object = models.ForeignKey(Project, on_delete=models.CASCADE)


class ProjectGroupRight(GroupRight):
    """Held by a group on everything in a project."""

    content_object = models.ForeignKey(Project, on_delete=models.CASCADE)


class ClusterUserRight(UserRight):
    """Held by a person on a cluster and everything in it."""

    content_object = models.ForeignKey(Cluster, on_delete=models.CASCADE)


class ClusterGroupRight(GroupRight):
    """Held by a group on a cluster and everything in it."""

    content_object = models.ForeignKey(Cluster, on_delete=models.CASCADE)


class NamespaceUserRight(UserRight):
    """Held by a person in one namespace of a cluster."""

    content_object = models.ForeignKey(Namespace, on_delete=models.CASCADE)


class NamespaceGroupRight(GroupRight):
    """Held by a group in one namespace of a cluster."""

    content_object = models.ForeignKey(Namespace, on_delete=models.CASCADE)
