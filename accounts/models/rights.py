"""What bindings give, as rows: guardian's object permissions, on direct foreign keys.

Each row belongs to the binding it comes from and goes with it, so that taking one
binding away never takes what another gives (`accounts.deriving`).
"""

from __future__ import annotations

from django.db import models
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase

from accounts.models.binding import Binding


class Platform(models.Model):  # type: ignore[django-manager-missing]  # guardian names no manager
    """The portal itself, as something to hold rights on: one row."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)

    def __str__(self) -> str:
        return "platform"


class UserRight(UserObjectPermissionBase):  # type: ignore[misc]
    """A permission of one person on one object, by one binding."""

    binding = models.ForeignKey(Binding, on_delete=models.CASCADE, related_name="+")

    class Meta(UserObjectPermissionBase.Meta):  # type: ignore[misc]
        abstract = True
        unique_together = ("user", "permission", "content_object", "binding")


class GroupRight(GroupObjectPermissionBase):  # type: ignore[misc]
    """A permission of one group on one object, by one binding."""

    binding = models.ForeignKey(Binding, on_delete=models.CASCADE, related_name="+")

    class Meta(GroupObjectPermissionBase.Meta):  # type: ignore[misc]
        abstract = True
        unique_together = ("group", "permission", "content_object", "binding")


class PlatformUserRight(UserRight):
    """Held by a person everywhere."""

    content_object = models.ForeignKey(Platform, on_delete=models.CASCADE)


class PlatformGroupRight(GroupRight):
    """Held by a group everywhere."""

    content_object = models.ForeignKey(Platform, on_delete=models.CASCADE)
