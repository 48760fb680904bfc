"""What somebody asks: a right by kind and verb, on an object or a place, about himself or others.

Who asks finds objects as everywhere: what is out of his sight does not exist for him. About
others he must hold `accessreviews.view` there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet

from accounts.review.deciding import Decision, decide
from accounts.review.listing import Wanted
from accounts.review.people import person_named
from kubecarrier.lib import access, anchors, audit, catalogue
from kubecarrier.lib.catalogue import CLUSTER, NAMESPACE, PROJECT
from kubecarrier.lib.errors import InvalidError, NotFoundError
from kubecarrier.lib.granted import Where
from kubecarrier.lib.manifests import Kind, kinds

REVIEW = "accessreviews.view"


@dataclass(frozen=True, slots=True)
class Question:
    """May somebody `verb` a `kind`: the object of that `name`, or anything in the place.

    `verb` may be a whole permission (`applications.edit`), and `kind` any word for one.
    """

    verb: str
    kind: str = ""
    name: str = ""
    where: Where = field(default_factory=Where)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question understood: the permission, and the row it is asked of; None: the platform."""

    permission: str
    row: Any
    on: str


def understood(asker: Any, question: Question) -> Asked:
    """Raises InvalidError for what makes no question, NotFoundError for what he does not see."""
    plural, permission = _permission(question)
    if question.name:
        row = _object(asker, plural, question)
        return Asked(permission, row, f"{plural} {question.name}")
    row = place_row(asker, question.where)
    return Asked(permission, row, _place_text(question.where))


def subject_of(asker: Any, name: str, row: Any) -> Any:
    """Whom it is asked of: himself, or another by right; raises DeniedError, NotFoundError."""
    if name in {"", asker.username}:
        return asker
    require_review(asker, row)
    return person_named(name)


def decided(asker: Any, user: Any, asked: Asked) -> Decision:
    """The answer about `user`; what he holds elsewhere is for him, and for who may review that."""
    elsewhere = user.pk == asker.pk or access.may(asker, REVIEW)
    return decide(user, asked.permission, asked.row, elsewhere=elsewhere)


def may_review(asker: Any, row: Any) -> bool:
    """Whether he may ask about others there."""
    return access.may(asker, REVIEW, row)


def require_review(asker: Any, row: Any) -> None:
    """Raises DeniedError unless he may ask about others there."""
    access.require(asker, REVIEW, row)


def permitted(asker: Any, wanted: Wanted) -> Wanted:
    """The review as far as he may see it: his own lines, or all where he may review.

    Raises DeniedError where he names somebody else, NotFoundError for a place he does not see.
    """
    places = [place_row(asker, one) for one in _single(wanted.where)] or [None]
    if wanted.user == asker.username or any(access.may(asker, REVIEW, row) for row in places):
        return wanted
    if wanted.user:
        raise access.denied(REVIEW, places[0])
    return replace(wanted, user=asker.username)


def place_row(asker: Any, where: Where) -> Any:
    """The project, cluster or namespace; None: the platform. Raises InvalidError, NotFoundError."""
    if where.project and (where.cluster or where.namespace):
        raise InvalidError(
            "place_ambiguous", "Name a project or a cluster, not both.", field="project"
        )
    if where.namespace and not where.cluster:
        raise InvalidError(
            "cluster_missing", "A namespace is one of a cluster: name it too.", field="cluster"
        )
    if where.project:
        return _visible(asker, PROJECT, {"name": where.project}, where.project)
    if where.namespace:
        _visible(asker, CLUSTER, {"name": where.cluster}, where.cluster)
        columns = {"cluster__name": where.cluster, "name": where.namespace}
        return _visible(asker, NAMESPACE, columns, where.namespace)
    if where.cluster:
        return _visible(asker, CLUSTER, {"name": where.cluster}, where.cluster)
    return None


def _single(where: Where) -> Iterable[Where]:
    """The places of a filter that are reviewed by right, each for itself."""
    if where.project:
        yield Where(project=where.project)
    if where.cluster:
        yield Where(cluster=where.cluster)


def _place_text(where: Where) -> str:
    if where.project:
        return f"project {where.project}"
    if where.namespace:
        return f"namespace {where.namespace} on cluster {where.cluster}"
    return f"cluster {where.cluster}" if where.cluster else "the platform"


