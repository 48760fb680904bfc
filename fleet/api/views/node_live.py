"""One node of one cluster over REST: `/clusters/{cluster}/nodes/{node}`, live, with its actions."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from fleet.api import live_documents
from fleet.api.kinds import OPERATION
from fleet.api.serializers import node as forms
from fleet.api.views.live import ResourceViews
from fleet.api.views.resource import DRY
from fleet.draining import DrainOptions
from fleet.live import nodes
from fleet.models import Operation
from fleet.services.drains import drain_cancel, drain_start
from kubecarrier.api import documents
from kubecarrier.api.views import validated
from kubecarrier.lib.errors import InvalidError


class NodeLiveViewSet(ResourceViews):
    """A node: looked at, cordoned, labelled, tainted, drained."""

    parameters = {"retrieve": frozenset()}
    asks = {
        "retrieve": ("nodes.view",),
        **dict.fromkeys(
            ("cordon", "uncordon", "label", "taint", "drain", "cancel"), ("nodes.operate",)
        ),
    }

    @extend_schema(responses={200: forms.NodeDetailSerializer}, operation_id="node_get")
    def retrieve(self, request: Request, cluster: str, node: str) -> Response:
        """Conditions, taints, what is reserved and used, and the pods on it."""
        return Response(nodes.node_detail(self.session(request, cluster), node))

    @extend_schema(
        request=None, parameters=[DRY], responses={200: forms.NodeChangedSerializer},
        operation_id="node_cordon",
    )  # fmt: skip
    def cordon(self, request: Request, cluster: str, node: str) -> Response:
        """No new pods come."""
        return self._cordon(request, cluster, node, unschedulable=True)

    @extend_schema(
        request=None, parameters=[DRY], responses={200: forms.NodeChangedSerializer},
        operation_id="node_uncordon",
    )  # fmt: skip
    def uncordon(self, request: Request, cluster: str, node: str) -> Response:
        """New pods may come again."""
        return self._cordon(request, cluster, node, unschedulable=False)

    @extend_schema(
        request=forms.NodeLabelSerializer, parameters=[DRY],
        responses={200: forms.NodeChangedSerializer}, operation_id="node_label",
    )  # fmt: skip
    def label(self, request: Request, cluster: str, node: str) -> Response:
        """Set and take away labels."""
        dry = live_documents.dry_run(request)
        given = validated(forms.NodeLabelSerializer, request)
        session = self.session(request, cluster)
        return _changed(nodes.node_label(session, node, given["labels"], dry_run=dry))

    @extend_schema(
        request=forms.NodeTaintSerializer, parameters=[DRY],
        responses={200: forms.NodeChangedSerializer}, operation_id="node_taint",
    )  # fmt: skip
    def taint(self, request: Request, cluster: str, node: str) -> Response:
        """Add and take away taints."""
        dry = live_documents.dry_run(request)
        given = validated(forms.NodeTaintSerializer, request)
        if not given["add"] and not given["remove"]:
            raise InvalidError("taints_missing", "Say what to add or remove.", field="add")
        remove = [(one["key"], one["effect"]) for one in given["remove"]]
        session = self.session(request, cluster)
        made = nodes.node_taint(session, node, add=given["add"], remove=remove, dry_run=dry)
        return _changed(made)

    @extend_schema(
        request=forms.NodeDrainSerializer, parameters=[DRY],
        responses={200: forms.NodeDrainStartedSerializer, 202: forms.NodeDrainStartedSerializer},
        operation_id="node_drain",
    )  # fmt: skip
    def drain(self, request: Request, cluster: str, node: str) -> Response:
        """Cordon, then evict what may go, as an operation; disruption budgets are respected."""
        dry = live_documents.dry_run(request)
        given = validated(forms.NodeDrainSerializer, request)
        timeout = given.pop("timeout_seconds")
        options = DrainOptions(**given)
        session = self.session(request, cluster)
        plan = nodes.node_drain_plan(session, node, options)
        body: dict[str, Any] = {
            "evict": [pod.name for pod in plan.evict],
            "ignored": [{"pod": pod.name, "why": str(why)} for pod, why in plan.ignored],
            "operation": None,
        }
        if dry:
            return Response(body)
        drain = drain_start(
            actor=request.user, cluster=session.cluster, node=node, plan=plan, options=options,
            timeout_seconds=timeout,
        )  # fmt: skip
        body["operation"] = documents.export(OPERATION, drain.operation)
        return Response(body, status=status.HTTP_202_ACCEPTED)

    @extend_schema(
        request=None, responses={202: forms.NodeDrainStartedSerializer},
        operation_id="node_drain_cancel",
    )  # fmt: skip
    def cancel(self, request: Request, cluster: str, node: str) -> Response:
        """Call a running drain off; the node stays cordoned."""
        row = self.session(request, cluster).cluster
        drain = drain_cancel(actor=request.user, cluster=row, node=node)
        operation = Operation.objects.get(pk=drain.operation_id)
        body = {"evict": [], "ignored": [], "operation": documents.export(OPERATION, operation)}
        return Response(body, status=status.HTTP_202_ACCEPTED)

    def _cordon(
        self, request: Request, cluster: str, node: str, *, unschedulable: bool
    ) -> Response:
        dry, session = live_documents.dry_run(request), self.session(request, cluster)
        made = nodes.node_cordon(session, node, unschedulable=unschedulable, dry_run=dry)
        return _changed(made)


def _changed(node: dict[str, Any]) -> Response:
    return Response({"object": node})
