"""From a binding to its grants: one row per cluster, and what they ask for there.

Called in the transaction of whatever changed: the binding, its role, the name of
somebody in it, a cluster's labels, a namespace that came or went.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.utils import timezone

from accounts import deriving, granting
from accounts.builtin import ADMINISTRATORS_GROUP, rules_of
from accounts.following import finish
from accounts.models import Binding
from fleet.choices import GRANT_TASK
from fleet.grants import ending, holders
from fleet.grants.reaching import reaching
from fleet.models import (
    Cluster,
    ClusterGrant,
    ClusterGroupRight,
    ClusterUserRight,
    Namespace,
    NamespaceGroupRight,
    NamespaceUserRight,
    Project,
)
from fleet.reach import chosen, project_namespaces
from kubecarrier.lib import audit, granted, lease, placed, projects
from kubecarrier.lib.granted import Follower, State
from kubecarrier.lib.placed import PlacedKind
from kubecarrier.lib.placement import Placement, resolve
from kubecarrier.lib.projects import Member, ProjectKind
from kubecarrier.lib.tasks import wake_on_commit

USER_PREFIX = "kubecarrier:"
GROUP_PREFIX = "kubecarrier:group:"
_SPEC_COLUMNS = ["generation", "wanted", "name", "deletion_requested_at", "updated_at"]


def register() -> None:
    """Called once at start."""
    granted.register(Follower(changed=place, states=states, reaching=reaching))
    projects.register(ProjectKind("Binding", project_members, project_changed))
    placed.register(
        PlacedKind(
            name="Binding",
            cluster_changed=cluster_changed,
            cluster_renamed=cluster_renamed,
            reachability_changed=wake_cluster,
            cluster_removing=forget_cluster,
        )
    )


def place(binding: Binding) -> None:
    """Bring the grants of a binding to what it wants now."""
    living = binding.deletion_requested_at is None
    scope = scope_in_clusters(binding)
    clusters = chosen(scope) if living else []
    present = {grant.cluster_id: grant for grant in binding_grants(binding)}
    people = subjects_of(binding) if clusters else []
    rules = [dict(rule) for rule in rules_of(binding.role)]
    there = _namespaces(scope, clusters)
    accounts = holders.subjects(binding, clusters) if people else {}
    before = holders.accounts_in(present.values())
    fresh, changed = [], []
    for cluster in clusters if people and rules else ():
        subjects = [*people, *accounts.get(cluster.pk, ())]
        wanted = {"rules": rules, "subjects": subjects, "namespaces": there.get(cluster.pk)}
        grant = present.pop(cluster.pk, None)
        if grant is None:
            fresh.append(_new(binding, cluster, wanted))
        elif grant.wanted != wanted or grant.deletion_requested_at:
            grant.wanted, grant.deletion_requested_at = wanted, None
            changed.append(grant)
    _write(fresh, [*changed, *_ask_deletion(present.values())])
    ending.end_unfounded(before - {one["name"] for listed in accounts.values() for one in listed})


def scope_in_clusters(binding: Binding) -> dict[str, Any]:
    """Where a binding is in clusters: that of a project in the project's namespaces."""
    if binding.scope.get("platform"):
        return {"selector": "*"}
    if "project" not in binding.scope:
        return dict(binding.scope)
    project = Project.objects.filter(name=binding.scope["project"]).first()
    if project is None or not project.namespace_names:
        return {}
    return {
        **project.placed.stored(), "namespaces": project.namespace_names, "project": project.name
    }  # fmt: skip


def subjects_of(binding: Binding) -> list[dict[str, str]]:
    """Who holds a binding, as a cluster knows them; people who left are no subjects."""
    if binding.builtin:
        return [{"kind": "Group", "name": ADMINISTRATORS_GROUP}]
    users = binding.users.filter(is_active=True).order_by("username")
    groups = binding.groups.order_by("name")
    return [
        *({"kind": "User", "name": USER_PREFIX + n} for n in users.values_list("username", flat=True)),
        *({"kind": "Group", "name": GROUP_PREFIX + n} for n in groups.values_list("name", flat=True)),
    ]  # fmt: skip


def states(binding: Binding) -> Sequence[State]:
    """How far each grant is."""
    return [
        (grant.name, grant.ready, grant.observed_generation >= grant.generation)
        for grant in binding_grants(binding)
    ]


def binding_grants(binding: Binding) -> Any:
    """The grants of a binding; its own accessor belongs to an app that knows no clusters."""
    return ClusterGrant.objects.filter(binding=binding).select_related("cluster")


# --- what clusters tell ------------------------------------------------------------------------


def cluster_changed(cluster: Cluster) -> None:
    """A cluster came or changed its labels: only bindings that win or lose it are looked at.

    Labels that make a selector match give rights, so who sets them must hold what they
    give. A new cluster is exempt: whoever imports one has its whole credential.
    """
    reached = _bindings_on(cluster)
    won: list[Binding] = []
    for binding in _everywhere():
        inside = _chooses(binding, cluster)
        if inside == (binding.pk in reached):
            continue
        follow(binding)
        if inside and cluster.generation > 1 and not binding.scope.get("platform"):
            won.append(binding)
    # None of them counts for another: two that are both won would hold each other up.
    for binding in won:
        given = granting.Given.by(binding.role)
        granting.check(given, {"clusters": [cluster.name]}, without=won)


def _chooses(binding: Binding, cluster: Cluster) -> bool:
    labels = {} if cluster.deletion_requested_at else {cluster.name: cluster.selector_labels()}
    return cluster.name in resolve(Placement.of(scope_in_clusters(binding)), labels)


