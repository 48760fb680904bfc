"""`tests/authorization.yaml` as values, and the one rule that makes an answer of a row.

The rule is written here anew on purpose, in a dozen lines and without a database: it must
not be the evaluator that it judges (`kubecarrier.lib.access`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from kubecarrier.lib import strict_yaml

FILE: Final = Path(__file__).parents[1] / "authorization.yaml"
_READ: Any = strict_yaml.load(FILE.read_text())
TABLE: Final[dict[str, Any]] = _READ
_METHOD_OK: Final = {"GET": 200, "POST": 202, "PUT": 202, "PATCH": 202, "DELETE": 202}


@dataclass(frozen=True, slots=True)
class Place:
    """Where an object lies; `platform` lies nowhere in particular."""

    name: str
    project: str = ""
    cluster: str = ""
    namespace: str = ""

    def anchors(self) -> frozenset[str]:
        """`project blue`, `cluster one`, `namespace one/blue`: on any of them a right may be held."""
        found = {f"project {self.project}"} if self.project else set()
        if self.cluster:
            found |= {f"cluster {self.cluster}", f"namespace {self.cluster}/{self.namespace}"}
        return frozenset(found)

    def of_cluster(self) -> frozenset[str]:
        """The anchors of its whole cluster: that, and each namespace in it. No project has a cluster."""
        there = (one for one in PLACES.values() if one.cluster == self.cluster)
        return frozenset(a for one in there for a in one.anchors() if not a.startswith("project"))


PLACES: Final = {name: Place(name, **given) for name, given in TABLE["places"].items()}
PLATFORM: Final = Place("platform")


@dataclass(frozen=True, slots=True)
class Sort:
    """A kind of object: what one needs to see it, and on what its rights can be held."""

    name: str
    sees: str
    seen_on: tuple[str, ...]
    held_on: tuple[str, ...]
    made_on: tuple[str, ...]
    shared: bool = False
    also_seen: str = ""
    lies: str = ""
    new: Mapping[str, Any] = field(default_factory=dict)
    joins: bool = False
    is_scope: bool = False
    holds_namespaces: bool = False
    gives: bool = False
    wide: tuple[str, ...] = ()

    def held_with(self, verb: str) -> tuple[str, ...]:
        """On what a verb can be held."""
        return tuple(one for one in self.held_on if one != "namespace" or verb not in self.wide)


def _sort(name: str, given: Mapping[str, Any]) -> Sort:
    on = tuple(given.get("held on", ()))
    return Sort(
        name,
        sees=given.get("sees", f"{name}.view"),
        seen_on=tuple(given.get("seen on", on)),
        held_on=on,
        made_on=tuple(given.get("made on", on)),
        shared=given.get("shared", False),
        also_seen=given.get("also seen by", ""),
        lies=given.get("lies like", name),
        new=given.get("new", {}),
        joins=given.get("joins a project", False),
        is_scope=given.get("is a scope", False),
        holds_namespaces=given.get("holds namespaces", False),
        gives=given.get("gives rights", False),
        wide=tuple(given.get("not in a namespace", ())),
    )


def held_on(permission: str) -> tuple[str, ...]:
    """On what a permission can be held, besides the platform."""
    plural, _, verb = permission.partition(".")
    sort = SORTS[plural]
    if verb == "create":
        return sort.made_on
    return sort.seen_on if permission == sort.sees else sort.held_with(verb)


SORTS: Final = {name: _sort(name, given or {}) for name, given in TABLE["kinds"].items()}
RIGHTS: Final[dict[str, tuple[str, ...]]] = {
    name: tuple(given) for name, given in TABLE["rights"].items()
}


@dataclass(frozen=True, slots=True)
class Role:
    """Somebody of the table: rights by where they are held (`platform`, `project blue` …)."""

    name: str
    grants: tuple[tuple[str, str], ...] = ()
    superuser: bool = False
    comes_in: bool = True
    scopes: tuple[str, ...] | None = None
    owner: str = ""

    def holds(self, permission: str, anchors: frozenset[str]) -> bool:
        """Whether any grant gives it on the platform or on one of `anchors`."""
        if self.superuser:
            return True
        held = anchors | {"the platform"}
        return any(
            where in held and _among(permission, RIGHTS[set_]) for set_, where in self.holdings()
        )

    def holds_somewhere(self, permission: str) -> bool:
        """Whether any grant gives it anywhere that it can be held."""
        return self.superuser or any(
            _among(permission, RIGHTS[set_])
            and (where == "the platform" or where.partition(" ")[0] in held_on(permission))
            for set_, where in self.holdings()
        )

    def holdings(self) -> Iterator[tuple[str, str]]:
        """What was given, and that what is held in a project is held in its own namespaces."""
        for set_, where in self.grants:
            yield set_, where
            for place in PLACES.values():
                if where == f"project {place.project}":
                    yield set_, f"namespace {place.cluster}/{place.namespace}"

    def within_scopes(self, permission: str) -> bool:
        """Whether the token lets it through."""
        if self.scopes is None or not permission:
            return True
        plural, _, verb = permission.partition(".")
        asked = {permission, f"{plural}.*"}
        return bool(asked & set(self.scopes)) or (verb == "view" and "read-only" in self.scopes)


def _among(permission: str, listed: tuple[str, ...]) -> bool:
    return permission in listed or f"{permission.partition('.')[0]}.*" in listed or "*" in listed


def _role(name: str, given: Mapping[str, Any]) -> Role:
    of = given.get("token of", "")
    rights = tuple(tuple(one.split(" on ", 1)) for one in given.get("holds", ()))
    if of:
        rights = _role(of, TABLE["roles"][of]).grants
    return Role(
        name,
        rights,
        superuser=given.get("superuser", False),
        comes_in=given.get("comes in", True),
        scopes=tuple(given["scopes"]) if "scopes" in given else None,
        owner=of,
    )


ROLES: Final = {name: _role(name, given or {}) for name, given in TABLE["roles"].items()}
PLACED_ROLES: Final = [ROLES[name] for name in TABLE["placed roles"]]


@dataclass(slots=True)
class Names:
    """What the world's objects are called: kind → place → name."""

    by_kind: dict[str, dict[str, str]] = field(default_factory=dict)

    def add(self, kind: str, place: str, name: str) -> None:
        """The first place of an object is its own: a cluster lies once, whatever lies in it."""
        found = self.by_kind.setdefault(kind, {})
        if name not in found.values():
            found[place] = name

    def of(self, sort: Sort) -> dict[str, str]:
        """By place."""
        return self.by_kind.get(sort.lies, {})


