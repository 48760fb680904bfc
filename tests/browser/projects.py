"""The projects of the fleet that is looked at: namespaces made, quotas half used, one foreign."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from fleet.models import Namespace, Project, ProjectCopy, ProjectNamespace
from fleet.projects.quota import check_hard
from fleet.services.projects import project_apply
from fleet.tasks import summarize_projects
from kubecarrier.lib import audit
from kubecarrier.lib.manifests import Wish

GIB = 1024**3
# name → the clusters, and the applications in it
PROJECTS = {
    "shop": ("kubecarrier.io/environment in (prod,staging)", ("checkout", "catalog", "payments")),
    "media": ("*", ("image-resizer",)),
}
FOREIGN = "It is there already. Say adopt: true to take it over."


def of_application(name: str) -> str | None:
    """The project that an application belongs to."""
    return next((key for key, (_, names) in PROJECTS.items() if name in names), None)


def build(user: Any) -> None:
    """The projects, through their service."""
    for name, (selector, _) in PROJECTS.items():
        hard = check_hard({"requests.cpu": "40", "requests.memory": "96Gi", "pods": "200"})
        limits = {
            "default": {"memory": "512Mi"}, "defaultRequest": {"cpu": "100m", "memory": "128Mi"},
            "min": {}, "max": {},
        }  # fmt: skip
        spec = {
            "description": f"Everything of the {name} team.",
            "placement": {"clusters": [], "selector": selector, "exclude": [], "overrides": {}},
            "namespaces": [
                {"name": name, "adopt": True, "quota": {}},
                {"name": f"{name}-jobs", "adopt": False, "quota": {"pods": "20"}},
            ],
            "namespace_labels": {"pod-security.kubernetes.io/enforce": "baseline"},
            "allow": {
                "clusters": "", "repositories": ["*"], "kinds": ["*", "!ResourceQuota", "!LimitRange"],
                "clusterKinds": [], "namespaces": [],
            },
            "quota": {"hard": hard, "limits": limits},
        }  # fmt: skip
        project_apply(actor=user, wish=Wish(name, {"team": name}, spec))


def observe() -> None:
    """As reconciler and probe would have written it."""
    rows = ProjectNamespace.objects.select_related("cluster").order_by("cluster__name", "name")
    with audit.unaudited("seed"):
        for number, claim in enumerate(rows):
            _observe_namespace(claim, (17 * number % 80 + 15) / 100, 0.2 + number % 5 / 4)
        odd = ProjectNamespace.objects.filter(name="media-jobs").first()
        if odd:
            ProjectNamespace.objects.filter(pk=odd.pk).update(
                state="Foreign", made=False, quota=None, message=FOREIGN
            )
    for copy in ProjectCopy.objects.all():
        _observe_copy(copy, good=odd is None or copy.pk != odd.copy_id)
    summarize_projects()
    Project.objects.all().status_update(failures=0)


def _observe_namespace(claim: ProjectNamespace, share: float, used: float) -> None:
    now, cpu, memory, pods = timezone.now(), int(40000 * share), int(96 * share), int(20 * share)
    taken = {"requests.cpu": f"{cpu}m", "requests.memory": f"{memory}Gi", "pods": str(pods)}
    ProjectNamespace.objects.filter(pk=claim.pk).update(
        state="Ready", made=not claim.adopt, seen_at=now, quota={"hard": claim.hard, "used": taken}
    )
    requested = {"cpu_millicores": cpu, "memory_bytes": memory * GIB, "pods": pods}
    usage = {"cpu_millicores": int(cpu * used), "memory_bytes": int(memory * used * 0.7) * GIB}
    Namespace.objects.update_or_create(
        cluster=claim.cluster,
        name=claim.name,
        defaults={"state": "Active", "seen_at": now, "requested": requested, "usage": usage},
    )


def _observe_copy(copy: ProjectCopy, *, good: bool) -> None:
    status, reason = ("True", "AsWanted") if good else ("False", "NamespaceForeign")
    text = "2 namespaces are as wanted." if good else f"media-jobs: {FOREIGN}"
    at = timezone.now().isoformat()
    said = {
        "status": status, "reason": reason, "message": text, "lastTransitionAt": at,
        "observedGeneration": copy.generation,
    }  # fmt: skip
    conditions: dict[str, Any] = {"Ready": said, "Prepared": said}
    if not good:
        conditions["Stalled"] = {**said, "status": "True"}
    ProjectCopy.objects.filter(pk=copy.pk).status_update(
        conditions=conditions, ready=status, observed_generation=copy.generation,
        seen_at=timezone.now(), failures=0,
    )  # fmt: skip
