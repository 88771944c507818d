"""What a detection is: an id people quote, when it is asked, and one function that says why it fires."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto

from irkit.audit.read.event import Asker, Event
from irkit.model.audit import Severity

READS = frozenset({"get", "list", "watch"})
WRITES = frozenset({"create", "update", "patch"})  # what kubectl replace does is the verb update
CHANGES = WRITES | {"delete", "deletecollection"}


class Gate(Enum):
    """What an event must be for the rules that ask about any resource: told before it is parsed whole."""

    REFUSED = auto()  # 403
    ANONYMOUS = auto()
    IMPERSONATING = auto()
    POD_BOUND = auto()  # made with a credential bound to a pod

    def passes(self, event: Event) -> bool:
        """Whether `event` is that."""
        match self:
            case Gate.REFUSED:
                return event.code == 403
            case Gate.ANONYMOUS:
                return event.who.username == "system:anonymous"
            case Gate.IMPERSONATING:
                return event.impersonatedUser is not None
            case Gate.POD_BOUND:
                return bool(event.bearer)


@dataclass(frozen=True, slots=True)
class Count:
    """For rules that need many: so many different things by one subject, within one span."""

    least: int
    span: timedelta | None = None  # None: at any distance in time
    what: str = ""  # "secrets read", for the reason
    # Subject and thing ("": none), where who asked from where tells both and `span` is None. A finding then stands on
    # the first event for each thing; the others, which are many, need not be read whole.
    shown: Callable[[Asker], tuple[str, str]] | None = None


@dataclass(frozen=True, slots=True)
class Chain:
    """For rules that need one deed and then another, by or about the same subject."""

    begins: Callable[[Event], bool]  # whether an event that fires is the first deed; else it is the second
    span: timedelta  # between the two, at most


def anybody(username: str) -> bool:
    """Whom a rule heeds that does not say: all of them."""
    return True


def nobody(username: str) -> bool:
    """Whom a rule heeds besides, where no name was asked for."""
    return False


@dataclass(frozen=True, slots=True)
class Rule:
    """One detection.

    `tells` gets an event with one of the verbs on one of the resources ("pods/exec"), or one that passes the gate, and
    returns why it fires, "" where it does not. With `count` it returns the thing to count instead, and `subject` says
    by whom. With `chain` it tells of either deed, and `subject` says what joins the two ("": nothing, and the event
    is passed over). `body`: it judges by the request's body, so it is blind at level Metadata.

    `by` says of who asked whether the rule heeds them; `nameless`, whether it does where they asked for no name.
    """

    id: str
    number: int  # in the specification, docs/detections.md
    title: str
    severity: Severity
    techniques: tuple[str, ...]
    verbs: frozenset[str]
    resources: tuple[str, ...]
    tells: Callable[[Event], str]
    false_positives: str
    by: Callable[[str], bool] = anybody
    nameless: Callable[[str], bool] = nobody
    body: bool = False
    gate: Gate | None = None  # None: verbs and resources say when it is asked
    count: Count | None = None
    chain: Chain | None = None
    subject: Callable[[Event], str] = lambda event: event.who.username

    @property
    def at_once(self) -> bool:
        """Whether one event is enough to judge by; the others need what came before."""
        return self.count is None and self.chain is None

    def asks(self, event: Event) -> bool:
        """Whether `event` is one that the rule judges."""
        return (event.verb in self.verbs and event.ref.kind in self.resources) or bool(
            self.gate and self.gate.passes(event)
        )

    def heeds(self, username: str, named: bool) -> bool:
        """Whether it may fire on what `username` asks, by name or not: what no rule heeds need not be parsed whole."""
        return self.by(username) or (not named and self.nameless(username))

    def fires(self, event: Event) -> str:
        """Why it fires on `event`, which it asks about; "" where it does not."""
        return self.tells(event) if self.heeds(event.who.username, bool(event.ref.name)) else ""
