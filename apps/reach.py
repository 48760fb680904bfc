"""How far rights reach in this app, and its part of the catalogue of permissions."""

from __future__ import annotations

from dataclasses import replace

from django.utils.translation import gettext_lazy as _

from apps.models import Application, Chart, ChartRepository, Release
from fleet.permissions import add_operated
from kubecarrier.lib import access, catalogue
from kubecarrier.lib.access import Reach
from kubecarrier.lib.catalogue import (
    CLUSTER,
    CREATE,
    DELETE,
    EDIT,
    PLATFORM,
    PROJECT,
    VIEW,
    Subject,
    Verb,
)

# A chart is deployed by the portal's account, and may bring anything that its project does not
# forbid: who has a namespace of a cluster, and no project, would have the cluster by it.
_BOUNDED = (PLATFORM, PROJECT, CLUSTER)


def register() -> None:
    """Called once at start."""
    catalogue.register(
        Subject(
            "applications",
            _("Applications"),
            (
                VIEW,
                replace(CREATE, anchors=_BOUNDED),
                replace(EDIT, anchors=_BOUNDED),
                DELETE,
                Verb("scale", _("change the number of replicas"), partial=True),
                Verb("image", _("change image tags"), partial=True),
                Verb("upgrade", _("change the chart's version"), partial=True, anchors=_BOUNDED),
                Verb("rollback", _("roll back"), partial=True),
                Verb("redeploy", _("deploy again"), partial=True),
                Verb("pause", _("pause and resume"), partial=True),
            ),
        ),
        Subject("releases", _("Releases"), (VIEW,)),
        Subject(
            "repositories",
            _("Chart repositories"),
            (VIEW, CREATE, EDIT, DELETE, Verb("refresh", _("refresh"))),
        ),
        Subject("charts", _("Charts"), (VIEW, Verb("upload", _("upload")))),
    )
    access.register_reach(Application, Reach("applications", project="project", targets="releases"))
    access.register_reach(
        Release,
        Reach("releases", project="application__project", cluster="cluster", namespace="namespace"),
    )
    # What is offered, everybody who deploys must see; where it may be deployed is another right.
    access.register_reach(ChartRepository, Reach("repositories", shared=True))
    access.register_reach(Chart, Reach("charts", shared=True))
    add_operated(Application, ChartRepository)
