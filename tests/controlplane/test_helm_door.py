"""The door to Helm against a real API server."""

from __future__ import annotations

import base64
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from apps.helm import Helm, HelmError, HelmReason, HelmUnavailable, ReleaseSpec
from apps.helm.process import run
from apps.helm_records import (
    FIELD_SELECTOR,
    LABEL_SELECTOR,
    SECRETS,
    RecordMeta,
    ReleaseStatus,
    decode_record,
    forget_refs,
    latest,
    record_meta,
    record_ref,
    unlock_ref,
)
from apps.objects import object_refs, parse_manifest
from fleet.connection import Connection
from fleet.kube import Kube, ObjectRef
from fleet.kube_errors import NotFound
from fleet.kubeconfig import choose_context
from tests.faultproxy import FaultProxy, Mode
from tools.controlplane import ControlPlane, binaries

CANARY = "canary-value-0123456789"

HOOK = """
{{- if .Values.hook }}
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .Release.Name }}-hook
  annotations:
    helm.sh/hook: pre-install,pre-upgrade
    helm.sh/hook-delete-policy: before-hook-creation
spec:
  backoffLimit: 0
  activeDeadlineSeconds: {{ .Values.hookSeconds }}
  template:
    spec:
      restartPolicy: Never
      nodeSelector: {nowhere: "true"}
      containers: [{name: a, image: a}]
{{- end }}
"""
CONFIG = """
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}
data:
  greeting: {{ .Values.greeting | quote }}
  kube: {{ .Capabilities.KubeVersion.Version | quote }}
"""
SECRET = """
{{- if .Values.password }}
apiVersion: v1
kind: Secret
metadata:
  name: {{ .Release.Name }}
data:
  password: {{ .Values.password | quote }}
{{- end }}
"""
SCHEMA = '{"type": "object", "properties": {"greeting": {"type": "string"}}}'
CHART = "apiVersion: v2\nname: demo\nversion: 1.2.3\nappVersion: '7'\n"
VALUES = "greeting: hello\nhook: false\nhookSeconds: 1\npassword: ''\n"


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    folder = tmp_path / "demo"
    files = {
        "Chart.yaml": CHART,
        "values.yaml": VALUES,
        "values.schema.json": SCHEMA,
        "templates/hook.yaml": HOOK,
        "templates/config.yaml": CONFIG,
        "templates/secret.yaml": SECRET,
    }
    for name, text in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    return folder


@pytest.fixture
def work_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.fixture
def door(work_dir: Path) -> Helm:
    return Helm(binaries().helm, work_dir)


@pytest.fixture
def connection(cluster_one: ControlPlane) -> Connection:
    return choose_context(cluster_one.kubeconfig.read_text()).connection


@pytest.fixture
def kube(connection: Connection) -> Kube:
    return Kube(connection)


@pytest.fixture
def spec(chart: Path, namespace: str) -> ReleaseSpec:
    return ReleaseSpec("web", namespace, chart, timeout_seconds=60)


def records(kube: Kube, namespace: str) -> list[RecordMeta]:
    found = kube.list(
        SECRETS,
        namespace=namespace,
        label_selector=LABEL_SELECTOR,
        field_selector=FIELD_SELECTOR,
        metadata_only=True,
    )
    return [meta for meta in map(record_meta, found) if meta is not None]


def config_ref(namespace: str) -> ObjectRef:
    return ObjectRef("v1", "ConfigMap", namespace, "web")


def greeting(kube: Kube, namespace: str) -> str:
    return str(kube.get(config_ref(namespace))["data"]["greeting"])


def failure(call: Any, *args: Any, **options: Any) -> HelmError:
    with pytest.raises(HelmError) as caught:
        call(*args, **options)
    return caught.value


# --- the life of a release -------------------------------------------------------------------


