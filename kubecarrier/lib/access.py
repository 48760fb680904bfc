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

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.db.models import Exists, OuterRef, Q, QuerySet

from kubecarrier.lib import audit
from kubecarrier.lib.anchors import Held, held
from kubecarrier.lib.catalogue import CLUSTER, NAMESPACE, PROJECT
from kubecarrier.lib.errors import DeniedError


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

    def from_below(self, permission: str) -> bool:
        """Whether who holds it in a namespace holds it on the cluster: its view; else as `below` says."""
        plural, _, verb = permission.partition(".")
        return plural in self.below and (verb == "view" or plural != self.plural)


_reaches: dict[type[models.Model], Reach] = {}
_narrowings: list[Callable[[Any, str], bool]] = []


def register_reach(model: type[models.Model], reach: Reach) -> None:
    """Called once per model whose rights do not follow from the names of its columns."""
    _reaches[model] = reach


def register_narrowing(allows: Callable[[Any, str], bool]) -> None:
    """Called once at start: `allows(user, permission)` may take away, and never gives."""
    _narrowings.append(allows)


def _narrowed(user: Any, permission: str) -> bool:
    return not all(allows(user, permission) for allows in _narrowings)


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
    if user.is_superuser or (holding := held(user, permission)).on_platform:
        return True
    if row is None:
        return False
    model = type(row)
    if row._state.adding:
        return _may_add(holding, row, reach_of(model))
    rows: QuerySet[Any] = model._default_manager.filter(pk=row.pk)
    return rows.filter(_within(holding, model)).exists()


def may_somewhere(user: Any, permission: str) -> bool:
    """Whether `user` holds `permission` on anything at all: a menu's and a form's question."""
    if not active(user) or _narrowed(user, permission):
        return False
    return bool(user.is_superuser or held(user, permission).anywhere)


def on_platform(user: Any, permission: str) -> bool:
    """Whether `user` holds `permission` everywhere."""
    return held(user, permission).on_platform


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
    holding = held(user, wanted)
    if holding.on_platform or (reach.shared and holding.anywhere):
        return rows
    return rows.none() if reach.shared else rows.filter(_seen(holding, rows.model))


class _Nobody:
    """An edge that knows no person: nothing is allowed."""

    is_authenticated = is_active = is_superuser = False
    pk = None


# --- from anchors to rows ------------------------------------------------------------------


def _seen(holding: Held, model: type[models.Model]) -> Q:
    """Rows that lie on or below an anchor on which it is held."""
    reach = reach_of(model)
    found = _direct(holding, reach)
    if reach.from_below(holding.permission):
        found |= holding.around_namespaces("pk")
    if reach.targets:
        relation: Any = model._meta.get_field(reach.targets)
        target, back = relation.related_model, relation.field.attname
        inner = target._default_manager.filter(_direct(holding, reach_of(target)))
        found |= Q(pk__in=inner.values(back))
    return found


def _within(holding: Held, model: type[models.Model]) -> Q:
    """Rows that lie wholly within what is held: a kind with targets needs all of them."""
    reach = reach_of(model)
    if not reach.targets or holding.permission.endswith(".view"):
        return _seen(holding, model)
    relation: Any = model._meta.get_field(reach.targets)
    target, back = relation.related_model, relation.field.attname
    mine = target._default_manager.filter(**{back: OuterRef("pk")})
    outside = mine.filter(~_direct(holding, reach_of(target)))
    return _direct(holding, reach) | (Q(Exists(mine)) & ~Q(Exists(outside)))


def _direct(holding: Held, reach: Reach) -> Q:
    found = Q(pk__in=[])
    if reach.owner:
        found |= Q(**{reach.owner: holding.user})
    for name, path in ((PROJECT, reach.project), (CLUSTER, reach.cluster)):
        if path:
            found |= holding.on(name, path)
    if reach.namespace:
        found |= holding.in_namespaces(reach.cluster, reach.namespace)
    return found


def _key_at(row: Any, path: str) -> Any:
    """A foreign key's value; or that of a column which keeps an anchor's key and is no relation."""
    relation = f"{path}_id"
    return getattr(row, relation) if hasattr(row, relation) else getattr(row, path, None)


def _may_add(holding: Held, row: Any, reach: Reach) -> bool:
    """Whether a row may come into being where its columns say."""
    for name, path in ((PROJECT, reach.project), (CLUSTER, reach.cluster)):
        key = _key_at(row, path) if path and path != "pk" else None
        if key and holding.covers(name, key):
            return True
    cluster = getattr(row, f"{reach.cluster}_id", None) if reach.namespace else None
    return cluster is not None and holding.covers(
        NAMESPACE, (cluster, getattr(row, reach.namespace))
    )
