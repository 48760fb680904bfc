"""The generic view of a kind: list, get, apply, patch, delete, watch.

Each method parses, authorises by fetching through `rows(user)`, calls one
service and renders. A dry run is the same call in a transaction that is
rolled back: nothing is stored and nothing is enqueued.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import StreamingHttpResponse
from rest_framework import status, viewsets
from rest_framework.parsers import BaseParser
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.scopes import require_scope
from kubecarrier.api import documents, paging, watch
from kubecarrier.api.admission import admitted_again
from kubecarrier.api.parsers import MergePatchParser, StrictJSONParser
from kubecarrier.api.schema import DocumentSchema
from kubecarrier.lib import access, audit, catalogue
from kubecarrier.lib.errors import ConflictError, InvalidError, NotFoundError, PreconditionError
from kubecarrier.lib.manifests import API_VERSION, Applied, Kind, Result
from kubecarrier.lib.placement import filter_by_labels

SNAKE = re.compile(r"(?<=[a-z])(?=[A-Z])")
_SECONDS = re.compile(r"[0-9]{1,6}")
_TIMED = ("__gte", "__gt", "__lte", "__lt")  # filters of this form are of times
_GET_PARAMETERS = frozenset({"fields", "watch", "timeoutSeconds"})
_GENERIC = frozenset(
    {"list", "retrieve", "create", "update", "partial_update", "destroy", "metadata"}
)
_LIST_PARAMETERS = frozenset(
    {"labelSelector", "search", "limit", "continue", "fields", "watch", "timeoutSeconds"}
)
_RESULT_STATUS = {
    Result.CREATED: status.HTTP_201_CREATED,
    Result.CONFIGURED: status.HTTP_202_ACCEPTED,
    Result.UNCHANGED: status.HTTP_200_OK,
}


@contextmanager
def maybe_dry(request: Request) -> Iterator[bool]:
    """A transaction that is rolled back at its end when `?dryRun=All` was asked for."""
    wish = request.query_params.get("dryRun", "")
    if wish not in {"", "All"}:
        raise InvalidError("dry_run_invalid", "dryRun is All or absent.", field="dryRun")
    if not wish:
        yield False
        return
    with transaction.atomic():
        yield True
        transaction.set_rollback(True)


def validated(serializer: Any, request: Request) -> dict[str, Any]:
    """The body through a serializer class; raises DRF's ValidationError."""
    given = serializer(data=request.data)
    given.is_valid(raise_exception=True)
    return dict(given.validated_data)


def refuse_unknown_parameters(request: Request, known: frozenset[str]) -> None:
    """A misspelt filter must not return everything; raises InvalidError."""
    if unknown := sorted(set(request.query_params) - known):
        raise InvalidError("parameter_unknown", "Unknown parameter.", field=unknown[0][:80])
    for name, value in request.query_params.items():
        if "\0" in value:  # PostgreSQL refuses it in any text
            raise InvalidError("parameter_invalid", "The parameter holds NUL.", field=name)


