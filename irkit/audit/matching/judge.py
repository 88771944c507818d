"""The tiers, surest first: the one visible list of how an event may concern a pod."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from irkit.audit.matching.likely import by_generated_name, by_identity, by_relation
from irkit.audit.matching.quarry import Quarry
from irkit.audit.matching.sure import by_name, by_uid
from irkit.audit.read.event import Event
from irkit.model.audit import Tier

Verdict = tuple[Tier, str]  # the reason, too


class Claim(NamedTuple):
    """That a line concerns one of the pods looked for."""

    pod: int  # its number
    tier: Tier
    reason: str
    issued: str = ""  # the credential that this request of the pod's own identity brought forth; "": none


TESTS: tuple[tuple[Tier, Callable[[Quarry, Event], str]], ...] = (
    (Tier.UID, by_uid),
    (Tier.NAME, by_name),
    (Tier.GENERATED_NAME, by_generated_name),
    (Tier.SERVICE_ACCOUNT, by_identity),
    (Tier.RELATED, by_relation),
)


def judge(pod: Quarry, event: Event) -> Verdict | None:
    """The surest tier by which `event` concerns `pod`, with the reason; None where it does not."""
    return next(((tier, reason) for tier, test in TESTS if (reason := test(pod, event))), None)
