"""Staff could do everything until there were bindings: they are given one, to be looked at."""

from __future__ import annotations

from typing import Any

from django.db import migrations


def bind(apps: Any, schema_editor: Any) -> None:
    users = apps.get_model("accounts", "User").objects.filter(
        is_staff=True, is_superuser=False, is_active=True
    )
    if not users.exists():
        return
    role, _made = apps.get_model("accounts", "Role").objects.get_or_create(
        name="cluster-admin", defaults={"builtin": True, "next_reconcile_at": None}
    )
    binding = apps.get_model("accounts", "Binding").objects.create(
        name="former-staff",
        role=role,
        scope={"platform": True},
        description="People who were staff before there were roles: they could do everything.",
    )
    binding.users.set(users)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0009_roles_and_bindings")]

    operations = [migrations.RunPython(bind, migrations.RunPython.noop)]
