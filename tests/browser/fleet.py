"""A realistic fleet in the database, for pages that are looked at.

Repositories, charts and applications come through the services; what reconcilers would have
observed is written as they write it. No cluster is called, unless `planes` gives real ones.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.models import User
from apps.models import Application, ChartRepository, Release
from apps.services.applications import application_apply, application_upgrade
from apps.services.charts import chart_upload
from apps.services.repositories import repository_apply
from fleet.models import (
    Cluster,
    Namespace,
    Node,
    Operation,
)
from kubecarrier.lib import audit, crypto
from kubecarrier.lib.manifests import Wish
from tests.browser import config_items, inventory, projects
from tests.portal import SERVICE, WEB, WEB_VALUES, chart

GIB = 1024**3
CLUSTERS = (
    ("fra-prod-1", "prod", "eu-central", "hetzner", 9),
    ("fra-prod-2", "prod", "eu-central", "hetzner", 9),
    ("ams-prod-1", "prod", "eu-west", "ovh", 6),
    ("iad-prod-1", "prod", "us-east", "aws", 12),
    ("fra-staging", "staging", "eu-central", "hetzner", 4),
    ("berlin-edge", "edge", "on-premises", "bare metal", 3),
)
APPLICATIONS = (
    ("checkout", "web", "2.4.1", "kubecarrier.io/environment=prod", "shop"),
    ("catalog", "web", "2.4.1", "kubecarrier.io/environment in (prod,staging)", "shop"),
    ("payments", "web", "2.3.0", "kubecarrier.io/environment in (prod,staging)", "shop"),
    ("search", "web", "2.4.1", "kubecarrier.io/region=eu-central", "shop"),
    ("mailer", "worker", "1.2.0", "kubecarrier.io/environment in (prod,staging)", "shop"),
    ("image-resizer", "worker", "1.2.0", "*", "media"),
    ("sessions", "cache", "7.2.4", "*", "shop"),
    ("identity", "web", "2.4.1", "kubecarrier.io/environment=prod", "platform"),
    ("feature-flags", "web", "2.3.0", "*", "platform"),
    ("log-shipper", "agent", "0.9.3", "*", "observability"),
    ("metrics-agent", "agent", "0.9.3", "*", "observability"),
    ("pos-terminal", "web", "2.4.1", "kubecarrier.io/environment=edge", "stores"),
)
CHARTS = {
    "web": ("2.2.0", "2.3.0", "2.4.1"),
    "worker": ("1.1.0", "1.2.0"),
    "cache": ("7.2.4",),
    "agent": ("0.9.2", "0.9.3"),
}
ABOUT = {
    "web": "A stateless HTTP service with a Deployment and a Service.",
    "worker": "A queue consumer that scales by its backlog.",
    "cache": "An in-memory cache with persistence switched off.",
    "agent": "One collector on every node.",
}
README = """# {name}

{about}

## Values

| Key | Default | Meaning |
|-----|---------|---------|
| `replicaCount` | `1` | How many pods |
| `image.repository` | `nginx` | Where the image comes from |
| `env` | `[]` | Environment variables |

## Upgrading

