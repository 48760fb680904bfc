"""What every view of live objects begins with: who asks, of which cluster, about what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from rest_framework import viewsets
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from fleet.api.visible import cluster_named
from fleet.kube import ObjectRef, Resource
from fleet.live import kinds
from fleet.live.objects import ref_of
from fleet.live.session import Session, open_session
from fleet.models import Cluster
from kubecarrier.api import parsers
from kubecarrier.api.renderers import JSONRenderer, YamlRenderer
from kubecarrier.api.views import refuse_unknown_parameters
from kubecarrier.lib import access
from kubecarrier.lib.errors import NotFoundError

WRITE = frozenset({"dryRun"})


class ResourceViews(viewsets.ViewSet):
    """What all of them need: who asks, of which cluster, about which kind and object."""

    parser_classes: ClassVar[list[type[BaseParser]]] = [  # type: ignore[misc]
        parsers.StrictJSONParser,
        parsers.MergePatchParser,
        parsers.StrategicMergePatchParser,
        parsers.JsonPatchParser,
        parsers.ApplyPatchParser,
        parsers.YamlParser,
    ]
    renderer_classes: ClassVar[list[type[BaseRenderer]]] = [JSONRenderer, YamlRenderer]  # type: ignore[misc]
    needs_scope = ""  # each act asks by itself: `asks`, and `Session.require` below
    # What an act needs, any of these; asked before the cluster is. Those that are not here ask of
    # each of their objects.
    asks: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    # Query parameters by action; everything else is refused.
    parameters: ClassVar[Mapping[str, frozenset[str]]] = {}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if self.action:
            refuse_unknown_parameters(request, self.parameters.get(self.action, WRITE))
        for name, value in kwargs.items():
            if "\0" in str(value):
                raise NotFoundError("not_found", "There is no such thing.", field=name)

    def session(self, request: Request, cluster: str) -> Session:
        """Raises NotFoundError; out of scope and absent look the same."""
        row = cluster_named(request.user, cluster)
        self._require(request, row)
        return open_session(user=request.user, cluster=row)

    def _require(self, request: Request, row: Cluster) -> None:
        """Who may not act makes the portal ask the cluster nothing."""
        wanted = self.asks.get(self.action, ())
        if wanted and not any(access.may(request.user, one, row) for one in wanted):
            raise access.denied(wanted[0], row)

    def served(self, session: Session, group: str, version: str, plural: str) -> Resource:
        """The served kind; raises NotFoundError."""
        with session.doing("read what the cluster serves"):
            return kinds.find_kind(session.kube, kinds.named_in_path(group, version, plural))

    def one(
        self, request: Request, *, namespace: str, name: str, cluster: str, **kind: str
    ) -> tuple[Session, Resource, ObjectRef]:
        """Who, which kind and which object."""
        session = self.session(request, cluster)
        found = self.served(session, **kind)
        scope = "" if namespace == kinds.ANY else namespace
        return session, found, ref_of(found, namespace=scope, name=name)