class DocumentViewSet(viewsets.ViewSet):
    """Subclassed once per kind, with its actions."""

    kind: ClassVar[Kind]
    lookup_field = "name"
    lookup_value_regex = r"[^/]+"
    schema = DocumentSchema()
    parser_classes: ClassVar[list[type[BaseParser]]] = [StrictJSONParser, MergePatchParser]  # type: ignore[misc]

    # Query parameters of actions that only read, by action; those that change take `dryRun`.
    # The right that an action takes, where it is not called like the action: a verb of this kind,
    # or a whole permission.
    action_verbs: ClassVar[Mapping[str, str]] = {}
    action_parameters: ClassVar[Mapping[str, frozenset[str]]] = {}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if self.action and self.action not in _GENERIC:
            reads = request.method in SAFE_METHODS
            known = self.action_parameters.get(self.action, frozenset())
            refuse_unknown_parameters(request, known if reads else frozenset({"dryRun"}))

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        """A browser's EventSource accepts `text/event-stream` only; errors are JSON all the same."""
        stream = "text/event-stream" in request.headers.get("Accept", "")
        return super().perform_content_negotiation(request, force=force or stream)

    def list(self, request: Request) -> Response | StreamingHttpResponse:
        known = _LIST_PARAMETERS | set(self.kind.parameters)
        refuse_unknown_parameters(request, known)
        rows = self.filtered(request)
        if _watched(request):
            if "watch" not in self.kind.verbs:
                raise InvalidError(
                    "watch_unsupported",
                    f"{self.kind.plural} cannot be watched.",
                    field="watch",
                    hint="Ask again with the time of the last one.",
                )
            return self._watch(request, lambda: self.filtered(request))
        found, token = paging.page(
            rows,
            order=self.kind.order,
            limit=paging.read_limit(request.query_params.get("limit", "")),
            token=request.query_params.get("continue", ""),
        )
        if self.kind.attach:
            self.kind.attach(found)
        items = [documents.export(self.kind, row) for row in found]
        if paths := _fields(request):
            items = [documents.sparse(item, paths) for item in items]
        return Response(
            {
                "apiVersion": API_VERSION,
                "kind": f"{self.kind.kind}List",
                "metadata": {"continue": token},
                "items": items,
            }
        )

    def retrieve(self, request: Request, name: str) -> Response | StreamingHttpResponse:
        # A filter tells apart what is named alike in several clusters (nodes, namespaces).
        refuse_unknown_parameters(request, _GET_PARAMETERS | set(self.kind.parameters))
        row = self.fetch(request, name)
        if _watched(request):
            return self._watch(request, lambda: self.kind.rows(request.user).filter(pk=row.pk))
        return self.answer(row, fields=_fields(request))

    def _watch(self, request: Request, rows: Callable[[], QuerySet[Any]]) -> StreamingHttpResponse:
        """A stream of `rows`, which are fetched anew as who asked may see them then."""

        def visible() -> QuerySet[Any] | None:
            user = admitted_again(request)
            if user is None:
                return None
            request.user = user
            return rows()

        return watch.stream(
            visible, self._export, seconds=_timeout(request), attach=self.kind.attach
        )

    def create(self, request: Request) -> Response:
        """Create; 409 when the name is taken (PUT by name is the idempotent apply)."""
        meta = request.data.get("metadata") if isinstance(request.data, dict) else None
        name = meta.get("name") if isinstance(meta, dict) else None
        if not isinstance(name, str) or not name:
            raise InvalidError("name_missing", "A document needs a name.", field="metadata.name")
        if self.find(request, name) is not None:
            raise self._taken(name)
        return self._apply(request, name, request.data)

    def update(self, request: Request, name: str) -> Response:
        return self._apply(request, name, request.data, row=self.find(request, name))

    def partial_update(self, request: Request, name: str) -> Response:
        row = self.fetch(request, name)
        documents.check_patch(request.data)
        merged = documents.merge_patch(self._editable(row), request.data)
        return self._apply(request, name, merged, row=row)

    def destroy(self, request: Request, name: str) -> Response:
        if self.kind.delete is None:
            raise InvalidError("read_only", f"{self.kind.kind} cannot be deleted.")
        refuse_unknown_parameters(request, frozenset(self.kind.delete_options) | {"dryRun"})
        options = {
            SNAKE.sub("_", name_).lower(): read(request.query_params[name_])
            for name_, read in self.kind.delete_options.items()
            if name_ in request.query_params
        }
        with maybe_dry(request):
            row = self.fetch(request, name)
            self.require_verb(request, "delete", row)
            self._check_precondition(request, row)
            self.kind.delete(actor=request.user, row=row, **options)
            gone = documents.export(self.kind, row)
        return Response(gone, status=status.HTTP_202_ACCEPTED)

    # --- what actions use as well ---------------------------------------------

    def filtered(self, request: Request) -> QuerySet[Any]:
        """The rows that the query asks for, out of those the user may see."""
        rows = self.listed(request)
        for parameter in self.kind.parameters:
            if value := request.query_params.get(parameter):
                rows = self.narrowed(rows, parameter, value)
        if text := request.query_params.get("search", "").strip()[:200]:
            with_words = self.kind.with_words
            rows = with_words(rows, text) if with_words else rows.filter(_search(self.kind, text))
        if selector := request.query_params.get("labelSelector"):
            if not any(field.name == "labels" for field in self.kind.model._meta.concrete_fields):
                raise InvalidError(
                    "parameter_unknown",
                    f"A {self.kind.kind} has no labels.",
                    field="labelSelector",
                )
            rows = (self.kind.with_labels or filter_by_labels)(rows, selector)
        return rows

    def listed(self, request: Request) -> QuerySet[Any]:
        """What a list begins with."""
        return self.kind.rows(request.user)

    def narrowed(self, rows: QuerySet[Any], parameter: str, value: str) -> QuerySet[Any]:
        """The rows that a filter lets through; raises InvalidError for what is no value of it."""
        return _narrowed(rows, parameter, self.kind.parameters[parameter], value)

    def named(self, rows: QuerySet[Any], name: str) -> QuerySet[Any]:
        """The rows that a name in the path means."""
        return rows.filter(**{self._name_column(): name})

    def find(self, request: Request, name: str) -> Any | None:
        """The row of that name among those the user may see, or None; raises when several are."""
        if "\0" in name:
            return None
        rows = self.kind.rows(request.user)
        if request.method == "GET":
            for parameter in self.kind.parameters:
                if value := request.query_params.get(parameter):
                    rows = self.narrowed(rows, parameter, value)
        try:
            found = list(self.named(rows, name)[:2])
        except (ValidationError, ValueError):  # no key: nothing can have this name
            return None
        if len(found) > 1:
            raise InvalidError(
                "name_ambiguous",
                f"There are several: {self.kind.singular} “{name[:100]}”.",
                hint="Say which: ?cluster=NAME",
            )
        return found[0] if found else None

    def fetch(self, request: Request, name: str) -> Any:
        """Like `find`, but raises NotFoundError; out of scope and absent look the same."""
        row = self.find(request, name)
        if row is None:
            audit.hidden(f"{self.kind.plural}.view", partial(self._anybodys, name))
            raise NotFoundError("not_found", f"There is no {self.kind.singular} “{name[:100]}”.")
        return row

    def answer(self, row: Any, *, fields: Sequence[str] | None = None, code: int = 200) -> Response:
        """The row's document, with its ETag."""
        document = documents.export(self.kind, row)
        response = Response(documents.sparse(document, fields) if fields else document, status=code)
        if hasattr(row, "generation"):
            response["ETag"] = documents.etag(row)
        return response

    def acted(self, row: Any, operation: dict[str, Any] | None = None) -> Response:
        """What every action answers: the object as it stands, and the operation begun."""
        body = {"object": documents.export(self.kind, row), "operation": operation}
        return Response(body, status=status.HTTP_202_ACCEPTED)

    def _anybodys(self, name: str) -> Any | None:
        """The row of that name whoever may see it: for the record of a refusal only."""
        if "\0" in name:
            return None
        try:
            found = self.kind.model._default_manager.filter(**{self._name_column(): name})
            return found.first()
        except (ValidationError, ValueError):
            return None

    def _name_column(self) -> str:
        return "name" if any(f.name == "name" for f in self.kind.model._meta.fields) else "pk"

    def _export(self, row: Any) -> dict[str, Any]:
        return documents.export(self.kind, row)

    def _editable(self, row: Any) -> dict[str, Any]:
        document = documents.export(self.kind, row)
        return {key: document[key] for key in ("apiVersion", "kind", "metadata", "spec")}

    def _apply(self, request: Request, name: str, document: Any, row: Any = None) -> Response:
        if self.kind.apply is None:
            raise InvalidError(
                "read_only", f"{self.kind.kind} is observed only and cannot be written."
            )
        refuse_unknown_parameters(request, frozenset({"dryRun"}))
        require_scope(request.user, f"{self.kind.plural}.{'create' if row is None else 'edit'}")
        self.require_write(request, name, row)
        generation = None
        if row is not None:
            generation = self._check_precondition(request, row)
        elif request.headers.get("If-Match"):
            raise PreconditionError("precondition_failed", "There is nothing yet to match.")
        wish = documents.read(self.kind, document, name=name, generation=generation)
        with maybe_dry(request):
            applied: Applied = self.kind.apply(actor=request.user, wish=wish)
            response = self.answer(applied.row, code=_RESULT_STATUS[applied.result])
        response["X-KubeCarrier-Result"] = applied.result.value
        return response

    def require_verb(self, request: Request, verb: str, row: Any) -> None:
        """Whether the person may do that with the row; raises DeniedError."""
        access.require(request.user, f"{self.kind.plural}.{verb}", row)

    def require_write(self, request: Request, name: str, row: Any | None) -> None:
        """Whether the person may write at all; the service knows what exactly the change needs.

        What exists out of sight is refused like what does not, except to those who could
        have taken the name themselves.
        """
        plural, user = self.kind.plural, request.user
        if row is not None:
            verbs = ["edit", *catalogue.partial_verbs(plural)]
            if not any(access.may(user, f"{plural}.{verb}", row) for verb in verbs):
                raise access.denied(f"{plural}.edit", row)
            return
        access.require_somewhere(user, f"{plural}.create")
        rows: QuerySet[Any] = self.kind.model._default_manager.filter(**{self._name_column(): name})
        if "\0" not in name and rows.exists():
            raise self._taken(name)

    def _taken(self, name: str) -> ConflictError:
        return ConflictError(
            "exists", f"{self.kind.kind} “{name[:80]}” exists already.", field="metadata.name"
        )

    def _check_precondition(self, request: Request, row: Any) -> int | None:
        """412 with the present document when If-Match names another generation."""
        header = request.headers.get("If-Match")
        if not header:
            return None
        wanted = documents.generation_of_etag(row, header)
        if wanted is not None and wanted != row.generation:
            raise PreconditionError(
                "precondition_failed",
                f"{self.kind.kind} “{row}” was changed since you read it.",
                hint="Read it again, and apply your change to what stands there now.",
                generation=row.generation,
                difference=self._difference(request, row),
            )
        return wanted

    def _difference(self, request: Request, row: Any) -> Sequence[dict[str, Any]]:
        """Where the caller's document differs from what is stored: path, yours, theirs."""
        sent = request.data if isinstance(request.data, dict) else {}
        current = documents.export(self.kind, row)
        return [
            {"path": f"spec.{key}", "yours": sent.get("spec", {}).get(key), "theirs": value}
            for key, value in current["spec"].items()
            if isinstance(sent.get("spec"), dict)
            and key in sent["spec"]
            and sent["spec"][key] != value
        ]


