"""Whose history one may read: that of every object that one may see.

`auditentries.view` is for auditors: the stream, refusals, logins, and from which address
and in which request. Who may see an object needs none of it to learn who changed it,
when, how and why: `history_of` is the one rule for that, for the console, REST and the
command line. An object is meant by its key: what was deleted and made again under the
same name is another. Of what it was before it came into its project, nothing is told.

What is told of an object's events is a closed list. Acts on something inside a row (an
object of a cluster) are told to who may see such things there.
"""

from __future__ import annotations

from typing import Any

from auditlog.registry import auditlog
from django.contrib.contenttypes.models import ContentType
from django.db.models import Case, Q, QuerySet, Value, When

from accounts import scopes
from accounts.models import AuditEntry
from accounts.permissions import audit_scope
from kubecarrier.lib import access, anchors, whereabouts
from kubecarrier.lib.audit import Outcome
from kubecarrier.lib.catalogue import CLUSTER, PROJECT
from kubecarrier.lib.manifests import kinds

#: Left out of an entry for who reads it without `auditentries.view`, by its names in the record.
WITHHELD = ("address", "email", "requestId")
_TOLD = (
    "operation-started", "operation-finished", "secret-revealed", "credential-rotated",
    "credential-exchanged", "chart-uploaded", "kubeconfig-revoked", "kubeconfig-ended",
)  # fmt: skip
#: Events of objects in a cluster by which nothing there changed.
_NOT_WRITTEN = ("resource-denied", "resource-failed", "resource-reveal")
_inside: dict[str, str] = {}


def register_inside(prefix: str, permission: str) -> None:
    """Events that begin so are told to who holds `permission` where they were; called at start."""
    _inside[prefix] = permission


def history_of(user: Any, row: Any) -> QuerySet[AuditEntry]:
    """What happened to `row`, as `user` may know it: `whole` entries, and those without `WITHHELD`.

    Nothing of what he may not see. Of a project: also what happened to those things in
    it of a kind that he sees there.
    """
    everything: QuerySet[AuditEntry] = AuditEntry.objects.all()
    if not access.active(user):
        return everything.none()
    about = Q(content_type=ContentType.objects.get_for_model(type(row)), object_pk=str(row.pk))
    seen = _sees(user, row)
    told = about & _told(user, row) if seen else Q(pk__in=())
    if _plural(type(row)) == "projects":
        about |= Q(project_uid=row.pk)
        inside = Q(project_uid=row.pk) & (_of_kinds(user) | _acts_inside(user))
        told |= inside if seen else Q(pk__in=())
    scope = audit_scope(user, "auditentries.view")
    whole = (
        Value(True) if scope is None else Case(When(scope, then=Value(True)), default=Value(False))
    )
    rows: QuerySet[AuditEntry] = everything.annotate(whole=whole)
    return rows.filter(about) if scope is None else rows.filter(about & (scope | told))


def changes_seen(user: Any) -> QuerySet[AuditEntry]:
    """What people and the portal changed, newest or not: an overview's question.

    In the scopes of which he may read the audit, and of every kind where he may see it.
    Changes only: no events, and of objects in clusters what was written there.
    """
    rows: QuerySet[AuditEntry] = AuditEntry.objects.all()
    if not access.active(user):
        return rows.none()
    written = Q(event__startswith="resource-") & ~Q(event__in=_NOT_WRITTEN)
    rows = rows.filter(~Q(action=AuditEntry.Action.ACCESS) | written)
    scope = audit_scope(user, "auditentries.view")
    return rows if scope is None else rows.filter(scope | _of_kinds(user) | _acts_inside(user))


def _sees(user: Any, row: Any) -> bool:
    """Asked here again: what leads to a history may be another object's page."""
    if not scopes.allows(user, f"{_plural(type(row))}.view"):
        return False
    kind = next((one for one in kinds() if one.model is type(row)), None)
    if kind is not None:
        return kind.rows(user).filter(pk=row.pk).exists()
    return access.may(user, f"{_plural(type(row))}.view", row)


def _told(user: Any, row: Any) -> Q:
    """Changes and acts on the row itself, while it was where it is; and in it, where he sees."""
    told = _plain()
    if not access.on_platform(user, f"{_plural(type(row))}.view"):
        told &= Q(project_uid=whereabouts.place_of(row).project_id)
    return told | _acts_inside(user)


def _acts_inside(user: Any) -> Q:
    """Acts on what is in a cluster, where he may see such things."""
    told = Q(pk__in=())
    for prefix, permission in _inside.items():
        holding = anchors.held(user, permission)
        there = holding.on(PROJECT, "project_uid") | holding.on(CLUSTER, "cluster_uid")
        there |= holding.in_namespaces("cluster_uid", "namespace")
        act = Q(event__startswith=prefix) & ~Q(result=Outcome.DENIED)
        told |= act if holding.on_platform or user.is_superuser else act & there
    return told


def _of_kinds(user: Any) -> Q:
    """What happened to the things of each kind where he may see them, by the keys entries keep."""
    told = Q(pk__in=())
    for model in (kind.model for kind in kinds() if auditlog.contains(kind.model)):
        permission = f"{_plural(model)}.view"
        if not scopes.allows(user, permission):
            continue
        holding = anchors.held(user, permission)
        theirs = Q(content_type=ContentType.objects.get_for_model(model)) & _plain()
        if not holding.on_platform:
            theirs &= holding.on(PROJECT, "project_uid") | holding.on(CLUSTER, "cluster_uid")
        told |= theirs
    return told


def _plain() -> Q:
    changed = ~Q(action=AuditEntry.Action.ACCESS)
    return changed | Q(event__in=_TOLD)


def _plural(model: Any) -> str:
    return access.reach_of(model).plural
