"""What a policy lets each detection see."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from irkit.audit.detect.registry import RULES
from irkit.audit.detect.rule import Rule
from irkit.audit.policy.coverage.asks import asks, needed
from irkit.audit.policy.coverage.worst import at
from irkit.audit.policy.decide import decide, under
from irkit.audit.policy.nouns import Decision, Level, Policy, PolicyRule, Request, Stage
from irkit.audit.policy.probes import ACCOUNT, NODE, NODES, SOMEBODY
from irkit.audit.read.event import Event
from irkit.model.audit import Severity


class Sight(StrEnum):
    """What a detection sees of the attacks that it knows."""

    SEES = "sees"
    HALF = "half-blind"
    BLIND = "blind"
    UNSEEN = "unseen"  # of a log: it holds no request that the detection asks about


class Why(StrEnum):
    """Why an attack is not seen."""

    DROPPED = "dropped"  # level None
    NO_BODY = "no-body"  # the level leaves out what the detection judges by
    NO_STAGE = "no-stage"  # the stages that tell how a request ended are left out
    LATE = "late"  # what takes long is written when it ends


@dataclass(frozen=True, slots=True)
class Hole:
    """Requests that one rule of the policy keeps from a detection; `rule` None: no rule matches them."""

    why: Why
    rule: int | None
    line: int | None
    level: Level
    verbs: tuple[str, ...]
    targets: tuple[str, ...]  # resources with subresource, or paths
    callers: tuple[str, ...]  # empty: anybody


@dataclass(frozen=True, slots=True)
class Judgement:
    """One detection under a policy."""

    rule: str
    number: int
    title: str
    severity: Severity
    sight: Sight
    needs: Level  # the most that it needs of any request
    holes: tuple[Hole, ...]


def judge(policy: Policy) -> list[Judgement]:
    """Every detection under `policy`, in the order of the specification."""
    return [_judged(rule, policy) for rule in RULES]


def _judged(rule: Rule, policy: Policy) -> Judgement:
    asked = list(asks(rule, policy))
    unseen: dict[tuple[Why, Decision], list[Request]] = {}
    for request, event in asked:
        decision = decide(policy, request)
        if why := _missed(rule, request, event, decision):
            unseen.setdefault((why, _plain(decision)), []).append(request)
    holes = tuple(sorted((_hole(rule, why, made, found) for (why, made), found in unseen.items()), key=_order))
    lost = sum(len(found) for (why, _), found in unseen.items() if why is not Why.LATE)
    sight = Sight.BLIND if lost == len(asked) else Sight.HALF if holes else Sight.SEES
    return Judgement(rule.id, rule.number, rule.title, rule.severity, sight, needs(rule), holes)


def needs(rule: Rule) -> Level:
    """The most that a rule needs of any request."""
    return max(needed(rule.id).values(), key=lambda level: level.rank)


def _missed(rule: Rule, request: Request, event: Event, decision: Decision) -> Why | None:
    """Why `rule` does not fire on what the policy leaves of its attack; None where it does, and at once."""
    if decision.level is Level.NONE:
        return Why.DROPPED
    if not {Stage.STARTED, Stage.COMPLETE} & set(decision.stages):
        return Why.NO_STAGE
    if not rule.fires(at(decision.level, event)):
        return Why.NO_BODY
    return Why.LATE if request.long_running and Stage.STARTED not in decision.stages else None


def _plain(decision: Decision) -> Decision:
    """Without the stages, which differ from request to request."""
    return Decision(decision.level, (), decision.rule)


def _hole(rule: Rule, why: Why, decision: Decision, requests: list[Request]) -> Hole:
    by = decision.rule
    bare = rule.gate and not (by and (by.resources or by.urls))  # nothing was told apart by what is asked for
    targets = ("*",) if bare else _distinct(_target(one, by) for one in requests)
    callers = {one.user for one in requests}
    return Hole(
        why,
        by.number if by else None,
        by.line if by else None,
        decision.level,
        _distinct(one.verb for one in requests),
        targets,
        () if callers & {SOMEBODY, ACCOUNT} else _distinct(_caller(user) for user in callers),
    )


def _caller(user: str) -> str:
    return NODES if user == NODE else user


def _target(request: Request, by: PolicyRule | None) -> str:
    """The resource, or the path as the policy writes it."""
    urls = (url for url in by.urls if under(request.path, url)) if by else iter(())
    return request.kind or next(urls, request.path)


def _distinct(found: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(found)))


def _order(hole: Hole) -> tuple[int, str]:
    return hole.rule or 1 << 30, hole.why
