"""What the pages say of access: words for findings, and the block on pages of projects and clusters."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.admin.access_lines import line_rows
from accounts.review import listing, questions
from accounts.review.listing import Wanted
from accounts.review.orphans import Reason
from fleet.grants.drift import State
from fleet.models import Cluster, Project
from kubecarrier.lib.granted import Where

_SHOWN = 20
# Word, tone, symbol.
STATES = {
    State.MISSING: (_("Missing"), "bad", "do_not_disturb_on"),
    State.DIFFERS: (_("Differs"), "warn", "difference"),
    State.EXTRA: (_("Too many"), "warn", "add_circle"),
    State.ORPHANED: (_("Orphaned"), "warn", "link_off"),
    State.FOREIGN: (_("Name taken"), "bad", "block"),
}
ORPHANS = {
    Reason.BINDING_EMPTY: (_("Binding without people"), "idle", "link_off"),
    Reason.BINDING_REACHES_NOBODY: (_("Binding without active people"), "warn", "person_off"),
    Reason.BINDING_REACHES_NOTHING: (_("Binding to nothing"), "idle", "wrong_location"),
    Reason.NAMESPACE_GONE: (_("Namespace is gone"), "idle", "wrong_location"),
    Reason.PERSON_INACTIVE: (_("Inactive person with rights"), "warn", "person_off"),
    Reason.SERVICE_ACCOUNT_UNOWNED: (_("Service account without project"), "idle", "smart_toy"),
    Reason.PROJECT_GONE: (_("Project is gone"), "warn", "smart_toy"),
    Reason.ROLE_UNUSED: (_("Unused role"), "idle", "badge"),
    Reason.OBJECT_ORPHANED: (_("Left in a cluster"), "warn", "link_off"),
    Reason.FOREIGN_ADMINISTRATOR: (_("Foreign administrator"), "bad", "admin_panel_settings"),
    Reason.CLUSTER_UNKNOWN: (_("Unknown"), "stale", "cloud_off"),
}


def who_can_here(row: Project | Cluster, user: Any) -> dict[str, Any]:
    """The first lines of a place's review; who may not review others sees what he may himself."""
    sort = "project" if isinstance(row, Project) else "cluster"
    wanted = questions.permitted(user, Wanted(where=Where(**{sort: row.name})))
    found = listing.lines(wanted, limit=_SHOWN + 1)
    return {
        "lines": line_rows(found[:_SHOWN], user),
        "cut": len(found) > _SHOWN,
        "only_own": bool(wanted.user),
        "url": f"{reverse('admin:access_review')}?{urlencode({sort: row.name})}",
    }
