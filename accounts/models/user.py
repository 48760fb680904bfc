"""People and service accounts."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, ClassVar

from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models
from django.utils.translation import gettext_lazy as _

from kubecarrier.lib.audit import GuardedQuerySet

if TYPE_CHECKING:
    _Users = UserManager["User"]
else:
    _Users = UserManager.from_queryset(GuardedQuerySet)


class GuardedUserManager(_Users):
    """Django's, whose bulk writes must be named as unaudited."""

    def __eq__(self, other: object) -> bool:
        """To migrations it is Django's own."""
        return isinstance(other, UserManager)

    __hash__ = UserManager.__hash__


class User(AbstractUser):  # type: ignore[django-manager-missing]  # knox names no manager
    """A person or a service account. Staff may use the portal until bindings arrive."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)

    objects: ClassVar[UserManager[User]] = GuardedUserManager()

    class Meta(AbstractUser.Meta):
        swappable = "AUTH_USER_MODEL"
        verbose_name = _("user")  # type: ignore[assignment]  # lazy, as Django wants it
        verbose_name_plural = _("users")  # type: ignore[assignment]