Read the change log before a **major** version; minor ones need nothing.
"""


def archive(name: str, version: str) -> bytes:
    """A chart with a README."""
    meta = (
        f"apiVersion: v2\nname: {name}\nversion: {version}\nappVersion: '{version}'\n"
        f"description: {ABOUT[name]}\nkeywords: [http, service]\nmaintainers: [{{name: Platform team}}]\n"
    )
    return chart(
        name, version, **{"Chart.yaml": meta, "README.md": README.format(name=name, about=ABOUT[name])},
        templates__web_yaml=WEB, templates__service_yaml=SERVICE, values_yaml=WEB_VALUES,
    )  # fmt: skip


def build(
    *,
    planes: dict[str, Any] | None = None,
    clusters: Any = CLUSTERS,
    applications: Any = APPLICATIONS,
) -> User:
    """The whole fleet, acted by `ada`; returns her."""
    user = User.objects.create_superuser(
        "ada", "ada@example.org", "a-long-password-1", first_name="Ada"
    )
    with audit.acting(
        audit.AuditContext(audit.Channel.CONSOLE, actor=lambda: user, request_id="seed-0001")
    ):
        for given in clusters:
            _cluster(given, (planes or {}).get(given[0]))
        _charts(user)
        projects.build(user)
        for given in applications:
            _application(user, given)
        _upgrade()
        _refused(user)
        config_items.build(user)
    _observe()
    inventory.build()
    return user


def _cluster(given: tuple[Any, ...], plane: Any) -> None:
    name, environment, region, provider, nodes = given
    now = timezone.now()
    cluster = Cluster(
        name=name, environment=environment, region=region, provider=provider, labels={"team": "platform"},
        server=plane.server if plane else f"https://{name}.example.org:6443", ca_pem=plane.ca_pem if plane else "",
    )  # fmt: skip
    token = plane.token_for("portal", "default") if plane else "not-a-token"
    crypto.seal(cluster, "credential", json.dumps({"token": token}))
    cluster.save()
    capacity = {
        "cpu_millicores": nodes * 16000,
        "memory_bytes": nodes * 64 * GIB,
        "pods": nodes * 110,
    }
    share = 0.35 + (sum(map(ord, name)) % 40) / 100
    _conditions(cluster, "True", "Probed", "The API server answers.", "Reachable", "Authenticated")
    columns: dict[str, Any] = {
        "version": "v1.34.2" if environment != "edge" else "v1.33.6",
        "platform": "linux/amd64", "identity": f"uid-{name}", "last_seen_at": now, "node_count": nodes,
        "credential_expires_at": now + timedelta(days=9 if name == "ams-prod-1" else 300),
        "capacity": capacity,
        "allocatable": {key: int(value * 0.94) for key, value in capacity.items()},
        "requested": {key: int(value * share) for key, value in capacity.items()},
        "usage": {"cpu_millicores": int(capacity["cpu_millicores"] * share * 0.6),
                  "memory_bytes": int(capacity["memory_bytes"] * share * 0.8)},
        "conditions": cluster.conditions, "ready": "True", "observed_generation": cluster.generation,
    }  # fmt: skip
    Cluster.objects.filter(pk=cluster.pk).status_update(**columns)
    with audit.unaudited("seed"):
        each = {key: value // nodes for key, value in capacity.items()}
        Node.objects.bulk_create(
            Node(cluster=cluster, name=f"{name}-node-{n}", ready=True, kubelet_version=columns["version"],
                 capacity=each, allocatable=each, seen_at=now, roles=["worker"],
                 requested={key: int(value * min(0.95, share + n % 4 / 10)) for key, value in each.items()})
            for n in range(1, nodes + 1)
        )  # fmt: skip
        Namespace.objects.bulk_create(
            Namespace(cluster=cluster, name=n, state="Active", seen_at=now)
            for n in (
                "default",
                "kube-system",
                "kube-public",
                "shop",
                "platform",
                "observability",
                "media",
            )
        )


def _conditions(
    row: Any, status: str, reason: str, message: str, *others: str, ago: int = 7200
) -> None:
    at = (timezone.now() - timedelta(seconds=ago)).isoformat()
    for name in ("Ready", *others):
        row.conditions[name] = {
            "status": status, "reason": reason, "message": message, "lastTransitionAt": at,
            "observedGeneration": row.generation,
        }  # fmt: skip


def _refused(user: User) -> None:
    """What an auditor looks for: a login that failed, and somebody who may not."""
    audit.event("login-failed", user, result=audit.Outcome.FAILED)
    cluster = Cluster.objects.get(name="fra-prod-1")
    said = "DELETE /api/v1/clusters/fra-prod-1 (clusters.delete)"
    audit.event("denied", cluster, said=said, result=audit.Outcome.DENIED)
    with audit.because("Drill of the yearly recovery, ticket 4711"):
        cluster.description = "Frankfurt, first hall\nOn call: platform team"
        cluster.save()
        cluster.description = "Frankfurt, first hall\nOn call: platform team\nDrill in March"
        cluster.save()


def _charts(user: User) -> None:
    spec = {"type": "local", "url": "", "description": "Our own charts."}
    repository = repository_apply(actor=user, wish=Wish("acme", {}, spec)).row
    for name, versions in CHARTS.items():
        for version in versions:
            chart_upload(repository=repository, content=archive(name, version))
    _conditions(repository, "True", "NoRefreshNeeded", "Charts are uploaded here.")
    ChartRepository.objects.filter(pk=repository.pk).status_update(
        conditions=repository.conditions, ready="True", observed_generation=repository.generation,
        chart_count=len(CHARTS), refreshed_at=timezone.now(),
    )  # fmt: skip


def _application(user: User, given: tuple[str, ...]) -> None:
    name, chart_name, version, selector, namespace = given
    placement = {"clusters": [], "selector": selector, "exclude": [], "overrides": {}}
    if name == "checkout":
        placement["overrides"] = {"iad-prod-1": {"values": {"replicaCount": 6}}}
    spec = {
        "chart": f"acme/{chart_name}", "version": version, "namespace": namespace, "values": "replicaCount: 3\n",
        "config_maps": [], "secrets": [{"name": f"{name}-keys", "data": {"API_KEY": "canary-secret-1"}}],
        "image_registry": "", "env": {"LOG_LEVEL": "info"}, "env_key": "env", "depends_on": [],
        "placement": placement, "keep_resources": False, "on_failure": "keep", "timeout_seconds": 300,
        "max_history": 10, "drift_policy": "detect", "description": f"The {name} service.",
    }  # fmt: skip
    project = projects.of_application(name)
    application_apply(actor=user, wish=Wish(name, {"team": namespace}, spec, project=project))


def _upgrade() -> None:
    row = Application.objects.filter(name="payments").first()
    if row:
        with audit.because("CVE in the base image"):
            application_upgrade(application=row, version="2.4.1")


def _observe() -> None:
    """Everything deployed and healthy, but for what a Monday morning has."""
    projects.observe()
    for release in Release.objects.select_related("cluster", "application"):
        _deployed(release)
    _away("berlin-edge")
    _drift("catalog.fra-prod-2")
    _failed("payments.ams-prod-1")
    _progressing("payments.iad-prod-1")
    for row in Application.objects.prefetch_related("releases"):
        _summary(row)
    with audit.unaudited("seed"):
        done = Operation.objects.exclude(verb="upgrade")
        for operation in done:
            operation.targets.update(state="succeeded", message="Deployed.")
        done.update(finished_at=timezone.now())
        for operation in Operation.objects.filter(verb="upgrade"):
            operation.targets.exclude(
                name__in=["payments.ams-prod-1", "payments.iad-prod-1"]
            ).update(state="succeeded")
            operation.targets.filter(name="payments.ams-prod-1").update(
                state="failed", message="UPGRADE FAILED: context deadline exceeded"
            )


def _object(
    release: Release, kind: str, health: str = "Healthy", message: str = ""
) -> dict[str, Any]:
    api = "apps/v1" if kind == "Deployment" else "v1"
    name = f"{release.release_name}-keys" if kind == "Secret" else release.release_name
    return {
        "apiVersion": api, "kind": kind, "namespace": release.namespace, "name": name, "uid": str(release.pk),
        "generation": 1, "health": health, "reason": "" if health == "Healthy" else "ProgressDeadlineExceeded",
        "message": message or ("3 of 3 replicas are ready." if kind == "Deployment" else ""),
    }  # fmt: skip


def _deployed(release: Release) -> None:
    _conditions(release, "True", "Deployed", "Deployed and healthy.", "Released", "Healthy")
    release.conditions["Drifted"] = {
        **release.conditions["Ready"],
        "status": "False",
        "reason": "NoDrift",
        "message": "As deployed.",
    }
    release.conditions["Stalled"] = {
        **release.conditions["Ready"],
        "status": "False",
        "reason": "NotStalled",
        "message": "",
    }
    _store(
        release, ready="True", observed_generation=release.generation, actual_version=release.wanted_version,
        helm_revision=1 + (release.generation > 1), helm_status="deployed", deployed_digest=release.desired_digest,
        seen_at=timezone.now(), objects_seen=[_object(release, kind) for kind in ("Deployment", "Service", "Secret")],
    )  # fmt: skip


def _store(release: Release, **columns: Any) -> None:
    Release.objects.filter(pk=release.pk).status_update(conditions=release.conditions, **columns)


def _away(name: str) -> None:
    cluster = Cluster.objects.filter(name=name).first()
    if cluster is None:
        return
    text = "The API server does not answer: connection timed out."
    _conditions(cluster, "False", "TimedOut", text, "Reachable", ago=2520)
    cluster.conditions["Authenticated"] = {
        **cluster.conditions["Ready"],
        "status": "Unknown",
        "message": "Not seen while the API server does not answer.",
    }
    seen = timezone.now() - timedelta(seconds=2520)
    Cluster.objects.filter(pk=cluster.pk).status_update(
        conditions=cluster.conditions, ready="False", last_seen_at=seen, failures=6
    )
    for release in cluster.releases.all():
        _conditions(
            release,
            "Unknown",
            "ClusterNotReady",
            "The cluster does not answer; what was last seen is kept.",
            ago=2520,
        )
        _store(release, ready="Unknown", seen_at=seen)


def _drift(name: str) -> None:
    release = Release.objects.filter(name=name).first()
    if release is None:
        return
    text = "Deployment/catalog: spec.replicas; written by kubectl-edit."
    at = (timezone.now() - timedelta(seconds=300)).isoformat()
    release.conditions["Drifted"] |= {"lastTransitionAt": at} | {
        "status": "True",
        "reason": "ObjectsChanged",
        "message": text,
    }
    fields = ["spec.replicas", "spec.template.spec.containers[0].image"]
    drift = [
        {
            "kind": "Deployment",
            "namespace": release.namespace,
            "name": "catalog",
            "fields": fields,
            "managers": ["kubectl-edit"],
        }
    ]
    _store(release, drift=drift)


def _failed(name: str) -> None:
    release = Release.objects.filter(name=name).first()
    if release is None:
        return
    error = (
        "UPGRADE FAILED: resource Deployment/shop/payments not ready. status: InProgress, message: "
        "Available: 2/3\nlast warning: Failed to pull image “nginx:2.4.1”: manifest unknown"
    )
    _conditions(
        release,
        "False",
        "UpgradeFailed",
        "UPGRADE FAILED: Deployment/shop/payments not ready: manifest unknown.",
        "Released",
        ago=900,
    )
    release.conditions["Stalled"] |= {
        "lastTransitionAt": release.conditions["Ready"]["lastTransitionAt"],
        "status": "True",
        "reason": "NeedsAChange",
        "message": "Only a change or a redeploy tries again: manifest unknown.",
    }
    objects = [
        _object(release, "Deployment", "Degraded", "2 of 3 replicas are ready; ImagePullBackOff."),
        _object(release, "Service"),
    ]
    _store(
        release, ready="False", helm_status="failed", actual_version="2.3.0", helm_revision=2, objects_seen=objects,
        last_operation={"verb": "upgrade", "succeeded": False, "error": error},
    )  # fmt: skip


def _progressing(name: str) -> None:
    release = Release.objects.filter(name=name).first()
    if release is not None:
        _conditions(release, "False", "Deploying", "Helm upgrades to 2.4.1.", "Released", ago=20)
        _store(release, ready="False", helm_status="pending-upgrade", actual_version="2.3.0")


def _summary(row: Application) -> None:
    states = [release.ready for release in row.releases.all()]
    good = sum(1 for state in states if state == "True")
    ready = "True" if good == len(states) else "Unknown" if "False" not in states else "False"
    reason = "AllReady" if good == len(states) else "SomeNotReady"
    waiting = [release.name for release in row.releases.all() if release.ready != "True"]
    text = (
        f"All {len(states)} releases are ready."
        if not waiting
        else (f"{good} of {len(states)} releases are ready; not {', '.join(waiting[:3])}.")
    )
    _conditions(row, ready, reason, text)
    Application.objects.filter(pk=row.pk).status_update(
        conditions=row.conditions, ready=ready, observed_generation=row.generation
    )
