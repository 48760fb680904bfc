"""Closed sets of values that the rows of this app hold, and names that rows and queue share."""

from django.db import models
from django.utils.translation import gettext_lazy as _

PROBE_TASK = "fleet.tasks.probe_clusters"
CONFIG_TASK = "fleet.tasks.reconcile_config_copies"
CONFIG_SUMMARY_TASK = "fleet.tasks.summarize_config_items"
CATALOGUE_TASK = "fleet.tasks.read_catalogues"
DRAIN_TASK = "fleet.tasks.drain_nodes"
PROJECT_TASK = "fleet.tasks.summarize_projects"
PROJECT_COPY_TASK = "fleet.tasks.reconcile_project_copies"
GRANT_TASK = "fleet.tasks.reconcile_grants"
KUBECONFIG_TASK = "fleet.tasks.reconcile_kubeconfigs"
CLEANUP_FINALIZER = "kubecarrier.io/cleanup"


class RemovalPolicy(models.TextChoices):
    """What becomes of our objects in a cluster that leaves the fleet."""

    ORPHAN = "orphan", _("Leave everything in the cluster")
    CLEANUP = "cleanup", _("Delete what KubeCarrier owns there")


class TargetState(models.TextChoices):
    """How far an operation is on one of its targets."""

    RUNNING = "running", _("Running")
    SUCCEEDED = "succeeded", _("Succeeded")
    FAILED = "failed", _("Failed")


class ConfigKind(models.TextChoices):
    """What a config item is in the clusters: Kubernetes' own kinds."""

    CONFIG_MAP = "ConfigMap", _("ConfigMap")
    SECRET = "Secret", _("Secret")


class PrunePolicy(models.TextChoices):
    """What becomes of an object that is no longer wanted."""

    DELETE = "delete", _("Delete it")
    KEEP = "keep", _("Leave it, without our marks")


class Propagation(models.TextChoices):
    """What becomes of a change that somebody makes in a cluster."""

    ONE_WAY = "one-way", _("Put back what is wanted")
    TWO_WAY = "two-way", _("Take it over everywhere")
    INBOX = "inbox", _("Ask in the inbox")


class ConflictCause(models.TextChoices):
    """Why a change is in the inbox."""

    WAITING = "Waiting", _("Waits in the cluster")
    OVERWRITTEN = "Overwritten", _("Overwritten by a later change")


class ConflictChoice(models.TextChoices):
    """What was decided of a change."""

    ADOPT = "adopt", _("Adopt everywhere")
    REVERT = "revert", _("Revert")
    PIN = "pin", _("Keep on this cluster only")
    IGNORE = "ignore", _("Ignore these keys")


class NamespaceState(models.TextChoices):
    """How a namespace of a project stands in its cluster."""

    UNSEEN = "Unseen", _("Not looked at yet")
    READY = "Ready", _("Ready")
    CHANGING = "Changing", _("Being changed")
    FOREIGN = "Foreign", _("There already, and not the project's")
    TERMINATING = "Terminating", _("Being deleted in the cluster")
    BLOCKED = "Blocked", _("A quota object belongs to somebody else")
    RELEASING = "Releasing", _("Being let go")
    RELEASED = "Released", _("Let go")


# States in which a namespace is the project's: who holds something in the project, holds it there.
OWN_NAMESPACE = frozenset({NamespaceState.READY, NamespaceState.CHANGING, NamespaceState.BLOCKED})


class KubeconfigEnd(models.TextChoices):
    """Why a kubeconfig was taken back before its time."""

    REVOKED = "revoked", _("Revoked")
    LEFT = "left", _("The person left")
    NO_RIGHTS = "no-rights", _("No right is left there")
    CLUSTER_LEAVES = "cluster-leaves", _("The cluster leaves the fleet")
    NOT_ISSUED = "not-issued", _("It was never handed out")
