"""Access reviews over REST: may I, who can, and who holds what by which binding and group."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.http import StreamingHttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.serializers import access_review as forms
from accounts.models import Platform
from accounts.review import holding, listing, questions
from accounts.review.listing import Wanted
from accounts.review.questions import Question
from kubecarrier.api.csv import CsvView, csv_download
from kubecarrier.api.paging import read_limit
from kubecarrier.api.parameters import query_parameters
from kubecarrier.api.views import refuse_unknown_parameters, validated
from kubecarrier.lib import audit
from kubecarrier.lib.errors import InvalidError
from kubecarrier.lib.granted import Where

_PLACE = {
    "project": "Of this project.",
    "cluster": "Of this cluster.",
    "namespace": "Of this namespace, beside cluster.",
}
_PAGE = {
    "limit": "Rows a page, 1 to 500; 50 unless told.",
    "continue": "The token of the page before.",
    "format": "csv: all pages as a file.",
}
_FILTERS = {
    "user": "Only of this person; a service account is sa:NAME.",
    "group": "Only through this group.",
    "right": "Only where it gives this right: applications.edit.",
    "role": "Only by this role.",
    **_PLACE,
}
_WHO_CAN = {
    "verb": "A verb of the kind, or a whole right: applications.edit.",
    "kind": "Any name of a kind.",
    "name": "One object; without, anything in the place.",
    **_PLACE,
}
LINE_COLUMNS = (
    "user", "kind", "active", "superuser", "role", "where", "binding", "through", "group", "since",
)  # fmt: skip
HOLDER_COLUMNS = (
    "user", "kind", "active", "tokens", "through", "binding", "role", "where", "on", "group",
)  # fmt: skip


class CanIView(APIView):
    """May somebody do something? Of oneself everybody may ask."""

    needs_scope = ""

    @extend_schema(
        request=forms.CanISerializer,
        responses={200: forms.DecisionSerializer},
        operation_id="accessreview_can_i",
    )
    def post(self, request: Request) -> Response:
        refuse_unknown_parameters(request, frozenset())
        given = validated(forms.CanISerializer, request)
        asked = questions.understood(request.user, _question(given))
        user = questions.subject_of(request.user, given["user"], asked.row)
        found = questions.decided(request.user, user, asked)
        return Response(
            {
                "allowed": found.allowed,
                "reason": found.why.value,
                "message": found.message,
                "user": user.username,
                "right": asked.permission,
                "on": asked.on,
                "by": [way.document() for way in found.by],
            }
        )


class WhoCanView(CsvView):
    """Everybody who may do something, with the binding and the group for each."""

    needs_scope = ""

    @extend_schema(
        parameters=query_parameters({**_WHO_CAN, **_PAGE}),
        responses={200: forms.HolderListSerializer},
        operation_id="accessreview_who_can",
    )
    def get(self, request: Request) -> Response | StreamingHttpResponse:
        refuse_unknown_parameters(request, frozenset({**_WHO_CAN, **_PAGE}))
        given = request.query_params
        asked = questions.understood(request.user, _question(given))
        questions.require_review(request.user, asked.row)
        if self.wants_csv(request):
            found = holding.who_can(asked.permission, asked.row)
            exported("who-can", {"right": asked.permission, "on": asked.on})
            return csv_download(request, HOLDER_COLUMNS, flat(found), name="who-can.csv")
        limit = read_limit(given.get("limit", ""))
        after = given.get("continue", "")
        found = holding.who_can(asked.permission, asked.row, after=after, limit=limit + 1)
        token = found[limit - 1].user if len(found) > limit else None
        return Response(
            {
                "metadata": {"continue": token},
                "right": asked.permission,
                "on": asked.on,
                "items": [holder.document() for holder in found[:limit]],
            }
        )


class AccessReviewView(CsvView):
    """Who holds what where: one's own bindings, or everybody's by right."""

    needs_scope = ""

    @extend_schema(
        parameters=query_parameters({**_FILTERS, **_PAGE}),
        responses={200: forms.ReviewSerializer},
        operation_id="accessreview_list",
    )
    def get(self, request: Request) -> Response | StreamingHttpResponse:
        refuse_unknown_parameters(request, frozenset({**_FILTERS, **_PAGE}))
        given = request.query_params
        wanted = questions.permitted(request.user, wanted_of(given))
        if self.wants_csv(request):
            said = {name: given[name] for name in _FILTERS if given.get(name)}
            exported("bindings", said)
            rows = (line.document() for line in listing.all_lines(wanted))
            return csv_download(request, LINE_COLUMNS, rows, name="access-review.csv")
        limit = read_limit(given.get("limit", ""))
        after = listing.read_token(given.get("continue", ""))
        found = listing.lines(wanted, after=after, limit=limit + 1)
        token = listing.token_of(found[limit - 1]) if len(found) > limit else None
        return Response(
            {
                "metadata": {"continue": token},
                "items": [line.document() for line in found[:limit]],
            }
        )


def wanted_of(given: Mapping[str, Any]) -> Wanted:
    """The filters of the review, from query parameters; raises InvalidError."""
    listing.check_right(given.get("right") or "")
    names = ("user", "group", "role", "right")
    return Wanted(**{name: given.get(name) or "" for name in names}, where=_where(given))


def flat(holders: Iterable[holding.Holder]) -> Iterator[dict[str, Any]]:
    """A row for each way of each person."""
    for holder in holders:
        for way in holder.by:
            yield {**holder.document(), **way.document()}


def exported(what: str, filters: Mapping[str, str]) -> None:
    """What leaves as a file is on record."""
    said = " ".join([what, *(f"{name}={value}" for name, value in sorted(filters.items()))])
    audit.event("access-review-exported", Platform(pk=1), said=said)


def _question(given: Mapping[str, Any]) -> Question:
    verb = given.get("verb") or ""
    if not verb:
        raise InvalidError("verb_missing", "Name a verb.", field="verb")
    return Question(verb, given.get("kind") or "", given.get("name") or "", _where(given))


def _where(given: Mapping[str, Any]) -> Where:
    return Where(**{name: given.get(name) or "" for name in ("project", "cluster", "namespace")})
