"""Why a detection is blind, in one line for each reason."""

from __future__ import annotations

from irkit.audit.policy.coverage.heard import Heard
from irkit.audit.policy.coverage.judge import Hole, Judgement, Why
from irkit.audit.policy.nouns import Level

_SOME = 6  # of a list; the JSON has them all


def tell(judged: Judgement) -> list[str]:
    """The holes that a policy leaves one detection."""
    return [_hole(hole) for hole in judged.holes]


def _hole(hole: Hole) -> str:
    by = f" by {_some(hole.callers)}" if hole.callers else ""
    where = f"rule {hole.rule} (line {hole.line})" if hole.rule else "no rule matches"
    return f"{_some(hole.verbs)} of {_some(hole.targets)}{by}: {where}: {_why(hole)}"


def _why(hole: Hole) -> str:
    match hole.why:
        case Why.DROPPED:
            return "nothing is written"
        case Why.NO_BODY:
            return f"{hole.level} leaves out the body: {Level.REQUEST} is needed"
        case Why.NO_STAGE:
            return "the stages that say how it ended are left out"
        case Why.LATE:
            return "written only when it ends: ResponseStarted is left out"


def tell_log(heard: Heard) -> list[str]:
    """What one detection misses in a log."""
    what = f"{_some(heard.verbs)} of {_some(heard.targets)}: " if heard.targets else ""
    match heard.why:
        case Why.NO_BODY:
            return [f"{what}{heard.missed} of {heard.missed + heard.judged} without the body it judges by"]
        case Why.NO_STAGE:
            return [f"{what}only stage RequestReceived is written, which does not say how a request ended"]
    return []


def _some(words: tuple[str, ...]) -> str:
    more = f" and {len(words) - _SOME} more" if len(words) > _SOME else ""
    return ", ".join(words[:_SOME]) + more
