"""What a policy leaves out that nobody meant to lose: stages, changes, all that no rule thought of."""

from __future__ import annotations

from irkit.audit.policy.lint.covers import covers
from irkit.audit.policy.lint.dead import Found
from irkit.audit.policy.nouns import Level, Policy, PolicyRule, Resources, Stage

_READS = frozenset({"get", "list", "watch"})
_LONG = ("exec", "attach", "portforward", "log", "proxy")
_OBJECTS = PolicyRule(0, 0, Level.NONE, resources=(Resources("*"),))
_PATHS = PolicyRule(0, 0, Level.NONE, urls=("*",))
_STAGES = {
    Stage.COMPLETE: "ResponseComplete is left out: how a request ended, and that it was made, is not written",
    Stage.STARTED: "ResponseStarted is left out: exec, port-forward and watch are written when they end, not when they"
    " begin, and a failed login not at all",
    Stage.PANIC: "Panic is left out: what crashes the API server's handler leaves no trace",
}
_TWICE = "RequestReceived is not left out: every request is written twice; omitStages: [RequestReceived]"


def stages(policy: Policy) -> Found:
    """Stages left out that tell something, and the one kept that tells nothing; once for the whole policy where so."""
    logging = [rule for rule in policy.rules if rule.level is not Level.NONE]
    for stage, message in _STAGES.items():
        if stage in policy.omit_stages:
            yield ("omitStages",), "stages", message
    for rule in logging:
        yield from _stages_of(policy, rule)
    if twice := [rule for rule in logging if Stage.RECEIVED not in rule.omit_stages]:
        path = ("rules",) if len(twice) == len(logging) else ("rules", twice[0].number - 1)
        yield path, "stages", _TWICE


def _stages_of(policy: Policy, rule: PolicyRule) -> Found:
    for stage, message in _STAGES.items():
        matters = stage is not Stage.STARTED or _long(rule)
        if stage in rule.omit_stages - policy.omit_stages and matters:
            yield ("rules", rule.number - 1, "omitStages"), "stages", message


def _long(rule: PolicyRule) -> bool:
    """Whether requests that take long may fall under a rule."""
    listed = [resource for entry in rule.resources for resource in entry.resources or ("*",)]
    streams = any(resource == "*" or resource.partition("/")[2] in ("*", *_LONG) for resource in listed)
    return streams or not rule.resources or not rule.verbs or "watch" in rule.verbs


def changes(policy: Policy) -> Found:
    """Rules that drop whatever somebody does, not only what he reads."""
    for rule in policy.rules:
        narrow = rule.urls or (rule.verbs and set(rule.verbs) <= _READS) or rule.open
        if rule.level is Level.NONE and not narrow and _wide(rule.resources):
            message = "drops changes too, and whoever steals this identity leaves no trace: verbs: [get, list, watch]"
            yield ("rules", rule.number - 1, "level"), "drops-changes", message


def _wide(resources: tuple[Resources, ...]) -> bool:
    return not resources or any(not entry.resources or "*" in entry.resources for entry in resources)


def rest(policy: Policy) -> Found:
    """What no rule matches is not written at all: the last rule should take everything."""
    for what, atom in (("requests for objects", _OBJECTS), ("requests to plain paths", _PATHS)):
        taker = next((rule for rule in policy.rules if covers(rule, atom)), None)
        if taker is None:
            message = f"no rule takes all that is left of {what}: end with - level: Metadata"
            yield ("rules",), "no-catch-all", message
        elif taker.level is Level.NONE:
            message = f"drops all that is left of {what}: new resources go unseen; - level: Metadata"
            yield ("rules", taker.number - 1, "level"), "no-catch-all", message


def gaps(policy: Policy) -> Found:
    """All of the above."""
    yield from stages(policy)
    yield from changes(policy)
    yield from rest(policy)
