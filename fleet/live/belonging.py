"""Who else keeps an object as it is: told beside every change, which is never refused for it."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

Json = dict[str, Any]

OWNER = "kubecarrier.io/owner"


def warnings_of(obj: Json) -> list[str]:
    """Sentences for a person who is about to change or delete `obj`."""
    metadata = obj.get("metadata") or {}
    annotations = metadata.get("annotations") or {}
    labels = metadata.get("labels") or {}
    found = []
    if release := annotations.get("meta.helm.sh/release-name"):
        where = annotations.get("meta.helm.sh/release-namespace") or metadata.get("namespace") or ""
        found.append(
            _("It belongs to the Helm release %(release)s: a change will be seen as drift.")
            % {"release": f"{where}/{release}"[:200]}
        )
    if owner := annotations.get(OWNER):
        found.append(
            _("KubeCarrier keeps it for %(owner)s: a change will be seen as drift.")
            % {"owner": str(owner)[:200]}
        )
    elif labels.get("app.kubernetes.io/managed-by") == "kubecarrier":
        found.append(_("KubeCarrier keeps it: a change will be seen as drift."))
    for one in metadata.get("ownerReferences") or ():
        if one.get("controller"):
            found.append(
                _("%(owner)s keeps it and may undo a change.")
                % {"owner": f"{one.get('kind')} {one.get('name')}"[:200]}
            )
    return found
