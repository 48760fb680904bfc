"""The card over the identity mappings: how the directory was last compared, and a button to do it now."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_protect

from accounts.ldap.config import config, enabled
from accounts.models import DirectoryPass
from accounts.services.ldap_sync import sync_request
from kubecarrier.lib import access
from kubecarrier.lib.errors import DeniedError
from kubecarrier.lib.tasks import enqueue

_VIEW, _EDIT = "identitymappings.view", "identitymappings.edit"


def directory_context(request: HttpRequest) -> dict[str, Any]:
    """What the card shows; nothing without a directory, or for who may not see mappings."""
    if not enabled() or not access.may(request.user, _VIEW):
        return {}
    row = DirectoryPass.objects.filter(issuer=config().issuer).first()
    return {
        "directory": {
            "base": config().user_base,
            "row": row,
            "waits": row is not None and row.due_at <= timezone.now(),
            "may": access.may(request.user, _EDIT),
        }
    }


@csrf_protect
def directory_view(request: HttpRequest) -> HttpResponse:
    """GET: the card alone. POST: compare as soon as a worker is free."""
    if not enabled():
        raise Http404
    if request.method == "POST":
        try:
            sync_request(actor=request.user)
        except DeniedError as error:
            raise PermissionDenied from error
        enqueue("accounts.tasks.sync_ldap")
        messages.success(request, _("The directory is being compared."))
        return HttpResponseRedirect(reverse("admin:accounts_identitymapping_changelist"))
    context = directory_context(request)
    if not context:
        raise PermissionDenied
    return TemplateResponse(request, "console/directory.html", context)
