"""The rows of the built-in roles, and of the superusers' binding: made at each migration."""

from __future__ import annotations

import uuid

from auditlog.context import disable_auditlog
from django.db import connection

from accounts.builtin import ADMIN, ADMINISTRATORS_BINDING, DESCRIPTIONS
from accounts.models import Binding, Platform, Role
from kubecarrier.lib import lease


@disable_auditlog()  # type: ignore[untyped-decorator]
def ensure() -> None:
    """Make what is missing. Every binding is due: a new version may bring new permissions.

    Nobody does this, so it is in no audit: the rows come with the tables.
    """
    if Binding._meta.db_table not in connection.introspection.table_names():
        return  # migrated back to before there were any
    Platform.objects.get_or_create(pk=1)
    for name, text in DESCRIPTIONS.items():
        Role.objects.get_or_create(
            name=name, defaults={"builtin": True, "description": text, "next_reconcile_at": None}
        )
    Binding.objects.get_or_create(
        name=ADMINISTRATORS_BINDING,
        defaults={
            # The same in every portal: one that is made anew finds its objects in the clusters.
            "id": uuid.uuid5(uuid.NAMESPACE_URL, "https://kubecarrier.io/binding/administrators"),
            "builtin": True,
            "role": Role.objects.get(name=ADMIN),
            "scope": {"platform": True},
            "next_reconcile_at": None,
            "description": "Superusers, as they act in clusters.",
        },
    )
    lease.wake(Binding.objects.filter(builtin=False))
