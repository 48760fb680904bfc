"""The portal renews its own token: one that works is stored at every instruction, the old one ends."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import AuditEntry
from fleet.connection import secret_of
from fleet.grants.portal_account import NAMESPACE, SUBJECT
from fleet.inventory.watching import InventoryWatcher
from fleet.models import Catalogue, Cluster, InventoryKind, InventoryObject
from fleet.queries import connection_of
from fleet.services import rotations
from fleet.services.exchanges import await_rights
from fleet.tasks import probe_clusters, read_catalogues, rotate_credentials
from kubecarrier.lib import audit
from tests.controlplane.conftest import Tool
from tests.controlplane.faults import Controller, behind_proxy, heal, import_through
from tests.controlplane.test_account_exchange import (
    _nothing_of_earlier_portals as _nothing_of_earlier_portals,  # noqa: PLC0414 - a fixture
)
from tests.controlplane.test_account_exchange import exchanged, one
from tests.faultproxy import Mode
from tests.portal import Portal, eventually
from tools.controlplane import ControlPlane, ControlPlaneError

__all__ = ["one"]
ACT = "clusters/one/rotate-credential"


class Killed(BaseException):
    """The process ends here: nothing that would tidy up runs, as far as Python lets that be."""


@pytest.fixture
def own(one: Portal) -> Portal:
    exchanged(one)
    eventually(lambda: one.ready("clusters/one"))
    return one


def row() -> Cluster:
    return Cluster.objects.get(name="one")


def token() -> str:
    return str(connection_of(row()).token)


def secrets(kubectl: Tool, plane: ControlPlane) -> set[str]:
    said = kubectl("get", "secrets", "-n", NAMESPACE, "-o", "name", cluster=plane)
    return {line.removeprefix("secret/") for line in said.split()}


def works(kubectl: Tool, plane: ControlPlane, given: str) -> bool:
    """Whether the API server still takes a token; asked as nobody else."""
    try:
        said = kubectl(
            "--kubeconfig=/dev/null", f"--server={plane.server}", "--insecure-skip-tls-verify",
            f"--token={given}", "auth", "whoami", "-o", "json", cluster=plane,
        )  # fmt: skip
    except ControlPlaneError:
        return False
    return SUBJECT in said


def later(days: float) -> None:
    """The credential is as old as that, and whatever waited an hour did."""
    with audit.unaudited("a test"):
        Cluster.objects.update(
            credential_rotated_at=timezone.now() - timedelta(days=days),
            rotation_retry_at=None,
            rotation_until=None,
        )


def test_a_new_token_works_and_the_old_one_ends(
    own: Portal, kubectl: Tool, cluster_one: ControlPlane
) -> None:
    before, since = token(), row().credential_rotated_at
    assert works(kubectl, cluster_one, before)
    own.call("post", ACT, code=202)
    assert token() != before
    assert secrets(kubectl, cluster_one) == {secret_of(connection_of(row()))}
    eventually(lambda: not works(kubectl, cluster_one, before))
    assert works(kubectl, cluster_one, token())
    status = own.call("get", "clusters/one")["status"]
    assert since is not None
    assert status["credentialRotatedAt"] > since.isoformat()
    assert status["credentialExchangedAt"]
    eventually(lambda: own.ready("clusters/one"))
    assert row().condition("CredentialStale")["reason"] == "Renewed"
    # On record, without either value.
    (entry,) = AuditEntry.objects.filter(event="credential-rotated").order_by("-pk")[:1]
    assert (entry.actor_name, entry.object_repr, entry.channel) == ("admin", "one", "api")
    texts = json.dumps(list(AuditEntry.objects.values("changes", "changes_text")), default=str)
    assert before not in texts
    assert token() not in texts


def test_watches_go_on_with_it(
    own: Portal, namespace: str, kubectl: Tool, cluster_one: ControlPlane
) -> None:
    def seen(name: str) -> bool:
        return InventoryObject.objects.filter(kind="Service", name=name).exists()

    def catalogued() -> bool:
        Catalogue.objects.status_update(next_reconcile_at=timezone.now())
        read_catalogues()
        return InventoryKind.objects.filter(kind="Service", listed_at__isnull=False).exists()

    with Controller(InventoryWatcher()):
        eventually(catalogued)
        own.call("post", ACT, code=202)
        make = ("create", "service", "clusterip", "after", "--tcp=80")
        kubectl(*make, "-n", namespace, cluster=cluster_one)
        eventually(lambda: seen("after"))


def test_by_itself_once_it_is_old(own: Portal, kubectl: Tool, cluster_one: ControlPlane) -> None:
    before = token()
    assert not rotations.rotations_due()
    rotate_credentials()
    assert token() == before
    later(31)
    assert rotations.rotations_due()
    rotate_credentials()
    assert token() != before
    assert secrets(kubectl, cluster_one) == {secret_of(connection_of(row()))}
    assert not rotations.rotations_due()
    entry = AuditEntry.objects.filter(event="credential-rotated").latest("pk")
    assert (entry.actor_name, entry.channel) == ("", "reconciler")


@pytest.mark.parametrize(("days", "age"), [(0, 4000), (30, 29)])
def test_not_before(own: Portal, settings: Any, days: int, age: int) -> None:
    settings.KUBECARRIER_CREDENTIAL_ROTATION_DAYS = days
    later(age)
    assert not rotations.rotations_due()


STEPS = ["portal_tokens.secret", "await_token", "await_rights", "cluster_rotate", "_forget_quietly"]


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step(
    own: Portal,
    kubectl: Tool,
    cluster_one: ControlPlane,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
) -> None:
    """One that works is stored; what is not used goes with the next pass, and no more than that."""

    def killed(*args: Any, **kwargs: Any) -> Any:
        raise Killed

    before = token()
    with monkeypatch.context() as patched:
        patched.setattr(f"fleet.services.rotations.{step}", killed)
        with pytest.raises(Killed):
            rotations.cluster_rotate_credential(cluster=row())
    assert (token() == before) is (step != "_forget_quietly")
    assert works(kubectl, cluster_one, token())
    assert rotations.rotations_due()
    rotate_credentials()
    assert works(kubectl, cluster_one, token())
    assert secrets(kubectl, cluster_one) == {secret_of(connection_of(row()))}
    assert not rotations.rotations_due()


def test_a_cluster_that_goes_down_in_the_middle(
    portal: Portal, kubectl: Tool, cluster_one: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    with behind_proxy(cluster_one) as proxy:
        import_through(portal, cluster_one, proxy)
        eventually(lambda: portal.ready("clusters/one"))
        exchanged(portal)
        eventually(lambda: portal.ready("clusters/one"))
        before, real = token(), await_rights

        def cut(*args: Any) -> None:
            proxy.behave(Mode.REFUSE)
            real(*args)

        monkeypatch.setattr(rotations, "await_rights", cut)
        answer = portal.call("post", ACT, code=503)
        assert answer["error"]["code"] == "kube_unreachable", answer
        assert token() == before
        assert len(secrets(kubectl, cluster_one)) == 2
        monkeypatch.undo()
        heal(proxy)
        eventually(lambda: probe_clusters() or row().condition("Reachable")["status"] == "True")
        rotate_credentials()
        assert token() == before
        assert secrets(kubectl, cluster_one) == {secret_of(connection_of(row()))}
        assert works(kubectl, cluster_one, before)


def test_what_it_may_no_longer_do_is_said_and_tried_again(
    own: Portal, kubectl: Tool, cluster_one: ControlPlane
) -> None:
    """An administrator narrowed the account: the token stays, and the cluster's page says why."""
    rules = '[{"op": "remove", "path": "/rules/1"}]'
    kubectl(
        "patch", "clusterrole", "kubecarrier:portal", "--type=json", "-p", rules,
        cluster=cluster_one,
    )  # fmt: skip
    before = token()
    eventually(lambda: _refused(own))
    later(31)
    rotate_credentials()
    assert token() == before
    assert row().rotation_error.startswith("kube_forbidden")
    assert not rotations.rotations_due()  # in an hour
    eventually(lambda: probe_clusters() or row().condition("CredentialStale")["status"] == "True")
    assert row().condition("CredentialStale")["reason"] == "RenewalFailed"
    assert own.ready("clusters/one")


