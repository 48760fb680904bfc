"""The API fuzzed from its own description: whatever comes in, never a 500. Part of make test-all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

from accounts.models import User
from accounts.services import tokens
from tests.db.conftest import add_cluster, application
from tests.portal import Portal

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
# These ask a cluster, of which there is none behind the rows; uploads have their own tests.
OUTSIDE = r"/(preview|history|repositories/\{name\}/charts)$"
BOUNDED = settings(
    max_examples=12,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def headers(fleet: Portal, admin_user: User) -> Iterator[dict[str, str]]:
    """A token, and rows under a name that is tried for every path."""
    fleet.apply("shop", **application())
    add_cluster(fleet, "string")
    _, secret = tokens.token_create(user=admin_user, name="fuzz")
    # As Django's test client does: the connection belongs to the test, not to a request.
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield {"Authorization": f"Token {secret}"}
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.mark.filterwarnings("default")
def test_no_request_is_answered_by_500(headers: dict[str, str]) -> None:
    app = get_wsgi_application()
    schema = schemathesis.openapi.from_wsgi("/api/schema", app, headers=headers)
    tried: set[str] = set()
    statuses: set[int] = set()
    for result in schema.exclude(path_regex=OUTSIDE).get_all_operations():
        operation: Any = cast("Any", result).ok()

        @BOUNDED
        @given(
            case=st.one_of([operation.as_strategy(generation_mode=mode) for mode in GenerationMode])
        )
        def answered(case: Any) -> None:
            response = case.call(headers=headers)
            statuses.add(response.status_code)
            assert response.status_code < 500 or response.status_code == 503, response.content

        if "logout" not in operation.label:
            answered()
            tried.add(operation.label)
    assert len(tried) > 40
    assert {200, 400, 404} <= statuses