def _fields(request: Request) -> list[str]:
    text = request.query_params.get("fields", "")
    return [path.strip() for path in text.split(",") if path.strip()][:50]


def _timeout(request: Request) -> float:
    text = request.query_params.get("timeoutSeconds", "")
    if text and not _SECONDS.fullmatch(text):
        raise InvalidError(
            "timeout_invalid", "timeoutSeconds is a whole number.", field="timeoutSeconds"
        )
    return float(text) if text else watch.MAX_SECONDS


def _watched(request: Request) -> bool:
    text = request.query_params.get("watch", "0")
    if text not in {"0", "1", "false", "true"}:
        raise InvalidError("watch_invalid", "watch is 1 or absent.", field="watch")
    return text in {"1", "true"}


def _narrowed(rows: QuerySet[Any], parameter: str, lookup: str, value: str) -> QuerySet[Any]:
    try:
        timed = lookup.endswith(_TIMED)
        return rows.filter(**{lookup: _moment(value) if timed else value})
    except (ValidationError, ValueError) as error:
        raise InvalidError(
            "filter_invalid", f"“{value[:80]}” is no value of {parameter}.", field=parameter
        ) from error


def _moment(text: str) -> datetime:
    """RFC 3339; without an offset it is UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _search(kind: Kind, text: str) -> Q:
    found = Q()
    for column in kind.search:
        found |= Q(**{f"{column}__icontains": text})
    return found