_OF_NO_OBJECT: Final = frozenset(
    {"everybody", "open", "nobody", "list", "somewhere", "refused always"}
)


@dataclass(frozen=True, slots=True)
class Row:
    """One line: what a request asks for, and what it answers to who may."""

    id: str
    method: str
    path: str
    sort: Sort | None
    asks: str = ""
    ok: int = 200
    #: One of FORMS, or an act on an object.
    form: str = ""
    body: Any = None
    hidden: int = 404
    refused: int = 403
    scope: str = ""
    #: Whether a token's scopes are asked for after the object was found.
    late: bool = False
    #: On what a cluster's own RBAC decides as well, one of THERE; "" where no cluster is asked.
    there: str = ""
    more: Mapping[str, Any] = field(default_factory=dict)

    def places(self, names: Names) -> Iterator[tuple[Place, str]]:
        """Where its object lies, and what it is called."""
        if self.sort is None or self.form in _OF_NO_OBJECT:
            yield PLATFORM, ""
            return
        if self.form == "make":
            listed = [PLATFORM] if not self.sort.joins else PLACES.values()
            yield from ((place, "new-one") for place in listed)
            return
        if self.there == "namespace" or "each" in self.more:
            yield from ((place, place.cluster) for place in PLACES.values())
            return
        for name, called in names.of(self.sort).items():
            yield PLACES.get(name, PLATFORM), called


#: What is answered in the place of a cluster where nobody is.
SILENCE: Final = 503


def answer(role: Role, row: Row, place: Place, *, live: bool = False) -> int:
    """The status that the table promises; `live`: where clusters are that answer."""
    before = (
        row.more.get("first") if row.there else ""
    )  # a command asks what a cluster serves before it acts there
    if before:
        found = _ours(role, replace(row, asks=before, scope=before), place)
        if found != row.ok or not live:
            return SILENCE if found == row.ok else found
    found = _ours(role, row, place)
    if found != row.ok or row.there in {"", "each"}:
        return found
    if not live:
        return SILENCE
    return row.ok if admitted(role, row, place) else row.refused


def admitted(role: Role, row: Row, place: Place) -> bool:
    """What the cluster's own RBAC says, asked as the person: rights there know no project."""
    if row.there in {"anybody", "portal"}:
        return True
    on = ("cluster", "namespace") if row.there == "namespace" else ("cluster",)
    return role.holds(row.more.get("then", row.asks), within(place, on))


def done_to_each(role: Role, row: Row, place: Place) -> bool:
    """Whether what the row asks for every object that it names is done to one there."""
    asks = row.more["each"]
    return role.within_scopes(asks) and role.holds(asks, within(place, ("cluster", "namespace")))