def test_life_cycle(door: Helm, connection: Connection, kube: Kube, spec: ReleaseSpec) -> None:
    target: dict[str, Any] = {"name": "web", "namespace": spec.namespace}
    first = door.install_or_upgrade(
        connection, replace(spec, description="first", labels={"kubecarrier.io/digest": "one"})
    )
    assert (first.revision, first.status, first.description) == (1, "deployed", "first")
    assert (first.chart, first.chart_version, first.app_version) == ("demo", "1.2.3", "7")
    second = door.install_or_upgrade(
        connection,
        replace(spec, values={"greeting": "bye"}, labels={"kubecarrier.io/digest": "two"}),
    )
    assert (second.revision, greeting(kube, spec.namespace)) == (2, "bye")
    assert door.get_values(connection, **target) == {"greeting": "bye"}
    assert door.get_values(connection, **target, revision=1) == {}
    assert door.get_values(connection, **target, computed=True)["hook"] is False
    assert "bye" in door.get_manifest(connection, **target)

    door.rollback(connection, **target, revision=1, description="back")
    assert greeting(kube, spec.namespace) == "hello"
    entries = door.history(connection, **target)
    assert [(entry.revision, entry.status) for entry in entries] == [
        (1, "superseded"),
        (2, "superseded"),
        (3, "deployed"),
    ]
    assert door.status(connection, **target).revision == 3
    (listed,) = door.list_releases(connection, namespace=spec.namespace)
    assert (listed.name, listed.revision, listed.chart) == ("web", 3, "demo-1.2.3")
    newest = latest(records(kube, spec.namespace))[spec.namespace, "web"]
    assert newest.labels == {"kubecarrier.io/digest": "one"}  # a roll back brings its labels

    door.uninstall(connection, **target)
    with pytest.raises(NotFound):
        kube.get(config_ref(spec.namespace))
    assert failure(door.uninstall, connection, **target).reason is HelmReason.NOT_FOUND
    assert failure(door.status, connection, **target).reason is HelmReason.NOT_FOUND


def test_empty_values_are_empty(door: Helm, connection: Connection, spec: ReleaseSpec) -> None:
    """Helm alone would reuse the last revision's values here."""
    door.install_or_upgrade(connection, replace(spec, values={"greeting": "bye"}))
    again = door.install_or_upgrade(connection, spec)
    assert again.values == {}
    assert "hello" in again.manifest


def test_history_limit_and_kept_history(
    door: Helm, connection: Connection, kube: Kube, spec: ReleaseSpec
) -> None:
    for _ in range(4):
        door.install_or_upgrade(connection, replace(spec, max_history=2))
    assert len(records(kube, spec.namespace)) == 2
    door.uninstall(connection, name="web", namespace=spec.namespace, keep_history=True)
    newest = latest(records(kube, spec.namespace))[spec.namespace, "web"]
    assert newest.status is ReleaseStatus.UNINSTALLED
    assert door.install_or_upgrade(connection, spec).status == "deployed"


def test_a_new_namespace(door: Helm, connection: Connection, kube: Kube, spec: ReleaseSpec) -> None:
    elsewhere = replace(spec, namespace=f"{spec.namespace}-new")
    assert failure(door.install_or_upgrade, connection, elsewhere)
    made = door.install_or_upgrade(connection, replace(elsewhere, create_namespace=True))
    assert made.namespace == elsewhere.namespace
    kube.delete(ObjectRef("v1", "Namespace", "", elsewhere.namespace))


# --- rendering -------------------------------------------------------------------------------


def test_template_needs_no_cluster(door: Helm, spec: ReleaseSpec) -> None:
    text = door.template(replace(spec, values={"hook": True}), kube_version="1.30.1")
    manifest = parse_manifest(text)
    assert [obj["kind"] for obj in manifest.objects] == ["ConfigMap"]
    assert [obj["kind"] for obj in manifest.hooks] == ["Job"]
    assert manifest.objects[0]["data"]["kube"] == "v1.30.1"


def test_dry_run_changes_nothing(
    door: Helm, connection: Connection, kube: Kube, spec: ReleaseSpec
) -> None:
    password = base64.b64encode(CANARY.encode()).decode()
    secretive = replace(spec, values={"password": password})
    result = door.dry_run(connection, secretive, hide_secret=True)
    objects = parse_manifest(result.manifest).objects
    refs = object_refs(
        objects,
        default_namespace=spec.namespace,
        namespaced=lambda version, kind: kube.resource_for(version, kind).namespaced,
    )
    assert config_ref(spec.namespace) in refs
    assert password not in result.manifest
    assert records(kube, spec.namespace) == []
    with pytest.raises(NotFound):
        kube.get(config_ref(spec.namespace))


# --- what goes wrong -------------------------------------------------------------------------


def test_values_against_the_schema(door: Helm, connection: Connection, spec: ReleaseSpec) -> None:
    error = failure(door.install_or_upgrade, connection, replace(spec, values={"greeting": 5}))
    assert error.reason is HelmReason.INVALID_VALUES
    assert "greeting" in error.message


def test_a_template_that_fails(
    door: Helm, connection: Connection, spec: ReleaseSpec, chart: Path
) -> None:
    (chart / "templates/bad.yaml").write_text('{{ required "say who" .Values.who }}')
    error = failure(door.install_or_upgrade, connection, spec)
    assert error.reason is HelmReason.RENDER_FAILED
    assert "say who" in error.message


