"""Entries from before get the names that are kept beside their keys."""

from django.apps import apps as django_apps
from django.db import migrations
from django.db.models import F, OuterRef, Subquery


def keep_names(apps, schema_editor):
    entries = apps.get_model("accounts", "AuditEntry").objects
    users = apps.get_model("accounts", "User").objects.filter(pk=OuterRef("actor_id"))
    types = apps.get_model("contenttypes", "ContentType").objects
    entries.filter(actor_id__isnull=False, actor_name="").update(
        actor_name=Subquery(users.values("username")[:1])
    )
    for found in types.filter(pk__in=entries.filter(kind="").values("content_type_id")):
        try:
            name = django_apps.get_model(found.app_label, found.model).__name__
        except LookupError:
            name = found.model
        entries.filter(content_type_id=found.pk, kind="").update(kind=name)
    clusters = entries.filter(kind="Cluster", cluster="")
    clusters.update(cluster=F("object_repr"))
    entries.filter(event="denied").update(result="denied")
    entries.filter(event="login-failed").update(result="failed")


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_audit_places")]
    operations = [migrations.RunPython(keep_names, migrations.RunPython.noop, elidable=True)]