def _ours(role: Role, row: Row, place: Place) -> int:
    """What the portal says before anybody else is asked."""
    if row.form == "open":
        return row.ok
    if not role.comes_in:
        return 401
    narrow = not role.within_scopes(row.scope)
    if narrow and not row.late:
        return row.refused
    if row.form in {"everybody", "list", "nobody"}:
        return row.ok
    if row.form == "somewhere":
        return row.ok if role.holds_somewhere(row.asks) else row.refused
    assert row.sort is not None
    if row.form == "make":
        return _made(role, row, row.sort, place)
    if not sees(role, row.sort, place):
        # A name that is taken is no secret to who could have taken it.
        taken = row.form == "put" and role.holds_somewhere(f"{row.sort.name}.create")
        return 409 if taken else 403 if row.form == "put" else row.hidden
    if narrow:
        return row.refused
    if row.asks == row.sort.sees:
        return row.ok
    held = role.holds(row.asks, within(place, held_on(row.asks), row.sort))
    return row.ok if held else row.refused


def _made(role: Role, row: Row, sort: Sort, place: Place) -> int:
    if not role.holds_somewhere(row.asks):
        return row.refused
    if place.project and not role.holds("projects.view", within(place, ("project",))):
        return 400  # there is no such project, for all that one may know
    where = ("project",) if place.project else sort.made_on
    return row.ok if role.holds(row.asks, within(place, where)) else row.refused


def sees(role: Role, sort: Sort, place: Place) -> bool:
    """Whether the object is there for this role."""
    if sort.shared:
        return role.holds_somewhere(sort.sees)
    if sort.also_seen and role.holds(sort.also_seen, place.anchors()):
        return True
    anchors = within(place, sort.seen_on, sort)
    if sort.gives and place.project:  # it gives something in the project's namespaces, too
        anchors |= {
            f"namespace {one.cluster}/{one.namespace}"
            for one in PLACES.values()
            if one.project == place.project
        }
    return role.holds(sort.sees, anchors)


def within(place: Place, kinds: tuple[str, ...], sort: Sort | None = None) -> frozenset[str]:
    """The anchors of a place that are of these sorts; of a scope's, the one that it names."""
    whole = sort is not None and sort.holds_namespaces
    anchors = sorted(place.of_cluster() if whole else place.anchors())
    listed = [one for kind in kinds for one in anchors if one.partition(" ")[0] == kind]
    return frozenset(listed[:1] if sort is not None and sort.is_scope else listed)


def row_of(key: str, given: Any, *, at: str, group: Mapping[str, Any], sort: Sort | None) -> Row:
    """One line of the file: `POST {name}/rollback: {asks: rollback, body: ...}`, or only the verb.

    `group` says what its lines have in common.
    """
    method, _, rest = key.partition(" ")
    said: dict[str, Any] = {"asks": given} if isinstance(given, str) else dict(given)
    said = {**{word: group[word] for word in _SHARED if word in group}, **said}
    form = next((one for one in FORMS if one in said), "")
    asks = said.get("asks", "") or (said[form] if isinstance(said.get(form), str) else "")
    asks = asks if "." in asks or not asks else f"{group['plural']}.{asks}"
    path = "/".join(part for part in (at, rest) if part).rstrip("/")
    name = said.get("kind", "")
    return Row(
        id=f"{method} {path}{' ' + said['as'] if 'as' in said else ''}",
        method=method,
        path=path,
        sort=SORTS[name] if name else sort,
        asks=asks,
        ok=said.get("ok", _METHOD_OK[method]),
        form=form,
        body=said.get("body"),
        hidden=said.get("hidden", 404),
        refused=said.get("refused", 403),
        scope=said.get("scope", asks),
        late=said.get("scopes late", False),
        there=said.get("there", "") if form not in _OF_NO_OBJECT else "",
        more=said,
    )


#: What a cluster decides: nothing that it does not tell everybody; whether one holds all of it; whether
#: one holds what lies in a namespace; each object that the request names for itself. Or the portal's
#: own account asks it, once the portal has said yes.
THERE: Final = ("anybody", "cluster", "namespace", "each", "portal")
#: What a group may say for each of its lines.
_SHARED: Final = ("scopes late", "there", "first")
FORMS: Final = (
    "list", "make", "put", "somewhere", "everybody", "nobody", "open",
    "anywhere", "never", "superusers", "refused always",
)  # fmt: skip


def rest_rows() -> Iterator[Row]:
    """Every line below `rest`."""
    for name, lines in TABLE["rest"].items():
        group = {"plural": name, "at": name, **lines.get("group", {})}
        sort = SORTS.get(group.get("kind", name))
        for key, given in lines.items():
            if key != "group":
                yield row_of(key, given, at=group["at"], group=group, sort=sort)
