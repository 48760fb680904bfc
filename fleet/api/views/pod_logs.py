"""The logs of a pod over REST."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from fleet.api import live_documents
from fleet.api.serializers.resource import PodLogsSerializer
from fleet.api.views.live import ResourceViews
from fleet.live.logs import LINES, MOST_LINES, LogQuery, pod_logs
from kubecarrier.api.parameters import query_parameters
from kubecarrier.lib.errors import InvalidError

_MOST_SECONDS = 366 * 24 * 3600
_PARAMETERS = {
    "container": "Of this container; the pod's main one unless told.",
    "previous": "true: of the container before its last restart.",
    "tailLines": f"At most so many of the last lines, 1 to {MOST_LINES}; {LINES} unless a time is given.",
    "sinceSeconds": "Only what came in the last so many seconds.",
    "sinceTime": "Only what came after this time, written as lines have it.",
}


class PodLogsViewSet(ResourceViews):
    """What the containers of one pod wrote."""

    asks: ClassVar[Mapping[str, tuple[str, ...]]] = {"retrieve": ("resources.logs",)}
    parameters: ClassVar[Mapping[str, frozenset[str]]] = {"retrieve": frozenset(_PARAMETERS)}

    @extend_schema(
        parameters=query_parameters(_PARAMETERS),
        responses={200: PodLogsSerializer},
        operation_id="pod_logs",
    )
    def retrieve(self, request: Request, **path: str) -> Response:
        """The oldest line first. To follow, ask again for what came after the last line's time."""
        query = _query(request)
        session, kind, ref = self.one(request, **path)
        return Response(asdict(pod_logs(session, kind, ref, query)))


def _query(request: Request) -> LogQuery:
    given = request.query_params
    since_time = given.get("sinceTime", "")
    since_seconds = _number(request, "sinceSeconds", _MOST_SECONDS)
    if since_time and since_seconds:
        raise InvalidError(
            "parameter_invalid", "Either sinceSeconds or sinceTime.", field="sinceSeconds"
        )
    tail = _number(request, "tailLines", MOST_LINES)
    return LogQuery(
        container=given.get("container", "")[:253],
        previous=live_documents.flag(request, "previous"),
        tail=tail if tail or since_time or since_seconds else LINES,
        since_seconds=since_seconds,
        since_time=since_time,
    )


def _number(request: Request, name: str, most: int) -> int | None:
    text = request.query_params.get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= most):
        raise InvalidError("parameter_invalid", f"A number from 1 to {most}.", field=name)
    return int(text)