def test_an_endless_template(
    door: Helm,
    connection: Connection,
    kube: Kube,
    spec: ReleaseSpec,
    chart: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Ten thousand million turns: Helm is ended with its time, and has written nothing."""
    monkeypatch.setattr("apps.helm.cli._START_SECONDS", 1.0)
    monkeypatch.setattr("apps.helm.process._GRACE_SECONDS", 0.5)
    turns = "{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}"
    (chart / "templates/endless.yaml").write_text(turns)
    error = failure(door.install_or_upgrade, connection, replace(spec, timeout_seconds=1))
    assert error.reason is HelmReason.TIMEOUT
    assert records(kube, spec.namespace) == []


def test_a_kube_version_that_is_not_there(
    door: Helm, connection: Connection, kube: Kube, spec: ReleaseSpec, chart: Path
) -> None:
    (chart / "Chart.yaml").write_text(CHART + 'kubeVersion: ">=9"\n')
    error = failure(door.install_or_upgrade, connection, spec)
    assert error.reason is HelmReason.RENDER_FAILED
    assert ">=9" in error.message
    assert records(kube, spec.namespace) == []


def test_a_kind_that_is_not_served(
    door: Helm, connection: Connection, spec: ReleaseSpec, chart: Path
) -> None:
    text = "apiVersion: a.example/v1\nkind: Widget\nmetadata: {name: a}\n"
    (chart / "templates/widget.yaml").write_text(text)
    error = failure(door.install_or_upgrade, connection, spec)
    assert error.reason is HelmReason.RENDER_FAILED


def test_an_object_of_somebody_else(
    door: Helm, connection: Connection, kube: Kube, spec: ReleaseSpec
) -> None:
    ref = config_ref(spec.namespace)
    metadata = {"name": ref.name, "namespace": ref.namespace}
    kube.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
    assert failure(door.install_or_upgrade, connection, spec).reason is HelmReason.OWNERSHIP
    taken = door.install_or_upgrade(connection, replace(spec, take_ownership=True))
    assert taken.status == "deployed"


def test_a_field_of_somebody_else(
    door: Helm, connection: Connection, kube: Kube, spec: ReleaseSpec
) -> None:
    door.install_or_upgrade(connection, spec)
    ref = config_ref(spec.namespace)
    theirs = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": ref.name, "namespace": ref.namespace},
        "data": {"greeting": "mine"},
    }
    kube.apply(theirs, field_manager="somebody", force=True)
    changed = replace(spec, values={"greeting": "bye"})
    assert failure(door.install_or_upgrade, connection, changed).reason is HelmReason.CONFLICT
    door.install_or_upgrade(connection, replace(changed, force_conflicts=True))
    assert greeting(kube, spec.namespace) == "bye"


def test_a_failing_hook(door: Helm, connection: Connection, kube: Kube, spec: ReleaseSpec) -> None:
    failing = replace(spec, values={"hook": True, "hookSeconds": 1}, timeout_seconds=30)
    error = failure(door.install_or_upgrade, connection, failing)
    assert error.reason is HelmReason.HOOK_FAILED
    newest = latest(records(kube, spec.namespace))[spec.namespace, "web"]
    assert newest.status is ReleaseStatus.FAILED
    with pytest.raises(NotFound):
        kube.get(config_ref(spec.namespace))
    assert door.install_or_upgrade(connection, spec).status == "deployed"


def test_a_record_that_is_too_large(
    door: Helm, connection: Connection, spec: ReleaseSpec, chart: Path
) -> None:
    noise = base64.b64encode(os.urandom(1_500_000)).decode()
    (chart / "noise.txt").write_text(noise)
    error = failure(door.install_or_upgrade, connection, spec)
    assert error.reason is HelmReason.RECORD_TOO_LARGE


def test_values_of_secrets_stay_out_of_errors(
    door: Helm, connection: Connection, spec: ReleaseSpec, chart: Path
) -> None:
    (chart / "templates/bad.yaml").write_text('{{ fail (printf "got %s" .Values.password) }}')
    secretive = replace(spec, values={"password": CANARY}, secrets=(CANARY,))
    error = failure(door.install_or_upgrade, connection, secretive)
    assert "got ***" in error.message
    assert CANARY not in repr(error)


def test_denied(
    door: Helm, connection: Connection, cluster_one: ControlPlane, spec: ReleaseSpec
) -> None:
    text = cluster_one.token_kubeconfig("nobody", spec.namespace)
    nobody = choose_context(text).connection
    assert failure(door.install_or_upgrade, nobody, spec).reason is HelmReason.DENIED
    wrong = replace(connection, client_cert_pem=None, client_key_pem=None, token=CANARY)
    error = failure(door.install_or_upgrade, wrong, spec)
    assert error.reason is HelmReason.DENIED
    assert CANARY not in error.message


def test_another_ca(
    door: Helm, connection: Connection, cluster_two: ControlPlane, spec: ReleaseSpec
) -> None:
    strange = replace(connection, ca_pem=cluster_two.ca_pem)
    assert failure(door.install_or_upgrade, strange, spec).reason is HelmReason.DENIED


@pytest.fixture
def proxy(connection: Connection) -> Iterator[FaultProxy]:
    with FaultProxy((connection.host, connection.port)) as running:
        yield running


def test_unreachable(
    door: Helm, connection: Connection, proxy: FaultProxy, spec: ReleaseSpec
) -> None:
    proxy.behave(Mode.REFUSE)
    error = failure(door.install_or_upgrade, replace(connection, server=proxy.url), spec)
    assert error.reason is HelmReason.UNREACHABLE
    assert isinstance(error, HelmUnavailable)


def test_a_hanging_server_is_left_at_the_time_out(
    door: Helm,
    connection: Connection,
    proxy: FaultProxy,
    spec: ReleaseSpec,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("apps.helm.cli._START_SECONDS", 1.0)
    monkeypatch.setattr("apps.helm.process._GRACE_SECONDS", 0.5)
    proxy.behave(Mode.HANG)
    brief = replace(spec, timeout_seconds=1)
    error = failure(door.install_or_upgrade, replace(connection, server=proxy.url), brief)
    assert error.reason in (HelmReason.TIMEOUT, HelmReason.UNREACHABLE)
    assert proxy.faults[Mode.HANG]


def test_the_checked_address_is_called(
    door: Helm, connection: Connection, spec: ReleaseSpec
) -> None:
    named = replace(
        connection,
        server=f"https://kubernetes.invalid:{connection.port}",
        tls_server_name="localhost",
        address="127.0.0.1",
    )
    assert door.install_or_upgrade(named, spec).status == "deployed"


# --- records ---------------------------------------------------------------------------------


def test_a_record_decodes_to_what_helm_says(
    door: Helm, connection: Connection, kube: Kube, spec: ReleaseSpec
) -> None:
    said = door.install_or_upgrade(connection, replace(spec, values={"greeting": "bye"}))
    (record,) = records(kube, spec.namespace)
    assert (record.status, record.revision) == (ReleaseStatus.DEPLOYED, 1)
    decoded = decode_record(kube.get(record_ref(record)))
    assert decoded == said


class _Killer:
    """Ends a Helm with kill -9 as soon as its pending record is there."""

    def __init__(self, kube: Kube, namespace: str) -> None:
        self.kube, self.namespace = kube, namespace
        self.pid: int | None = None
        self.saw: RecordMeta | None = None
        self._done = threading.Event()

    def started(self, pid: int) -> None:
        self.pid = pid
        threading.Thread(target=self._watch, args=(pid,), daemon=True).start()

    def _watch(self, pid: int) -> None:
        while not self._done.is_set():
            pending = [item for item in records(self.kube, self.namespace) if item.pending]
            if pending:
                self.saw = pending[0]
                with suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGKILL)
                return
            self._done.wait(0.02)


def test_killed_in_the_middle_then_unlocked(
    work_dir: Path, connection: Connection, kube: Kube, spec: ReleaseSpec
) -> None:
    killer = _Killer(kube, spec.namespace)
    door = Helm(binaries().helm, work_dir, started=killer.started)
    slow = replace(spec, values={"hook": True, "hookSeconds": 600})
    failure(door.install_or_upgrade, connection, slow)
    assert killer.saw is not None
    door = Helm(binaries().helm, work_dir)

    locked = failure(door.install_or_upgrade, connection, spec)
    assert locked.reason is HelmReason.ANOTHER_OPERATION
    (record,) = records(kube, spec.namespace)
    assert record.status is ReleaseStatus.PENDING_INSTALL

    ref, uid, version = unlock_ref(record)
    kube.delete(ref, uid=uid, resource_version=version)
    assert door.install_or_upgrade(connection, spec).status == "deployed"


def test_killed_in_an_upgrade_the_old_revision_stays(
    work_dir: Path, connection: Connection, kube: Kube, spec: ReleaseSpec
) -> None:
    door = Helm(binaries().helm, work_dir)
    door.install_or_upgrade(connection, spec)
    killer = _Killer(kube, spec.namespace)
    slow = replace(spec, values={"hook": True, "hookSeconds": 600, "greeting": "bye"})
    killed = Helm(binaries().helm, work_dir, started=killer.started)
    failure(killed.install_or_upgrade, connection, slow)
    assert killer.saw is not None
    assert killer.saw.status is ReleaseStatus.PENDING_UPGRADE

    newest = latest(records(kube, spec.namespace))[spec.namespace, "web"]
    ref, uid, version = unlock_ref(newest)
    kube.delete(ref, uid=uid, resource_version=version)
    status = door.status(connection, name="web", namespace=spec.namespace)
    assert (status.revision, status.status) == (1, "deployed")
    bye = replace(spec, values={"greeting": "bye"})
    assert door.install_or_upgrade(connection, bye).revision == 2


def test_cancelled(work_dir: Path, connection: Connection, kube: Kube, spec: ReleaseSpec) -> None:
    """Helm is asked to stop and marks its release as failed: nothing stays locked."""

    def pending() -> bool:
        return any(record.pending for record in records(kube, spec.namespace))

    door = Helm(binaries().helm, work_dir, cancelled=pending)
    slow = replace(spec, values={"hook": True, "hookSeconds": 600})
    error = failure(door.install_or_upgrade, connection, slow)
    assert error.reason is HelmReason.CANCELLED
    newest = latest(records(kube, spec.namespace))[spec.namespace, "web"]
    assert newest.status is ReleaseStatus.FAILED


def test_forgetting_leaves_every_object(
    door: Helm, connection: Connection, kube: Kube, spec: ReleaseSpec
) -> None:
    for _ in range(2):
        door.install_or_upgrade(connection, spec)
    found = records(kube, spec.namespace)
    for ref, uid in forget_refs(found, namespace=spec.namespace, name="web"):
        kube.delete(ref, uid=uid)
    assert door.list_releases(connection, namespace=spec.namespace) == ()
    assert greeting(kube, spec.namespace) == "hello"
    again = door.install_or_upgrade(connection, spec)
    assert again.revision == 1


# --- secrets ---------------------------------------------------------------------------------


def test_no_file_holds_a_secret_during_a_call(
    work_dir: Path, cluster_one: ControlPlane, connection: Connection, kube: Kube, spec: ReleaseSpec
) -> None:
    """Looked at while Helm waits for its hook; afterwards again."""
    token = cluster_one.token_for("default", spec.namespace)
    cluster_one.kubectl(
        "create", "rolebinding", "all", "--clusterrole=admin",
        f"--serviceaccount={spec.namespace}:default", "-n", spec.namespace,
    )  # fmt: skip
    identity = replace(connection, client_cert_pem=None, client_key_pem=None, token=token)
    seen: dict[str, list[str]] = {}
    pids: list[int] = []

    def looked() -> bool:
        if not any(record.pending for record in records(kube, spec.namespace)):
            return False
        seen["files"] = _files_with(work_dir, token, CANARY)
        command = Path(f"/proc/{pids[0]}/cmdline").read_bytes()
        environment = Path(f"/proc/{pids[0]}/environ").read_bytes()
        seen["process"] = [
            text for text in (token, CANARY) if text.encode() in command + environment
        ]
        seen["helm"] = [command.split(b"\0")[0].decode()]
        return True

    door = Helm(binaries().helm, work_dir, cancelled=looked, started=pids.append)
    values = {"hook": True, "hookSeconds": 600, "greeting": CANARY}
    failure(door.install_or_upgrade, identity, replace(spec, values=values))
    assert seen["helm"] == [str(binaries().helm)]
    assert (seen["files"], seen["process"]) == ([], [])
    assert _files_with(work_dir, token, CANARY) == []


def _files_with(folder: Path, *texts: str) -> list[str]:
    contents = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return [str(path) for path, raw in contents.items() if any(t.encode() in raw for t in texts)]


def test_helm_takes_the_memory_files(work_dir: Path) -> None:
    """The system promises it: a child reads an inherited memory file by its path."""
    from fleet.memory_file import memory_file

    with memory_file(orjson.dumps({"a": 1})) as file:
        finished = run(
            ["/bin/cat", file.path],
            environment={},
            directory=work_dir,
            descriptors=file.descriptors,
            timeout_seconds=10,
        )
    assert finished.stdout == b'{"a":1}'
    assert not Path(file.path).exists() or not file.descriptors
