"""Who is in which group: a membership gives all that the group holds."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib.auth.models import Group
from django.db import transaction

from accounts import granting
from accounts.following import subjects_changed
from accounts.models import User
from kubecarrier.lib import access


def user_groups_set(*, user: User, groups: Iterable[Group]) -> None:
    """Make these the groups of `user`; raises DeniedError for a group that holds more than one does."""
    with transaction.atomic():
        wanted = list(groups)
        present = list(user.groups.all())
        gained = [group for group in wanted if group not in present]
        lost = [group for group in present if group not in wanted]
        if gained or lost:
            access.demand("groups.edit")
        granting.check_membership(gained)
        user_groups_moved(user=user, gained=gained, lost=lost)


def user_groups_moved(*, user: User, gained: Iterable[Group], lost: Iterable[Group]) -> None:
    """Write memberships, and what follows; asks nobody: a provider or a directory says so."""
    came, gone = list(gained), list(lost)
    with transaction.atomic():
        if gone:
            user.groups.remove(*gone)
        if came:
            user.groups.add(*came)
        if came or gone:
            subjects_changed(groups=[*came, *gone])
