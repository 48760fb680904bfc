"""The access review's page: by person, by right, in a cluster; drift and orphans.

Questions are query parameters. Each tab asks one function and shows what it says; what is
refused is said at the top, as everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, QueryDict
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.admin.access_lines import line_rows
from accounts.forms.access_review import ClusterActForm, PersonForm, RightForm
from accounts.models import User
from accounts.review import holding, listing, questions
from accounts.review.people import Through, Way
from fleet.admin.access_facts import ORPHANS, STATES
from fleet.live import access_review
from fleet.live.can_i import Act, cluster_can_i
from fleet.live.cluster_who_can import cluster_who_can
from fleet.permissions import visible_clusters
from kubecarrier.lib.audit import may_operate
from kubecarrier.lib.errors import KubeCarrierError, NotFoundError

Context = dict[str, Any]
_PAGE = 100
_API = "/api/v1/accessreviews"


def access_review_view(request: HttpRequest, site: Any) -> HttpResponse:
    """The page, with one of its tabs."""
    if not may_operate(request.user):
        raise PermissionDenied
    tab = request.GET.get("tab", "")
    tab = tab if tab in _TABS else "person"
    context: Context = {"refused": ""}
    try:
        context |= _TABS[tab](request)
    except KubeCarrierError as error:
        context["refused"] = f"{error.message} {error.hint or ''}".strip()
    context |= {
        **site.each_context(request),
        "title": _("Access review"),
        "is_fullwidth": "1",
        "tab": tab,
        "tabs": _tabs(request),
        "reviewer": questions.allowed_to_review(request.user),
        "people_linked": request.user.is_superuser,
    }
    return TemplateResponse(request, "console/access_review.html", context)


def _tabs(request: HttpRequest) -> list[tuple[str, Any, str]]:
    """Drift and orphans are for those who may review others somewhere."""
    found = [
        ("person", _("By person"), "person_search"),
        ("right", _("By right"), "key"),
        ("cluster", _("In a cluster"), "dns"),
    ]
    if questions.allowed_to_review(request.user):
        found += [
            ("drift", _("Drift"), "difference"),
            ("orphans", _("Orphans"), "cleaning_services"),
        ]
    return found


# --- the tabs ------------------------------------------------------------------------------


def _by_person(request: HttpRequest) -> Context:
    form = _for(request, PersonForm(request.GET))
    if not form.is_valid():
        return {"form": form}
    asked = form.wanted()
    context: Context = {"form": form, "csv": _csv("", request.GET, PersonForm)}
    wanted = questions.permitted(request.user, asked)
    if asked.user and not User.objects.filter(username=asked.user).exists():
        raise NotFoundError("person_unknown", _("There is no person of that name."))
    after = listing.read_token(request.GET.get("after", ""))
    found = listing.lines(wanted, after=after, limit=_PAGE + 1)
    more = listing.token_of(found[_PAGE - 1]) if len(found) > _PAGE else ""
    return context | {
        "lines": line_rows(found[:_PAGE], request.user),
        "only_own": wanted.user == request.user.get_username() != asked.user,
        "one_person": wanted.user,
        "more": _with(request.GET, after=more) if more else "",
        "first": _with(request.GET, after=None) if after else "",
    }


def _by_right(request: HttpRequest) -> Context:
    if not request.GET.get("right"):
        return {"form": _for(request, RightForm(initial=request.GET.dict()))}
    form = _for(request, RightForm(request.GET))
    if not form.is_valid():
        return {"form": form}
    context: Context = {"form": form}
    asked = questions.understood(request.user, form.question())
    name = form.cleaned_data.get("user", "")
    if name or not questions.may_review(request.user, asked.row):
        user = questions.subject_of(request.user, name, asked.row)
        decision = questions.decided(request.user, user, asked)
        return context | {
            "decision": decision,
            "asked": asked,
            "asked_user": user.get_username(),
            "ways": _ways(decision.by, request.user),
        }
    after = request.GET.get("after", "").replace("\0", "")
    found = holding.who_can(asked.permission, asked.row, after=after, limit=_PAGE + 1)
    more = found[_PAGE - 1].user if len(found) > _PAGE else ""
    return context | {
        "asked": asked,
        "holders": [(one, _ways(one.by, request.user)) for one in found[:_PAGE]],
        "csv": _csv("/who-can", request.GET, RightForm, verb=asked.permission),
        "more": _with(request.GET, after=more) if more else "",
        "first": _with(request.GET, after=None) if after else "",
    }


def _in_cluster(request: HttpRequest) -> Context:
    if not request.GET.get("verb"):
        return {"form": _for(request, ClusterActForm(initial=request.GET.dict()))}
    form = _for(request, ClusterActForm(request.GET))
    if not form.is_valid():
        return {"form": form}
    given = dict(form.cleaned_data)
    cluster = visible_clusters(request.user).filter(name=given.pop("cluster")).first()
    context: Context = {"form": form}
    if cluster is None:
        return context | {"refused": _("There is no such cluster.")}
    try:
        user = questions.subject_of(request.user, given.pop("user", ""), cluster)
        act = Act(**given)
        context["there"] = cluster_can_i(user=user, cluster=cluster, act=act)
        context["asked_user"] = user.get_username()
        if questions.may_review(request.user, cluster):
            found = cluster_who_can(cluster=cluster, act=act)
            context["subjects"] = [one for one in found if not one.internal]
            context["internal"] = [one for one in found if one.internal]
    except KubeCarrierError as error:
        context["refused"] = f"{error.message} {error.hint or ''}".strip()
    return context


def _drift(request: HttpRequest) -> Context:
    clusters, more = _clusters(request)
    found = access_review.drift(clusters)
    rows = [(one, finding, STATES[finding.state]) for one in found for finding in one.findings]
    return {
        "reviewed": found,
        "unknown": [one for one in found if not one.known],
        "findings": rows,
        "known": sum(one.known for one in found),
        "grants": sum(one.grants for one in found if one.known),
        "cluster": request.GET.get("cluster", ""),
        "csv": _csv("/drift", request.GET, None, "cluster"),
        "more": more,
    }


def _orphans(request: HttpRequest) -> Context:
    clusters, more = _clusters(request)
    first = not (request.GET.get("after") or request.GET.get("cluster"))
    found = list(access_review.report(request.user, clusters, portal=first))
    return {
        "orphans": [(one, ORPHANS[one.reason], _page_of(one.kind, one.key)) for one in found],
        "cluster": request.GET.get("cluster", ""),
        "csv": _csv("/orphans", request.GET, None, "cluster"),
        "more": more,
    }


_TABS: dict[str, Callable[[HttpRequest], Context]] = {
    "person": _by_person,
    "right": _by_right,
    "cluster": _in_cluster,
    "drift": _drift,
    "orphans": _orphans,
}


# --- parts of them ---------------------------------------------------------------------------


def _for[F: forms.Form](request: HttpRequest, form: F) -> F:
    """Who may not ask about others is not offered to name them; an address may still name one."""
    if not (questions.allowed_to_review(request.user) or request.GET.get("user")):
        del form.fields["user"]
    return form


def _clusters(request: HttpRequest) -> tuple[list[Any], str]:
    limit = access_review.PAGE
    found = access_review.reviewed_clusters(
        request.user,
        cluster=request.GET.get("cluster", "").replace("\0", ""),
        after=request.GET.get("after", "").replace("\0", ""),
        limit=limit + 1,
    )
    more = _with(request.GET, after=found[limit - 1].name) if len(found) > limit else ""
    return found[:limit], more


def _ways(ways: Iterable[Way], user: Any) -> list[dict[str, Any]]:
    """With links to what may be seen."""
    return [
        {
            "way": way,
            "on": "" if _says(way.where, way.on) else way.on,
            "through": _THROUGH[way.through](),
            "binding": _page_of("Binding", way.binding_id),
            "role": _page_of("Role", way.role_id),
        }
        for way in ways
    ]


def _says(where: str, on: str) -> bool:
    """Whether the scope says already on what the right is held."""
    return where.replace("clusters ", "cluster ", 1) == on


_THROUGH: dict[Through, Callable[[], str]] = {
    Through.DIRECT: lambda: _("directly"),
    Through.GROUP: lambda: _("group"),
    Through.SUPERUSER: lambda: _("superuser"),
    Through.OWNER: lambda: _("their own"),
}
_PAGES = {
    "Binding": "accounts_binding",
    "Role": "accounts_role",
    "ServiceAccount": "accounts_serviceaccount",
}


def _page_of(kind: str, key: Any) -> str:
    page = _PAGES.get(kind)
    return reverse(f"admin:{page}_change", args=[key]) if page and key else ""


def _csv(path: str, given: QueryDict, form: Any, *names: str, **more: str) -> str:
    """The same question to the API, as a file."""
    known = [*(form.base_fields if form else ()), *names]
    query = QueryDict(mutable=True)
    for name in known:
        value = str(given.get(name) or "")
        if value and not (more and name in {"right", "user"}):
            query[name] = value
    query.update({**more, "format": "csv"})
    return f"{_API}{path}?{query.urlencode()}"


def _with(given: QueryDict, **changes: Any) -> str:
    """This page's address with other parameters."""
    query = given.copy()
    for name, value in changes.items():
        query.pop(name, None)
        if value:
            query[name] = value
    return f"?{query.urlencode()}"
