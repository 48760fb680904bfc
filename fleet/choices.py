"""Closed sets of values that the rows of this app hold, and names that rows and queue share."""

from django.db import models
from django.utils.translation import gettext_lazy as _

PROBE_TASK = "fleet.tasks.probe_clusters"
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
