"""What a log would have been under another policy: events dropped, bodies taken out."""

from __future__ import annotations

import json
from collections.abc import Iterable

from irkit.audit.policy.decide import decide
from irkit.audit.policy.known import group_of
from irkit.audit.policy.nouns import Level, Policy, Stage
from irkit.audit.policy.request import groups_of, of_event
from irkit.audit.read.event import decode
from tests.audit.logs import Event


def stripped(event: Event, level: Level) -> Event:
    """The event as a lower level leaves it."""
    gone = {"requestObject": Level.REQUEST, "responseObject": Level.RESPONSE}
    kept = {key: value for key, value in event.items() if level.rank >= gone.get(key, Level.NONE).rank}
    return kept | {"level": level.value}


def relogged(policy: Policy, events: Iterable[Event]) -> list[Event]:
    """What `policy` leaves of events that were logged whole; of what takes long, a stage more than the tests write."""
    kept = []
    for event in map(_completed, events):
        read = decode(json.dumps(event).encode())
        assert read
        request = of_event(read)
        decision = decide(policy, request)
        stages = {Stage.STARTED, event["stage"]} if request.long_running else {event["stage"]}
        whole = stripped(event, decision.level)
        kept += [whole | {"stage": stage.value} for stage in decision.stages if stage in stages]
    return kept


def _completed(event: Event) -> Event:
    """With the API groups and the caller's groups that a real event has."""
    ref, user = event.get("objectRef"), event["user"]
    if ref and "apiGroup" not in ref:
        event = event | {"objectRef": ref | {"apiGroup": group_of(ref["resource"]) or ""}}
    name = user.get("username")  # None: the credentials were refused, and nobody is named
    return event | {"user": user | {"groups": list(groups_of(name)) if name else []}}