def _visible(asker: Any, sort: str, columns: dict[str, str], name: str) -> Any:
    anchor = next((one for one in anchors.registered() if one.name == sort), None)
    if anchor is None or any("\0" in text for text in columns.values()):
        raise _absent(sort, name)
    everybodys: QuerySet[Any] = anchor.model._default_manager.filter(**columns)
    row = access.visible(everybodys, asker).first()
    if row is None:
        audit.hidden(f"{sort}s.view", everybodys.first)
        raise _absent(sort, name)
    return row


def _absent(what: str, name: str) -> NotFoundError:
    return NotFoundError("not_found", f"There is no {what} “{name[:80]}”.", field=what)


# --- words --------------------------------------------------------------------------------


def _permission(question: Question) -> tuple[str, str]:
    """The kind's plural and the whole permission; raises InvalidError."""
    word, _, verb = question.verb.rpartition(".")
    if word and question.kind and plural_of(word) != plural_of(question.kind):
        raise InvalidError("right_ambiguous", "The verb names another kind.", field="verb")
    plural = plural_of(word or question.kind)
    permission = f"{plural}.{verb}"
    if permission not in catalogue.known():
        verbs = [one.name for s in catalogue.subjects() if s.plural == plural for one in s.verbs]
        raise InvalidError(
            "right_unknown",
            f"Nothing is called {permission[:80]}.",
            field="verb",
            hint=f"What can be done with {plural}: {', '.join(verbs)}.",
        )
    return plural, permission


def plural_of(word: str) -> str:
    """A kind's plural in the catalogue, by any of its names; raises InvalidError."""
    wanted = word.lower()
    listed = {subject.plural for subject in catalogue.subjects()}
    if wanted in listed:
        return wanted
    for kind in kinds():
        plural = access.reach_of(kind.model).plural
        if plural in listed and wanted in {kind.plural, kind.singular, *kind.short_names}:
            return plural
    if f"{wanted}s" in listed:
        return f"{wanted}s"
    raise InvalidError(
        "kind_unknown",
        f"There is no kind “{word[:80]}”.",
        field="kind",
        hint=f"Known are {', '.join(sorted(listed))}.",
    )


def _object(asker: Any, plural: str, question: Question) -> Any:
    """The object of that name that the asker sees; raises InvalidError, NotFoundError."""
    kind = next((one for one in kinds() if access.reach_of(one.model).plural == plural), None)
    if kind is None:
        raise InvalidError(
            "name_unsupported", f"Of {plural} single objects cannot be asked for.", field="name"
        )
    rows = kind.rows(asker)
    for parameter in ("cluster", "project", "namespace"):
        value = getattr(question.where, parameter)
        if value and parameter in kind.parameters:
            rows = rows.filter(**{kind.parameters[parameter]: value})
    return named_object(asker, kind, rows, question.name, field="name")


def named_object(asker: Any, kind: Kind, rows: QuerySet[Any], name: str, *, field: str) -> Any:
    """The one of `rows` (those that the asker sees) of that name; raises InvalidError, NotFoundError."""
    found = _named(kind, rows, name)
    if not found:
        plural = access.reach_of(kind.model).plural
        audit.hidden(f"{plural}.view", partial(_anybodys, kind, name))
        raise NotFoundError("not_found", f"There is no {kind.singular} “{name[:80]}”.", field=field)
    if len(found) > 1:
        raise InvalidError(
            "name_ambiguous",
            f"There are several: {kind.singular} “{name[:80]}”.",
            field=field,
            hint="Say which cluster.",
        )
    return found[0]


def _named(kind: Kind, rows: QuerySet[Any], name: str) -> list[Any]:
    if "\0" in name:
        return []
    columns = {field.name for field in kind.model._meta.concrete_fields}
    try:
        return list(rows.filter(**{"name" if "name" in columns else "pk": name})[:2])
    except (ValidationError, ValueError):  # no key: nothing can have this name
        return []


def _anybodys(kind: Kind, name: str) -> Any:
    return next(iter(_named(kind, kind.model._default_manager.all(), name)), None)


def allowed_to_review(asker: Any) -> bool:
    """Whether he may ask about others anywhere: a menu's question."""
    return access.may_somewhere(asker, REVIEW)
