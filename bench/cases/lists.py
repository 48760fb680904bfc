"""List pages of a portal with many rows: how long, how many queries, and how it grows."""

from __future__ import annotations

from bench.frame import Bench, Found, Options
from bench.portal import Home

_REQUESTS_PER_ROUND = 10


def run(options: Options) -> Found:
    """One process with the whole of Django; the database is the home's."""
    home = Home(options.directory)
    rounds = str(options.rounds * _REQUESTS_PER_ROUND)
    found = home.inside("lists", "measure", str(options.scale), rounds)
    for page, milliseconds in sorted(found["pages"].items(), key=lambda item: -item[1]):
        options.say(f"{milliseconds:7.1f} ms  {page}")
    ratios = {"growth_10x": found["growth_10x"]}
    if "non_admin" in found:
        ratios |= {"non_admin": found["non_admin"], "team": found["team"]}
    figures = {key: found[key] for key in ("api_p95_ms", "admin_p95_ms", "queries")}
    return Found(ratios, {**figures, "grants": found.get("grants", 0)})


BENCH = Bench(
    name="lists",
    work="list pages of 50, filtered and searched, API and console",
    unit="inventory objects",
    scale=100_000,
    rounds=3,
    run=run,
)
