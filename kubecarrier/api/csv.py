"""Lists as CSV for those who ask for it (`?format=csv`, or `Accept: text/csv`): whole, and streamed."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from django.http import StreamingHttpResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.trail.export import guarded
from kubecarrier.api.renderers import JSONRenderer
from kubecarrier.api.streams import download
from kubecarrier.lib.errors import InvalidError

_ROWS = 500  # of one chunk


class CsvRenderer(JSONRenderer):
    """What negotiation chooses; the bytes come from `csv_download`, and errors stay JSON."""

    media_type = "text/csv"
    format = "csv"


class CsvView(APIView):
    """A list that is also served as CSV."""

    renderer_classes = [JSONRenderer, CsvRenderer]

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        """What the address asks for goes before what the client accepts by habit."""
        wanted = request.query_params.get("format", "")
        if wanted == CsvRenderer.format:
            return CsvRenderer(), CsvRenderer.media_type
        if wanted not in {"", JSONRenderer.format} and not force:
            raise InvalidError("format_invalid", "format is csv or absent.", field="format")
        return super().perform_content_negotiation(request, force=force)

    def wants_csv(self, request: Request) -> bool:
        return getattr(request.accepted_renderer, "format", "") == CsvRenderer.format

    def finalize_response(
        self, request: Request, response: Any, *args: Any, **kwargs: Any
    ) -> Response:
        answer: Response = super().finalize_response(request, response, *args, **kwargs)
        if isinstance(answer, Response) and isinstance(
            getattr(answer, "accepted_renderer", None), CsvRenderer
        ):
            answer.accepted_renderer = JSONRenderer()
            answer.accepted_media_type = JSONRenderer.media_type
        return answer


def csv_download(
    request: Request, columns: Sequence[str], rows: Iterable[Mapping[str, Any]], *, name: str
) -> StreamingHttpResponse:
    """The rows as a file, no cell of which a spreadsheet takes for a formula."""
    chunks = csv_chunks(columns, rows)
    return download(request._request, chunks, name=name, content_type="text/csv; charset=utf-8")


def csv_chunks(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """The header, then the rows (RFC 4180)."""
    yield (",".join(columns) + "\r\n").encode()
    waiting = iter(rows)
    while some := list(islice(waiting, _ROWS)):
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\r\n")
        writer.writerows([[guarded(_plain(row.get(c))) for c in columns] for row in some])
        yield buffer.getvalue().encode()


def _plain(value: Any) -> Any:
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, bool):
        return "true" if value else "false"
    return value
