"""Whether a person may do something: the one question that every edge and service asks.

A permission is `<plural>.<verb>`: `clusters.view`, `applications.rollback`,
`configitems.reveal` (`kubecarrier.lib.catalogue` has them all). Rows are fetched
through `visible_<kind>(user)` first, so that what is out of scope answers as if it
did not exist; this decides what may be done with what is visible.

Rights are rows of guardian's tables on a few sorts of objects, the anchors: the
platform, projects, clusters, namespaces. What lies below an anchor follows from it
in SQL (`Reach`), so a new release or a thousand of them need no new grant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.db.models import Exists, OuterRef, Q, QuerySet

from kubecarrier.lib import audit, catalogue
from kubecarrier.lib.catalogue import CLUSTER, NAMESPACE, PLATFORM, PROJECT
from kubecarrier.lib.errors import DeniedError

Scope = Mapping[str, Any]
# Where a right has to be held for one object: any of these (anchor, key) will do; the platform always.
Place = tuple[tuple[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Anchor:
    """A sort of object that rights are held on, with guardian's two tables for it.

    `resolve` answers the keys of those that a binding's scope names at this moment;
    `places` where somebody must hold what he gives by such a scope (none: not its scope);
    `unknown` the names in it that are nowhere.
    """

    name: str
    model: type[models.Model]
    users: type[models.Model]
    groups: type[models.Model]
    resolve: Callable[[Scope], Iterable[Any]]
    places: Callable[[Scope], list[Place]]
    unknown: Callable[[Scope], list[str]] = lambda scope: []

    def held(self, user: Any, permission: str, column: str = "content_object_id") -> list[Any]:
        """The two subqueries of `column` over the rows by which `user` holds `permission`."""
        own: Any = self.users._default_manager
        shared: Any = self.groups._default_manager
        return [
            own.filter(user=user, permission__codename=permission).values(column),
            shared.filter(group__user=user, permission__codename=permission).values(column),
        ]


@dataclass(frozen=True, slots=True)
class Reach:
    """How rights on anchors extend to the rows of one model; each is a path from its rows.

    `namespace` leads to a namespace's name beside `cluster`. `below`: the kinds that who
    holds a namespace of a cluster may use with the cluster (of itself: its view).
    `targets` is the relation to its rows per cluster (or namespace): seen through any of
    them, changed by who holds all of them. `shared`: seen by whoever holds the
    permission anywhere. `owner` leads to the person whose it is.
    """

    plural: str
    project: str = ""
    cluster: str = ""
    namespace: str = ""
    below: tuple[str, ...] = ()
    targets: str = ""
    shared: bool = False
    owner: str = ""


_anchors: dict[str, Anchor] = {}
_reaches: dict[type[models.Model], Reach] = {}
_narrowings: list[Callable[[Any, str], bool]] = []


def register_anchor(anchor: Anchor) -> None:
    """Called once per sort of anchor at start."""
    _anchors[anchor.name] = anchor


def register_reach(model: type[models.Model], reach: Reach) -> None:
    """Called once per model whose rights do not follow from the names of its columns."""
    _reaches[model] = reach


def register_narrowing(allows: Callable[[Any, str], bool]) -> None:
    """Called once at start: `allows(user, permission)` may take away, and never gives."""
    _narrowings.append(allows)


def _narrowed(user: Any, permission: str) -> bool:
    return not all(allows(user, permission) for allows in _narrowings)


def anchors() -> tuple[Anchor, ...]:
    """Every sort of anchor, the widest first."""
    return tuple(_anchors[name] for name in catalogue.EVERYWHERE if name in _anchors)


def reach_of(model: type[models.Model]) -> Reach:
    """As registered; else by columns called project, cluster and namespace; else the platform only."""
    if model not in _reaches:
        from kubecarrier.lib.manifests import kinds

        names = {field.name for field in model._meta.concrete_fields}
        plural = next((kind.plural for kind in kinds() if kind.model is model), "")
        where = {name: name if name in names else "" for name in (PROJECT, CLUSTER, NAMESPACE)}
        if not where[CLUSTER]:
            where[NAMESPACE] = ""
        found = Reach(
            plural or f"{model._meta.model_name}s",
            project=where[PROJECT],
            cluster=where[CLUSTER],
            namespace=where[NAMESPACE],
        )
        if not plural:  # its kind may be registered later
            return found
        _reaches[model] = found
    return _reaches[model]


# --- the questions -----------------------------------------------------------------------


def active(user: Any) -> bool:
    """Whether `user` is somebody who may use the portal at all."""
    return audit.may_operate(user)


def may(user: Any, permission: str, row: Any = None) -> bool:
    """Whether `user` holds `permission` on `row` (None: on the platform).

    A row that is not stored yet is judged by where it is going to be.
    """
    if not active(user) or _narrowed(user, permission):
        return False
    if user.is_superuser or on_platform(user, permission):
        return True
    if row is None:
        return False
    model = type(row)
    if row._state.adding:
        return _may_add(user, permission, row, reach_of(model))
    rows: QuerySet[Any] = model._default_manager.filter(pk=row.pk)
    return rows.filter(_within(user, permission, model)).exists()


def may_somewhere(user: Any, permission: str) -> bool:
    """Whether `user` holds `permission` on anything at all: a menu's and a form's question."""
    if not active(user) or _narrowed(user, permission):
        return False
    return bool(user.is_superuser or _held_somewhere(user, permission))


def _held_somewhere(user: Any, permission: str) -> bool:
    return any(rows.exists() for anchor in anchors() for rows in anchor.held(user, permission))


def on_platform(user: Any, permission: str) -> bool:
    """Whether `user` holds `permission` everywhere."""
    anchor = _anchors.get(PLATFORM)
    if anchor is None:
        return False
    own, shared = anchor.held(user, permission)
    return bool(own.union(shared)[:1])


def require(user: Any, permission: str, row: Any = None) -> None:
    """Raises DeniedError unless `user` may."""
    if not may(user, permission, row):
        raise denied(permission, row)


def require_somewhere(user: Any, permission: str) -> None:
    """Raises DeniedError unless `user` holds `permission` on anything."""
    if not may_somewhere(user, permission):
        raise denied(permission)


def demand(permission: str, row: Any = None) -> None:
    """`require` of the acting person; the portal's own work and its commands are nobody's."""
    if (user := acting_person()) is not None:
        require(user, permission, row)


def require_reach(user: Any, permission: str, row: Any) -> None:
    """What a placed row reaches after a change must be held as well: raises DeniedError.

    A selector reaches clusters that are not there yet: that needs the right on the
    project or the platform.
    """
    require(user, permission, row)
    if row.placed.selector:
        require(user, permission, type(row)(project_id=row.project_id))


def acting_person() -> Any:
    """Who acts, by the audit's context; None where the portal itself does."""
    context = audit.current()
    user = context.actor()
    own = context.channel in {audit.Channel.COMMAND, audit.Channel.RECONCILER}
    if own and not getattr(user, "pk", None):
        return None
    return user if user is not None else _Nobody()


