"""Service accounts named the project that owns them; now they keep its key, too."""

from __future__ import annotations

from typing import Any

from django.db import migrations


def keys(apps: Any, schema_editor: Any) -> None:
    """A name that no project has stays without: nobody but the platform's people sees it."""
    rows = apps.get_model("accounts", "ServiceAccount").objects.exclude(project="")
    found = dict(apps.get_model("fleet", "Project").objects.values_list("name", "pk"))
    for row in rows:
        row.project_uid = found.get(row.project)
        row.save(update_fields=["project_uid"])


class Migration(migrations.Migration):

    dependencies = [
        ("accounts", "0014_service_account_owner"),
        ("fleet", "0015_people_address"),
    ]

    operations = [migrations.RunPython(keys, migrations.RunPython.noop)]
