"""Access in the clusters over REST: what they allow, what differs there, what nobody needs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from django.http import StreamingHttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.views.access_review import exported
from accounts.review import questions
from fleet.api.serializers import access_review as forms
from fleet.api.visible import cluster_named
from fleet.live import access_review, rbac
from fleet.live.can_i import Act, cluster_can_i
from fleet.live.cluster_who_can import cluster_who_can
from fleet.models import Cluster
from kubecarrier.api.csv import CsvView, csv_download
from kubecarrier.api.paging import read_limit
from kubecarrier.api.parameters import query_parameters
from kubecarrier.api.views import refuse_unknown_parameters, validated

_PAGE = {
    "cluster": "Only this one.",
    "limit": f"Clusters a page, 1 to {access_review.PAGE}.",
    "continue": "The token of the page before.",
    "format": "csv: as a file, of all clusters.",
}
_ACT = {
    "verb": "A verb of Kubernetes.",
    "resource": "A kind in any of kubectl's spellings, *, or a path.",
    "subresource": "log, exec, scale …",
    "name": "One object.",
    "namespace": "In this namespace; absent: in the whole cluster.",
}
DRIFT_COLUMNS = (
    "cluster", "state", "kind", "namespace", "name", "binding", "message", "settled", "at",
)  # fmt: skip
ORPHAN_COLUMNS = ("reason", "kind", "name", "cluster", "namespace", "message", "since")


class ClusterCanIView(APIView):
    """`kubectl auth can-i`, of the person as the cluster knows him."""

    needs_scope = ""

    @extend_schema(
        request=forms.ClusterCanISerializer,
        responses={200: forms.ClusterDecisionSerializer},
        operation_id="cluster_can_i",
    )
    def post(self, request: Request, cluster: str) -> Response:
        refuse_unknown_parameters(request, frozenset())
        row = cluster_named(request.user, cluster)
        given = validated(forms.ClusterCanISerializer, request)
        user = questions.subject_of(request.user, given.pop("user"), row)
        found = cluster_can_i(user=user, cluster=row, act=Act(**given))
        portal = {"right": found.right, "allowed": found.right_held} if found.right else None
        return Response(
            {
                "allowed": found.allowed,
                "message": found.reason,
                "user": user.username,
                "cluster": row.name,
                "actsAs": found.acts_as or None,
                "groups": list(found.groups),
                "binding": found.binding or None,
                "portal": portal,
            }
        )


class ClusterWhoCanView(APIView):
    """`kubectl who-can`: everybody whom the cluster's RBAC allows it, ours and others."""

    needs_scope = ""

    @extend_schema(
        parameters=query_parameters(_ACT),
        responses={200: forms.ClusterSubjectListSerializer},
        operation_id="cluster_who_can",
    )
    def get(self, request: Request, cluster: str) -> Response:
        refuse_unknown_parameters(request, frozenset(_ACT))
        row = cluster_named(request.user, cluster)
        questions.require_review(request.user, row)
        act = Act(**{name: request.query_params.get(name, "") for name in _ACT})
        items = [_subject(asdict(one)) for one in cluster_who_can(cluster=row, act=act)]
        return Response({"items": items})


class DriftView(CsvView):
    """What is granted here and stands otherwise in the clusters, read from them now."""

    needs_scope = ""

    @extend_schema(
        parameters=query_parameters(_PAGE),
        responses={200: forms.DriftListSerializer},
        operation_id="accessreview_drift",
    )
    def get(self, request: Request) -> Response | StreamingHttpResponse:
        refuse_unknown_parameters(request, frozenset(_PAGE))
        clusters, token = _page(request)
        if self.wants_csv(request):
            exported("drift", {"cluster": request.query_params.get("cluster", "")})
            rows = (row for page in _pages(request, clusters) for row in drift_rows(page))
            return csv_download(request, DRIFT_COLUMNS, rows, name="access-drift.csv")
        found = access_review.drift(clusters)
        return Response(
            {
                "metadata": {"continue": token},
                "clusters": [reviewed(one) for one in found],
                "items": list(drift_rows(found)),
            }
        )


class OrphansView(CsvView):
    """What nobody needs any more, or nobody should have."""

    needs_scope = ""

    @extend_schema(
        parameters=query_parameters(_PAGE),
        responses={200: forms.OrphanListSerializer},
        operation_id="accessreview_orphans",
    )
    def get(self, request: Request) -> Response | StreamingHttpResponse:
        refuse_unknown_parameters(request, frozenset(_PAGE))
        clusters, token = _page(request)
        if self.wants_csv(request):
            exported("orphans", {"cluster": request.query_params.get("cluster", "")})
            return csv_download(
                request, ORPHAN_COLUMNS, _orphans(request, clusters), name="access-orphans.csv"
            )
        first = not any(request.query_params.get(name) for name in ("continue", "cluster"))
        found = access_review.report(request.user, clusters, portal=first)
        items = [one.document() for one in found]
        return Response({"metadata": {"continue": token}, "items": items})


def drift_rows(found: list[rbac.ClusterReview]) -> Iterator[dict[str, Any]]:
    """A row for each object that differs, and one for each cluster that is not known."""
    for one in found:
        if not one.known:
            yield {
                "cluster": one.cluster, "state": forms.UNKNOWN, "kind": None, "namespace": None,
                "name": None, "binding": None, "message": one.message, "settled": False,
                "at": one.at,
            }  # fmt: skip
        for finding in one.findings:
            yield {
                "cluster": one.cluster,
                "state": finding.state.value,
                "kind": finding.ref.kind,
                "namespace": finding.ref.namespace or None,
                "name": finding.ref.name,
                "binding": finding.binding or None,
                "message": finding.message,
                "settled": finding.settled,
                "at": one.at,
            }


def reviewed(one: rbac.ClusterReview) -> dict[str, Any]:
    """A cluster that was asked."""
    return {
        "cluster": one.cluster,
        "known": one.known,
        "at": one.at,
        "grants": one.grants,
        "findings": len(one.findings),
        "code": one.code or None,
        "message": one.message or None,
    }


def _subject(one: dict[str, Any]) -> dict[str, Any]:
    person, group = one.pop("person"), one.pop("group")
    one["namespace"] = one["namespace"] or None
    return {**one, "user": person or None, "group": group or None}


def _page(request: Request) -> tuple[list[Cluster], str | None]:
    """The clusters of a page, and where the next begins."""
    given = request.query_params
    limit = min(read_limit(given.get("limit", "")), access_review.PAGE)
    found = access_review.reviewed_clusters(
        request.user,
        cluster=given.get("cluster", ""),
        after=given.get("continue", ""),
        limit=limit + 1,
    )
    token = found[limit - 1].name if len(found) > limit else None
    return found[:limit], token


def _pages(request: Request, clusters: list[Cluster]) -> Iterator[list[rbac.ClusterReview]]:
    """Every page of clusters, from the first on."""
    while clusters:
        yield access_review.drift(clusters)
        clusters = _following(request, clusters)


def _following(request: Request, clusters: list[Cluster]) -> list[Cluster]:
    if request.query_params.get("cluster"):
        return []
    return access_review.reviewed_clusters(request.user, after=clusters[-1].name)


def _orphans(request: Request, clusters: list[Cluster]) -> Iterator[dict[str, Any]]:
    portal = not request.query_params.get("cluster")
    while True:
        for one in access_review.report(request.user, clusters, portal=portal):
            yield one.document()
        portal = False
        clusters = _following(request, clusters) if clusters else []
        if not clusters:
            return
