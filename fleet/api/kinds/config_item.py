"""Config items, their copies and the inbox as the API knows them."""

from __future__ import annotations

from typing import Any

from fleet.api.serializers import ConfigItemSpecSerializer
from fleet.configs.diffs import found_text
from fleet.configs.queries import attach_copies, content_of, digest_key, found_of
from fleet.models import ConfigConflict, ConfigCopy, ConfigItem
from fleet.permissions import (
    visible_config_conflicts,
    visible_config_copies,
    visible_config_items,
)
from fleet.services.configitems import configitem_apply, configitem_delete
from kubecarrier.lib.conditions import READY
from kubecarrier.lib.errors import InvalidError
from kubecarrier.lib.manifests import Column, ColumnType, Kind, register


def keep_objects(text: str) -> bool:
    """Only the two words: a misspelt one must not delete what was to be kept."""
    if text not in {"true", "false"}:
        raise InvalidError(
            "keep_objects_invalid", "keepObjects is true or false.", field="keepObjects"
        )
    return text == "true"


def config_item_status(row: ConfigItem) -> dict[str, Any]:
    """The summary of its copies."""
    if row.counts is None:
        attach_copies([row])
    counts = row.counts or {}
    return {
        "suspended": row.suspended,
        "keys": row.keys,
        "certificateExpiresAt": row.certificate_expires_at,
        "copies": counts.get("total", 0),
        "readyCopies": counts.get("ready", 0),
        "driftedCopies": counts.get("drifted", 0),
        "conflicts": counts.get("conflicts", 0),
        "reason": row.condition(READY).get("reason", ""),
    }


def config_copy_status(row: ConfigCopy) -> dict[str, Any]:
    """What was last written and seen there."""
    return {
        "item": row.item.name,
        "cluster": row.cluster.name,
        "namespace": row.namespace,
        "objectKind": row.object_kind,
        "objectName": row.object_name,
        "revision": row.revision.number,
        "appliedRevision": row.applied_revision,
        "suspended": row.suspended,
        "adopt": row.adopt,
        "uid": row.uid,
        "resourceVersion": row.resource_version,
        "changedBy": row.changed_by,
        "seenAt": row.seen_at,
        "reason": row.condition(READY).get("reason", ""),
        "drifted": row.condition("Drifted").get("status", "Unknown"),
    }


def config_conflict_status(row: ConfigConflict) -> dict[str, Any]:
    """What was found in the cluster, against what is wanted; a secret's values are masked."""
    item, cluster = row.item, row.copy.cluster.name
    present = content_of(item).on(cluster)
    return {
        "item": item.name,
        "copy": row.copy.name,
        "cluster": cluster,
        "namespace": row.copy.namespace,
        "cause": row.cause,
        "keys": row.keys,
        "diff": found_text(found_of(row), present, secret=item.is_secret, key=digest_key()),
        "changedBy": row.author_name,
        "changedAt": row.changed_at,
        "foundAt": row.created_at,
        "open": row.open,
        "choice": row.choice,
        "resolvedAt": row.resolved_at,
        "resolvedBy": row.resolved_by.get_username() if row.resolved_by else None,
    }


CONFIG_ITEM = register(
    Kind(
        kind="ConfigItem",
        plural="configitems",
        short_names=("ci", "config"),
        model=ConfigItem,
        description="A ConfigMap or Secret, kept the same on the chosen clusters.",
        columns=(
            Column("NAME", "metadata.name"),
            Column("TYPE", "spec.type"),
            Column("READY", "status.ready", ColumnType.READY),
            Column("COPIES", "status.copies"),
            Column("PROPAGATION", "spec.propagation"),
            Column("CONFLICTS", "status.conflicts"),
            Column("AGE", "metadata.createdAt", ColumnType.DATE),
            Column("REASON", "status.reason", priority=1),
            Column("DRIFTED", "status.driftedCopies", priority=1),
            Column("PROJECT", "metadata.project", priority=1),
            Column("EXPIRES", "status.certificateExpiresAt", ColumnType.DATE, priority=1),
        ),
        spec_serializer=ConfigItemSpecSerializer,
        status=config_item_status,
        rows=visible_config_items,
        project="project",
        apply=configitem_apply,
        delete=configitem_delete,
        delete_options={"keepObjects": keep_objects},
        attach=attach_copies,
        filters={
            "ready": "ready",
            "type": "object_kind",
            "secretType": "secret_type",
            "propagation": "propagation",
            "cluster": "copies__cluster__name",
        },
        search=("name", "description", "object_name"),
        actions=(
            "set",
            "preview",
            "diff",
            "rollback",
            "reveal",
            "adopt",
            "suspend",
            "resume",
            "revisions",
        ),
    )
)
CONFIG_COPY = register(
    Kind(
        kind="ConfigCopy",
        plural="configcopies",
        short_names=("cc",),
        model=ConfigCopy,
        description="A config item in one namespace of one cluster.",
        columns=(
            Column("NAME", "metadata.name"),
            Column("READY", "status.ready", ColumnType.READY),
            Column("REASON", "status.reason"),
            Column("REVISION", "status.appliedRevision"),
            Column("WANTED", "status.revision"),
            Column("DRIFTED", "status.drifted"),
            Column("SEEN", "status.seenAt", ColumnType.DATE),
            Column("CHANGED-BY", "status.changedBy", priority=1),
        ),
        spec_serializer=None,
        status=config_copy_status,
        rows=visible_config_copies,
        filters={
            "item": "item__name",
            "cluster": "cluster__name",
            "namespace": "namespace",
            "ready": "ready",
            "drifted": "conditions__Drifted__status",
        },
        search=("name", "object_name"),
        actions=("adopt",),
    )
)
CONFIG_CONFLICT = register(
    Kind(
        kind="ConfigConflict",
        plural="configconflicts",
        short_names=("conflict", "inbox"),
        model=ConfigConflict,
        description="A change that was made in a cluster, waiting for a decision.",
        columns=(
            Column("ID", "metadata.name"),
            Column("ITEM", "status.item"),
            Column("CLUSTER", "status.cluster"),
            Column("KEYS", "status.keys"),
            Column("CAUSE", "status.cause"),
            Column("CHANGED-BY", "status.changedBy"),
            Column("OPEN", "status.open"),
            Column("AGE", "status.foundAt", ColumnType.DATE),
            Column("CHOICE", "status.choice", priority=1),
        ),
        spec_serializer=None,
        status=config_conflict_status,
        rows=visible_config_conflicts,
        filters={
            "item": "item__name",
            "cluster": "copy__cluster__name",
            "cause": "cause",
            "open": "open",
            "choice": "choice",
        },
        search=("author_name",),
        order="-created_at",
        actions=("resolve",),
    )
)