def _refused(portal: Portal) -> bool:
    answer = portal.client.post(f"/api/v1/{ACT}", {}, format="json")
    return answer.status_code == 422 and answer.json()["error"]["code"] == "kube_forbidden"


def test_an_imported_credential_is_not_the_portal_s_to_renew(one: Portal) -> None:
    before = connection_of(row())
    assert one.call("post", ACT, code=409)["error"]["code"] == "credential_not_ours"
    later(4000)
    assert not rotations.rotations_due()
    rotate_credentials()
    assert connection_of(row()) == before


def test_one_at_a_time_and_somebody_s_new_credential_is_kept(
    own: Portal, cluster_one: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = await_rights

    def meanwhile(*args: Any) -> None:
        assert own.call("post", ACT, code=409)["error"]["code"] == "rotation_running"
        own.call("post", "clusters/one/rotate", {"kubeconfig": cluster_one.kubeconfig.read_text()})
        real(*args)

    monkeypatch.setattr(rotations, "await_rights", meanwhile)
    answer = own.call("post", ACT, code=409)
    assert answer["error"]["code"] == "credential_changed"
    assert connection_of(row()).client_key_pem
    assert row().rotation_until is None


def test_what_works_with_the_old_one_keeps_it(
    own: Portal, kubectl: Tool, cluster_one: ControlPlane
) -> None:
    """A Helm upgrade in the middle: its token ends once it has ended."""
    before = token()
    Catalogue.objects.status_update(lease_expires_at=timezone.now() + timedelta(minutes=5))
    own.call("post", ACT, code=202)
    assert token() != before
    assert works(kubectl, cluster_one, before)
    assert not rotations.rotations_due()  # in a minute
    Catalogue.objects.status_update(lease_expires_at=None)
    Cluster.objects.status_update(rotation_retry_at=None)
    rotate_credentials()
    eventually(lambda: not works(kubectl, cluster_one, before))
    assert row().own_tokens == []


def test_a_secret_without_our_mark_is_left(
    own: Portal, kubectl: Tool, cluster_one: ControlPlane
) -> None:
    kubectl("create", "secret", "generic", "somebody-s", "-n", NAMESPACE, cluster=cluster_one)
    Cluster.objects.status_update(own_tokens=["somebody-s"])
    rotate_credentials()
    assert "somebody-s" in secrets(kubectl, cluster_one)
    assert row().own_tokens == []
