"""How long a pass waits that met an error of a cluster, and whether its neighbours try at all."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pytest

from fleet.kube.shapes import is_bound
from fleet.kube_errors import AnotherCluster, KubeError, ServerError, TimedOut, TooManyRequests
from fleet.reconcilers.configcopy_steps import ends_lane
from kubecarrier.lib.lease import Claim
from kubecarrier.lib.reconcile import crashed

CLAIM = Claim(uuid.uuid4(), 1, 1, 0, datetime(2026, 1, 1, tzinfo=UTC))


def test_what_a_server_asks_for_is_waited_for() -> None:
    """`Retry-After` counts where it is longer than the back-off."""
    error = TooManyRequests("Slow down.", status=429, retry_after_seconds=40.0)
    assert crashed(CLAIM, error).again_seconds == 40.0
    soon = crashed(CLAIM, TooManyRequests("Slow down.", retry_after_seconds=0.1)).again_seconds
    assert soon is not None
    assert soon > 1.0


@pytest.mark.parametrize(
    ("error", "ends"),
    [
        (TimedOut("Silent."), True),
        (TooManyRequests("Slow down."), True),
        (AnotherCluster("Who is it?"), True),
        (ServerError("A webhook failed."), False),
    ],
)
def test_who_is_not_asked_for_the_next_one(error: KubeError, ends: bool) -> None:
    assert ends_lane(error) is ends


@pytest.mark.parametrize(
    ("body", "bound"),
    [
        (None, False),
        ([{"op": "remove"}], False),
        ({"metadata": {"name": "a"}}, False),
        ({"metadata": {"name": "a", "uid": "u"}}, True),
        ({"kind": "DeleteOptions", "preconditions": {}}, False),
        ({"kind": "DeleteOptions", "preconditions": {"uid": "u"}}, True),
        ({"metadata": {"name": "a"}, "deleteOptions": {"preconditions": {"uid": "u"}}}, True),
    ],
)
def test_writes_that_fit_one_object_only(body: object, bound: bool) -> None:
    """Any other is made only after the cluster has said who it is."""
    assert is_bound(body) is bound
