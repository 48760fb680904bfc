"""Which models are audited, and why the others are not.

`tests/architecture/test_audited.py` fails for a model that is on neither list.
"""

from __future__ import annotations

from auditlog.registry import auditlog
from django.apps import apps as django_apps
from django.db import models

from accounts import memberships
from kubecarrier.lib import crypto
from kubecarrier.lib.spec import ReconciledModel

# label → the reason why its changes leave no entry
NOT_AUDITED: dict[str, str] = {
    "accounts.AuditEntry": "it is the record itself",
    "accounts.AuditSeal": "a seal over the record",
    "admin.LogEntry": "Django's own log of the admin, replaced by the audit entry",
    "auth.Permission": "names of the catalogue, written by migrations and by deriving",
    "accounts.Platform": "one row that never changes",
    "accounts.PlatformUserRight": "derived from bindings, which are audited",
    "accounts.PlatformGroupRight": "derived from bindings, which are audited",
    "guardian.UserObjectPermission": "unused: rights have tables of their own",
    "guardian.GroupObjectPermission": "unused: rights have tables of their own",
    "contenttypes.ContentType": "written by migrations only",
    "sessions.Session": "logins are events of their own",
    "knox.AuthToken": "replaced by accounts.ApiToken",
    "axes.AccessAttempt": "axes' own record of logins",
    "axes.AccessFailureLog": "axes' own record of logins",
    "axes.AccessLog": "axes' own record of logins",
    "axes.AccessAttemptExpiration": "axes' own record of logins",
    "auditlog.LogEntry": "replaced by accounts.AuditEntry",
    "django_q.OrmQ": "the queue only wakes; it holds no state",
    "django_q.Task": "the queue only wakes; it holds no state",
    "django_q.Success": "the queue only wakes; it holds no state",
    "django_q.Failure": "the queue only wakes; it holds no state",
    "django_q.Schedule": "the controller keeps the schedules",
    "accounts.AttemptCount": "how often something was tried lately",
    "accounts.DeviceLogin": "waits ten minutes; its answer and the token made are on record",
    "accounts.DirectoryPass": "how the last comparison went; whose access ended is on record",
    "accounts.Identity": "what the provider said last; logins, memberships and ends are on record",
    "accounts.SecondFactor": "its beginning and end are events; nothing of it is to be read",
    "accounts.LoginSession": "its login, logout and end are events",
    "kubecarrier.Heartbeat": "a process says that it lives",
    "fleet.Node": "observed in clusters, written by the probe",
    "fleet.Namespace": "observed in clusters, written by the probe",
    "fleet.InventoryKind": "observed in clusters, written by the watch",
    "fleet.InventoryObject": "observed in clusters, written by the watch",
    "fleet.ResourceType": "observed in clusters, written by the catalogue",
    "fleet.ResourceSchema": "observed in clusters, content addressed",
    "fleet.ServedResource": "observed in clusters, written by the catalogue",
    "fleet.Catalogue": "derived from its cluster, holds no wish of its own",
    "fleet.ClusterUserRight": "derived from bindings, which are audited",
    "fleet.ClusterGroupRight": "derived from bindings, which are audited",
    "fleet.ProjectUserRight": "derived from bindings, which are audited",
    "fleet.ProjectGroupRight": "derived from bindings, which are audited",
    "fleet.NamespaceUserRight": "derived from bindings, which are audited",
    "fleet.NamespaceGroupRight": "derived from bindings, which are audited",
    "fleet.ClusterGrant": "derived from bindings, which are audited",
    "fleet.WatchLease": "which controller watches a cluster; renewed every few seconds",
    "fleet.NodeDrain": "work on an operation; the asking is audited on its cluster",
    "fleet.Operation": "a record of what was asked for; the asking is audited on its object",
    "fleet.OperationTarget": "progress of an operation",
    "fleet.ConfigItemRevision": "immutable, made with the audited change of its config item",
    "fleet.ConfigCopy": "derived from config item and cluster; operations on it are recorded",
    "fleet.ProjectCopy": "derived from project and cluster; operations on it are recorded",
    "fleet.ProjectNamespace": "derived from project and cluster, the rest observed there",
    "apps.Chart": "observed in repositories, written by the refresh",
    "apps.ChartVersion": "observed in repositories, written by the refresh",
    "apps.ChartArchive": "content addressed by its digest; the upload is audited as an event",
    "apps.ApplicationRevision": "immutable, made with the audited change of its application",
    "apps.Release": "derived from application and cluster; operations on it are recorded",
}
_STATUS_NOISE = frozenset({"updated_at", "last_login", "last_used_at", "last_used_address"})


def register() -> None:
    """Register every model that is not on the list above."""
    memberships.guard_groups()
    for model in django_apps.get_models(include_auto_created=False):
        if model._meta.label not in NOT_AUDITED and not auditlog.contains(model):
            auditlog.register(
                model,
                exclude_fields=excluded_fields(model),
            )
            memberships.watch(model)


def excluded_fields(model: type[models.Model]) -> list[str]:
    """Status, secrets and noise: never in an entry (secrets are left out, never half masked)."""
    excluded = set(_STATUS_NOISE)
    if issubclass(model, ReconciledModel):
        excluded |= model.all_status_columns()
    for field in model._meta.concrete_fields:
        if isinstance(field, crypto.SealedField) or field.name in {
            "password",
            "digest",
            "token_key",
        }:
            excluded.add(field.name)
    # Relations: from the other side they are no field of this row, and members have their own way.
    excluded |= {f.name for f in model._meta.get_fields() if not f.concrete or f.many_to_many}
    return sorted(excluded & {field.name for field in model._meta.get_fields()})
