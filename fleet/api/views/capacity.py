"""Capacity over REST: where there is room, and what wastes most."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from fleet.api.serializers.capacity import CapacitySerializer
from fleet.capacity.figures import CapacityRow, Measure
from fleet.capacity.listing import answer, read_question
from kubecarrier.api.paging import read_limit
from kubecarrier.api.parameters import query_parameters
from kubecarrier.api.views import refuse_unknown_parameters

_TEXTS = {
    "by": "cluster (the default), namespace or project.",
    "fits": "Only what has room for this, the most room first: cpu:40,memory:64Gi.",
    "order": "By which resource: cpu (the default) or memory.",
    "cluster": "Only of this cluster.",
    "project": "Only of this project.",
    "limit": "At most so many, 1 to 500; 200 unless told.",
}


class CapacityView(APIView):
    """Requested against used, allocatable and quota."""

    @extend_schema(
        operation_id="capacity",
        responses={200: CapacitySerializer},
        parameters=query_parameters(_TEXTS),
    )
    def get(self, request: Request) -> Response:
        refuse_unknown_parameters(request, frozenset(_TEXTS))
        question = read_question(request.query_params)
        limit = read_limit(request.query_params.get("limit", "200"))
        found = answer(request.user, question)
        items = [_item(row) for row in found.rows[:limit]]
        return Response({"by": question.by, "items": items, "unknown": found.unknown[:limit]})


def _item(row: CapacityRow) -> dict[str, Any]:
    return {
        "name": row.name,
        "cluster": row.cluster or None,
        "project": row.project or None,
        "seenAt": row.seen_at,
        "reachable": row.reachable,
        "standing": row.standing,
        "fits": row.fits,
        "nodes": row.nodes,
        **{name: _measure(measure) for name, measure in row.measures.items()},
    }


def _measure(measure: Measure) -> dict[str, int | None]:
    return {
        "allocatable": measure.allocatable,
        "requested": measure.requested,
        "used": measure.used,
        "quota": measure.quota,
        "free": measure.free,
        "block": measure.block,
        "waste": measure.waste,
    }
