"""The decision. Pure: policy and facts in, ruling and reasons out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

from irkit.model.audit import Severity
from irkit.playbook.rails.facts import Decision, Deed, Facts, Reason, Ruling
from irkit.playbook.rails.policy import Allow, Budget, Deny, Mode, Policy, span
from irkit.playbook.rails.protected import protected

_SEVERITIES = list(Severity)
_PASSING = {Mode.OBSERVE: Ruling.WATCH, Mode.DRY_RUN: Ruling.REHEARSE, Mode.ENFORCE: Ruling.GO}


def decide(policy: Policy, facts: Facts) -> Decision:
    """What becomes of the step; every reason is given, not only the first."""
    counted = _counted(policy, facts)
    reasons = (
        *_frozen(facts),
        *protected(policy, facts),
        *_denied(policy, facts),
        *_unallowed(policy, facts),
        *_cooling(policy, facts, counted),
        *_spent(policy, facts, counted),
        *_shared(policy, facts, counted),
        *_broken(policy, facts, counted),
    )
    if not reasons:
        return Decision(_PASSING[policy.mode])
    return Decision(Ruling.WAIT if all(reason.until for reason in reasons) else Ruling.REFUSE, reasons)


def _counted(policy: Policy, facts: Facts) -> list[Deed]:
    """The deeds that count: never this step's own (it goes on after a crash), and none unreal once it is earnest."""
    own = (facts.run, facts.step)
    earnest = policy.mode is Mode.ENFORCE
    return [deed for deed in facts.deeds if (deed.run, deed.step) != own and (deed.real or not earnest)]


def _frozen(facts: Facts) -> Iterator[Reason]:
    if facts.frozen:
        yield Reason("frozen", facts.frozen)


def _denied(policy: Policy, facts: Facts) -> Iterator[Reason]:
    for rule in policy.deny:
        if _fits(rule, facts):
            yield Reason("denied", rule.reason)


def _unallowed(policy: Policy, facts: Facts) -> Iterator[Reason]:
    for rule in policy.allow:
        if _fits(rule, facts) and _grave(facts.occasion.severity) >= _grave(rule.min_severity):
            return
    what = f"{facts.action} on {facts.subject.namespace}/{facts.subject.name}"
    why = f"trigger {facts.occasion.trigger}, severity {facts.occasion.severity}"
    yield Reason("not allowed", f"no rule allows {what} ({why})")


def _grave(severity: Severity) -> int:
    return _SEVERITIES.index(severity)


def _fits(rule: Allow | Deny, facts: Facts) -> bool:
    labels = facts.subject.labels
    return (
        (not rule.actions or facts.action in rule.actions)
        and (not rule.namespaces or any(fnmatchcase(facts.subject.namespace, one) for one in rule.namespaces))
        and (not rule.triggers or facts.occasion.trigger in rule.triggers)
        and all(labels.get(key) == value for key, value in rule.labels.items())
    )


def _cooling(policy: Policy, facts: Facts, deeds: list[Deed]) -> Iterator[Reason]:
    cooldown = span(policy.cooldown)
    same = [
        deed
        for deed in deeds
        if deed.run != facts.run and (deed.playbook, deed.uid) == (facts.playbook, facts.subject.uid)
    ]
    if recent := _within(same, facts.now, cooldown):
        last = max(recent, key=lambda deed: deed.at)
        why = f"run {last.run} did {facts.playbook} to this pod less than {policy.cooldown} ago"
        yield Reason("cool-down", why, last.at + cooldown)


def _spent(policy: Policy, facts: Facts, deeds: list[Deed]) -> Iterator[Reason]:
    for budget in policy.budgets:
        window = span(budget.per)
        spent = _within([deed for deed in deeds if _in_scope(budget, deed, facts)], facts.now, window)
        if len(spent) >= budget.most:
            why = f"the budget of {budget.most} changes in {budget.per} for this {budget.scope} is spent"
            yield Reason("budget", why, _room(spent, budget.most, window))


def _in_scope(budget: Budget, deed: Deed, facts: Facts) -> bool:
    match budget.scope:
        case "cluster":
            return True
        case "namespace":
            return deed.namespace == facts.subject.namespace
        case "action":
            return deed.action == facts.action


def _room(spent: list[Deed], most: int, window: timedelta) -> datetime | None:
    """When so many deeds will have left the window that one more fits; None where none ever does."""
    if most == 0:
        return None
    leaving = sorted(deed.at for deed in spent)[len(spent) - most]
    return leaving + window


def _shared(policy: Policy, facts: Facts, deeds: list[Deed]) -> Iterator[Reason]:
    subject, rule = facts.subject, policy.workload
    if not subject.workload:
        return
    window, most = span(rule.within), max(rule.pods, subject.replicas * rule.percent // 100)
    family = [deed for deed in deeds if (deed.namespace, deed.workload) == (subject.namespace, subject.workload)]
    touched: dict[str, Deed] = {}  # uid -> its last deed
    for deed in sorted(_within(family, facts.now, window), key=lambda deed: deed.at):
        touched[deed.uid] = deed
    others = [deed for uid, deed in touched.items() if uid != subject.uid]
    if len(others) >= most:
        why = f"{len(others)} of {subject.replicas} pods of {subject.workload} were changed within {rule.within}"
        yield Reason("share", f"{why}; at most {most} may be", _room(others, most, window))


def _broken(policy: Policy, facts: Facts, deeds: list[Deed]) -> Iterator[Reason]:
    breaker = policy.breaker
    window, pause = span(breaker.within), span(breaker.pause)
    failures = sorted(deed.at for deed in deeds if deed.failed)
    # The last burst that was dense enough: its end began the pause, however long ago the others of it were.
    count = breaker.failures
    bursts = [last for first, last in zip(failures, failures[count - 1 :], strict=False) if last - first < window]
    if bursts and facts.now < bursts[-1] + pause:
        why = f"{count} changes failed within {breaker.within}: something is wrong with the cluster or with irkit"
        yield Reason("breaker", why, bursts[-1] + pause)


def _within(deeds: list[Deed], now: datetime, window: timedelta) -> list[Deed]:
    """Those of the last `window`; what a clock ahead of ours dates in the future counts, too."""
    return [deed for deed in deeds if deed.at > now - window]
