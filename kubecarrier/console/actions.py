"""What can be done with one object, or with several: a page that asks, a POST that does.

GET never changes anything. A domain error comes back on the page it came from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from kubecarrier.console.forms import PortalForm
from kubecarrier.lib import audit
from kubecarrier.lib.errors import KubeCarrierError

MAX_BULK = 500


@dataclass(frozen=True, slots=True)
class Done:
    """What an action says afterwards.

    `leave`: the object's page may be gone. `shown` stays on the action's own
    page, with this in its context: for what is shown once and kept nowhere.
    """

    message: Any
    leave: bool = False
    response: HttpResponse | None = None
    shown: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ObjectAction:
    """One thing to do with one object.

    `run(row, given, user)` calls one service. `offered(row)` says whether it
    makes sense now; `shown(row, user)` adds to the page's context.
    """

    slug: str
    title: Any
    icon: str
    run: Callable[[Any, dict[str, Any], Any], Done]
    text: Any = ""
    button: Any = ""
    form: type[PortalForm] = PortalForm
    danger: bool = False
    primary: bool = False
    template: str = "console/action.html"
    offered: Callable[[Any], bool] = lambda row: True
    shown: Callable[[Any, Any], dict[str, Any]] = lambda row, user: {}
    upload: bool = False
    verb: str = ""


@dataclass(frozen=True, slots=True)
class BulkAction:
    """One thing to do with several objects, each for itself."""

    slug: str
    title: Any
    run: Callable[[Any, dict[str, Any], Any], object]
    text: Any = ""
    form: type[PortalForm] = PortalForm
    danger: bool = False
    verb: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one object of several."""

    row: Any
    error: str = ""
    url: str = field(default="")


def attempt(action: ObjectAction, row: Any, form: Any, request: HttpRequest) -> Done | None:
    """Run it; None when it was refused, and the form says why."""
    try:
        with audit.because(form.cleaned_data.get("reason", "")):
            return action.run(row, form.cleaned_data, request.user)
    except (KubeCarrierError, ValidationError) as error:
        form.refuse(error)
        return None


def attempt_all(
    action: BulkAction, rows: Iterable[Any], given: dict[str, Any], user: Any
) -> list[Outcome]:
    """Run it on each; one that is refused leaves the others alone."""
    outcomes = []
    for row in rows:
        try:
            with audit.because(given.get("reason", "")):
                action.run(row, given, user)
        except KubeCarrierError as error:
            outcomes.append(Outcome(row, error.message))
        except ValidationError as error:
            outcomes.append(Outcome(row, error.messages[0] if error.messages else _("Not valid.")))
        else:
            outcomes.append(Outcome(row))
    return outcomes
