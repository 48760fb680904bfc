"""How old the portal's own credential on a cluster is, as a condition. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from fleet.conditions import CREDENTIAL_STALE, Reason
from kubecarrier.lib.conditions import Condition, Status

_GRACE = timedelta(days=3)  # a cluster may be down on the day
_WORK = timedelta(hours=3)  # what began with an old token may work with it so long


@dataclass(frozen=True, slots=True)
class Age:
    """What is known of a stored credential: is it ours, since when, what went wrong, what is left."""

    own: bool
    since: datetime | None
    error: str
    leftovers: int


def stale_condition(age: Age, days: int, now: datetime) -> Condition:
    """`CredentialStale`: True where a renewal failed or is overdue, or an old token still works."""
    if not age.own:
        text = "It is as it was given: the portal does not renew it."
        return Condition(CREDENTIAL_STALE, Status.FALSE, Reason.NOT_RENEWED, text)
    since = f"{age.since:%Y-%m-%d %H:%M} UTC" if age.since else "an unknown time"
    if age.error:
        text = f"It could not be renewed, and is that of {since}: {age.error}"
        return Condition(CREDENTIAL_STALE, Status.TRUE, Reason.RENEWAL_FAILED, text)
    if age.leftovers and (age.since is None or age.since + _WORK < now):
        text = "A token that is not used any more could not be deleted there yet."
        return Condition(CREDENTIAL_STALE, Status.TRUE, Reason.OLD_TOKEN_STANDS, text)
    if not days:
        text = f"It is that of {since}: renewals by themselves are switched off."
        return Condition(CREDENTIAL_STALE, Status.FALSE, Reason.NOT_RENEWED, text)
    if age.since is None or age.since + timedelta(days=days) + _GRACE < now:
        text = f"It is that of {since}, and is renewed every {days} days."
        return Condition(CREDENTIAL_STALE, Status.TRUE, Reason.RENEWAL_OVERDUE, text)
    text = f"Renewed at {since}; every {days} days."
    return Condition(CREDENTIAL_STALE, Status.FALSE, Reason.RENEWED, text)
