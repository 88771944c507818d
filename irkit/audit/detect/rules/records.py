"""What the records of a log say about the log itself; no event alone fires it."""

from __future__ import annotations

from irkit.audit.detect.rule import Rule
from irkit.audit.haul import REUSED

RULES = (
    Rule(
        REUSED[0],
        38,
        "Different records bear one audit id and stage",
        REUSED[1],
        (REUSED[2],),
        frozenset(),
        (),
        lambda event: "",
        "logs of aggregated API servers, which take over the id of the request that was passed on to them",
    ),
)