def _bindings_on(cluster: Cluster) -> set[Any]:
    """The bindings that hold anything on the cluster, or in one of its namespaces."""
    grants = ClusterGrant.objects.filter(cluster=cluster, deletion_requested_at=None)
    found = set(grants.values_list("binding_id", flat=True))
    for model in (ClusterUserRight, ClusterGroupRight):
        found |= set(
            model.objects.filter(content_object=cluster).values_list("binding_id", flat=True)
        )
    for below in (NamespaceUserRight, NamespaceGroupRight):
        rows = below.objects.filter(content_object__cluster=cluster)
        found |= set(rows.values_list("binding_id", flat=True))
    return found


def cluster_renamed(cluster: Cluster, old: str) -> None:
    """Scopes follow the name."""
    for binding in Binding.objects.all():
        if old in binding.scope.get("clusters", ()):
            renamed = Placement.of(binding.scope).renamed(old, cluster.name).clusters
            _rescope(binding, sorted(renamed))
    grants = list(ClusterGrant.objects.filter(cluster=cluster).select_related("binding"))
    for grant in grants:
        grant.name = f"{grant.binding.name}.{cluster.name}"
    with audit.unaudited("derived from the binding and the cluster"):
        ClusterGrant.objects.bulk_update(grants, ["name"], batch_size=200)


def namespaces_changed(cluster: Cluster) -> None:
    """Namespaces came or went: bindings that name namespaces reach them, or do not any more."""
    for binding in _everywhere():
        if scope_in_clusters(binding).get("namespaces") and _chooses(binding, cluster):
            follow(binding)


def wake_cluster(cluster: Cluster) -> None:
    """It answers again: what was taken meanwhile is taken there now."""
    if lease.wake(ClusterGrant.objects.filter(cluster=cluster)):
        wake_on_commit(GRANT_TASK)


def forget_cluster(cluster: Cluster, *, cleanup: bool) -> list[tuple[str, str]]:
    """A cluster leaves; its name leaves the scopes, so that another one of that name inherits nothing."""
    for binding in Binding.objects.all():
        named = binding.scope.get("clusters", ())
        if cluster.name in named:
            _rescope(binding, [name for name in named if name != cluster.name])
    grants = list(ClusterGrant.objects.filter(cluster=cluster).select_related("binding"))
    if cleanup:
        _write([], _ask_deletion(grants))
        left = ClusterGrant.objects.filter(cluster=cluster)
        return [(name, "Being deleted.") for name in left.values_list("name", flat=True)]
    ClusterGrant.objects.filter(cluster=cluster).delete()
    for binding in {grant.binding for grant in grants}:
        finish(binding)
    return [
        (grant.name, f"Left in the cluster: roles and bindings of {grant.binding.name}.")
        for grant in grants
        if grant.objects_seen or grant.drift
    ]


def follow(binding: Binding) -> None:
    """Rights here and grants there."""
    deriving.derive(binding)
    place(binding)


def project_members(project: Project) -> list[Member]:
    """The bindings that give something in a project: a right must not wait for its name's next owner."""
    rows = Binding.objects.filter(scope__project=project.name).order_by("name")
    return [Member("Binding", binding.name) for binding in rows]


def project_changed(project: Project) -> None:
    """Its namespaces or clusters changed: its bindings follow."""
    for binding in Binding.objects.filter(scope__project=project.name):
        follow(binding)


def _rescope(binding: Binding, clusters: list[str]) -> None:
    binding.scope = {**binding.scope, "clusters": clusters}
    binding.generation += 1
    binding.save()
    follow(binding)


def _everywhere() -> list[Binding]:
    """The living bindings that depend on clusters."""
    rows = Binding.objects.filter(deletion_requested_at=None).select_related("role")
    return list(rows)


def _namespaces(scope: dict[str, Any], clusters: list[Cluster]) -> dict[Any, list[str]]:
    """Per cluster the namespaces that are there; empty for a binding on whole clusters."""
    if not scope.get("namespaces"):
        return {}
    found: dict[Any, list[str]] = {cluster.pk: [] for cluster in clusters}
    own = project_namespaces(scope["project"]) if "project" in scope else Namespace.objects.all()
    rows = own.filter(cluster__in=clusters, name__in=scope["namespaces"])
    for cluster, name in rows.exclude(state="Terminating").values_list("cluster", "name"):
        found[cluster].append(name)
    return {cluster: sorted(names) for cluster, names in found.items()}


def _ask_deletion(grants: Iterable[ClusterGrant]) -> list[ClusterGrant]:
    """Those that have to be taken back; what no pass ever looked at is nowhere and goes at once."""
    listed = [grant for grant in grants if grant.deletion_requested_at is None]
    untouched = [grant.pk for grant in listed if not grant.lease_token]
    ClusterGrant.objects.filter(pk__in=untouched, lease_token=0).delete()
    waiting = [grant for grant in listed if grant.pk not in untouched]
    for grant in waiting:
        grant.deletion_requested_at = timezone.now()
    return waiting


def _new(binding: Binding, cluster: Cluster, wanted: dict[str, Any]) -> ClusterGrant:
    name = f"{binding.name}.{cluster.name}"
    return ClusterGrant(binding=binding, cluster=cluster, name=name, wanted=wanted, generation=1)


def _write(fresh: list[ClusterGrant], changed: list[ClusterGrant]) -> None:
    if not fresh and not changed:
        return
    for grant in changed:
        grant.generation += 1
        grant.updated_at = timezone.now()
    with audit.unaudited("derived from the binding"):
        ClusterGrant.objects.bulk_create(fresh)
        ClusterGrant.objects.bulk_update(changed, _SPEC_COLUMNS, batch_size=200)
    lease.wake(ClusterGrant.objects.filter(pk__in=[grant.pk for grant in changed]))
    wake_on_commit(GRANT_TASK)
