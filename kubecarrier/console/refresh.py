"""Pages that ask for themselves again: nothing is sent while nothing changed."""

from __future__ import annotations

import hashlib

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified


def unless_seen(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """The response with its ETag, or 304 where the asker has it already.

    Not Django's middleware: only answers without anything that differs each time (a form's token)
    can be compared, and those are few.
    """
    etag = f'"{hashlib.sha256(response.content).hexdigest()[:32]}"'
    if request.headers.get("If-None-Match") == etag:
        return HttpResponseNotModified()
    response["ETag"] = etag
    return response
