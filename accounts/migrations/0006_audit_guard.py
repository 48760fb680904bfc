"""From here on the database itself refuses edits of the audit."""

from django.db import migrations

from accounts.trail import guard


def install(apps, schema_editor):
    guard.install(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0005_audit_seals")]
    operations = [migrations.RunPython(install, migrations.RunPython.noop)]