def denied(permission: str, row: Any = None) -> DeniedError:
    """The refusal, which says what is missing; it is on record."""
    audit.denied(permission, row)
    return DeniedError(
        "permission_denied", f"You may not do this: it needs {permission}.", needs=permission
    )


def visible(rows: QuerySet[Any], user: Any, permission: str = "") -> QuerySet[Any]:
    """The rows that `user` may see (or holds `permission` on), in SQL."""
    if not active(user):
        return rows.none()
    reach = reach_of(rows.model)
    wanted = permission or f"{reach.plural}.view"
    # That a token is meant for looking, the edge asked: what acts has to find its object, too.
    if permission and _narrowed(user, permission):
        return rows.none()
    if user.is_superuser:
        return rows
    if reach.shared:
        return rows if _held_somewhere(user, wanted) else rows.none()
    if on_platform(user, wanted):
        return rows
    return rows.filter(_seen(user, wanted, rows.model))


class _Nobody:
    """An edge that knows no person: nothing is allowed."""

    is_authenticated = is_active = is_superuser = False
    pk = None


# --- from anchors to rows ------------------------------------------------------------------


def _seen(user: Any, permission: str, model: type[models.Model], outer: str = "") -> Q:
    """Rows that lie on or below an anchor on which `user` holds `permission`."""
    reach = reach_of(model)
    found = _direct(user, permission, reach)
    if _from_below(reach, permission):
        for rows in _held(NAMESPACE, user, permission, "content_object__cluster_id"):
            found |= Q(pk__in=rows)
    if reach.targets:
        relation: Any = model._meta.get_field(reach.targets)
        target, back = relation.related_model, relation.field.attname
        inner = target._default_manager.filter(_direct(user, permission, reach_of(target)))
        found |= Q(pk__in=inner.values(back))
    return found


def _within(user: Any, permission: str, model: type[models.Model]) -> Q:
    """Rows that lie wholly within what `user` holds: a kind with targets needs all of them."""
    reach = reach_of(model)
    if not reach.targets or permission.endswith(".view"):
        return _seen(user, permission, model)
    relation: Any = model._meta.get_field(reach.targets)
    target, back = relation.related_model, relation.field.attname
    mine = target._default_manager.filter(**{back: OuterRef("pk")})
    outside = mine.filter(~_direct(user, permission, reach_of(target)))
    return _direct(user, permission, reach) | (Q(Exists(mine)) & ~Q(Exists(outside)))


def _direct(user: Any, permission: str, reach: Reach) -> Q:
    found = Q(pk__in=[])
    if reach.owner:
        found |= Q(**{reach.owner: user})
    for name, path in ((PROJECT, reach.project), (CLUSTER, reach.cluster)):
        for rows in _held(name, user, permission) if path else ():
            found |= Q(**{f"{path}__in": rows})
    if reach.namespace and NAMESPACE in _anchors:
        anchor = _anchors[NAMESPACE]
        own: Any = anchor.users._default_manager
        shared: Any = anchor.groups._default_manager
        place = {
            "permission__codename": permission,
            "content_object__cluster_id": OuterRef(reach.cluster),
            "content_object__name": OuterRef(reach.namespace),
        }
        found |= Q(Exists(own.filter(user=user, **place)))
        found |= Q(Exists(shared.filter(group__user=user, **place)))
    return found


def _from_below(reach: Reach, permission: str) -> bool:
    """A cluster is seen from within its namespaces; what else, its `below` says."""
    plural, _, verb = permission.partition(".")
    return plural in reach.below and (verb == "view" or plural != reach.plural)


def _held(name: str, user: Any, permission: str, column: str = "content_object_id") -> list[Any]:
    return _anchors[name].held(user, permission, column) if name in _anchors else []


def _may_add(user: Any, permission: str, row: Any, reach: Reach) -> bool:
    """Whether a row may come into being where its columns say."""
    for name, path in ((PROJECT, reach.project), (CLUSTER, reach.cluster)):
        key = getattr(row, f"{path}_id", None) if path and path != "pk" else None
        if key and any(
            r.filter(content_object=key).exists() for r in _held(name, user, permission)
        ):
            return True
    cluster = getattr(row, f"{reach.cluster}_id", None) if reach.namespace else None
    if cluster is None:
        return False
    place = {
        "content_object__cluster_id": cluster,
        "content_object__name": getattr(row, reach.namespace),
    }
    return any(rows.filter(**place).exists() for rows in _held(NAMESPACE, user, permission))
