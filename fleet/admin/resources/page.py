"""What every page of live objects begins with: who asks, of which cluster, about what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from fleet.kube import ObjectRef, Resource
from fleet.live import kinds
from fleet.live.objects import ref_of
from fleet.live.session import Session, open_session
from fleet.models import Cluster
from fleet.permissions import visible_clusters
from kubecarrier.lib import access, audit
from kubecarrier.lib.errors import KubeCarrierError

View = Callable[..., HttpResponse]


@dataclass(frozen=True, slots=True)
class Page:
    """A person on a cluster, and what the address names: a kind, an object, or neither."""

    request: HttpRequest
    session: Session
    kind: Resource | None = None
    ref: ObjectRef | None = None

    @property
    def cluster(self) -> Cluster:
        return self.session.cluster

    def render(self, template: str, *, status: int = 200, **context: Any) -> HttpResponse:
        """A page of the console."""
        shown = {
            **admin.site.each_context(self.request),
            "opts": Cluster._meta,
            "cluster": self.cluster,
            "kind": self.kind,
            "ref": self.ref,
            "kinds_url": url("kinds", self.cluster),
            "list_url": url("list", self.cluster, self.kind) if self.kind else "",
            "object_url": self.url("object") if self.ref else "",
            "is_fullwidth": "1",
            **context,
        }
        return TemplateResponse(self.request, template, shown, status=status)

    def url(self, name: str, *more: str) -> str:
        """The address of a page about this object."""
        return url(name, self.cluster, self.kind, self.ref, *more)

    def chosen(self) -> tuple[Session, Resource, ObjectRef]:
        """For the functions of `fleet.live`."""
        if self.kind is None or self.ref is None:
            raise Http404
        return self.session, self.kind, self.ref


def url(
    name: str,
    cluster: Cluster,
    kind: Resource | None = None,
    ref: ObjectRef | None = None,
    *more: str,
) -> str:
    """The address of one of the pages."""
    arguments: list[Any] = [cluster.pk]
    if kind is not None:
        arguments += [kind.group or kinds.CORE, kind.version, kind.plural]
    if ref is not None:
        arguments += [ref.namespace or kinds.ANY, ref.name]
    return reverse(f"admin:fleet_live_{name}", args=[*arguments, *more])


def asking(permission: str, view: View) -> View:
    """The page for who holds that on the cluster; who does not makes the portal ask it nothing."""

    @wraps(view)
    def wrapped(request: HttpRequest, pk: UUID, **where: str) -> HttpResponse:
        row = visible_clusters(request.user).filter(pk=pk).first()
        asked = ACTS.get(where.get("action", ""), permission)
        if row is not None and not access.may(request.user, asked, row):
            return _refused(request, row, access.denied(asked, row))
        return view(request, pk, **where)

    return wrapped


#: What the acts on one object ask for.
ACTS = {
    "delete": "resources.delete",
    "scale": "resources.scale",
    "restart": "resources.restart",
    "suspend": "resources.suspend",
    "resume": "resources.suspend",
    "reveal": "resources.reveal",
}


def page_view(view: View) -> View:
    """The page's errors are a page of their own: never a traceback, never an empty list."""

    @wraps(view)
    def wrapped(request: HttpRequest, pk: UUID, **where: str) -> HttpResponse:
        row = visible_clusters(request.user).filter(pk=pk).first()
        if row is None:
            audit.hidden("clusters.view", Cluster.objects.filter(pk=pk).first)
            raise Http404
        more = {key: where.pop(key) for key in ("action",) if key in where}
        try:
            return view(_page(request, row, **where), **more)
        except KubeCarrierError as error:
            return _refused(request, row, error)

    return wrapped


def _page(
    request: HttpRequest,
    row: Cluster,
    *,
    group: str = "",
    version: str = "",
    plural: str = "",
    namespace: str = "",
    name: str = "",
) -> Page:
    session = open_session(user=request.user, cluster=row)
    if not plural:
        return Page(request, session)
    with session.doing("read what the cluster serves"):
        kind = kinds.find_kind(session.kube, kinds.named_in_path(group, version, plural))
    if not name:
        return Page(request, session, kind)
    scope = "" if namespace == kinds.ANY else namespace
    return Page(request, session, kind, ref_of(kind, namespace=scope, name=name))


def _refused(request: HttpRequest, row: Cluster, error: KubeCarrierError) -> HttpResponse:
    context = {
        **admin.site.each_context(request),
        "opts": Cluster._meta,
        "title": _("This could not be done"),
        "cluster": row,
        "kinds_url": url("kinds", row),
        "refused": error,
        "is_fullwidth": "1",
    }
    return TemplateResponse(
        request, "console/resource_error.html", context, status=error.http_status
    )
