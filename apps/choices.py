"""Closed sets of values that the rows of this app hold."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class RepositoryType(models.TextChoices):
    """Where a repository's charts come from."""

    HTTP = "http", _("HTTP (index.yaml)")
    OCI = "oci", _("OCI registry")
    LOCAL = "local", _("Uploaded, served by KubeCarrier")


class OnFailure(models.TextChoices):
    """What becomes of the objects of an install or upgrade that failed."""

    KEEP = "keep", _("Keep them for inspection")
    REMOVE = "remove", _("Remove what the failed install made")
    ROLLBACK = "rollback", _("Roll back to the last good revision")


class DriftPolicy(models.TextChoices):
    """What to do when a release in a cluster differs from what was deployed."""

    DETECT = "detect", _("Show it")
    CORRECT = "correct", _("Correct it")
    IGNORE = "ignore", _("Ignore it")
