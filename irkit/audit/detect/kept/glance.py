"""What a first pass keeps for the rules that count what an event's head shows: enough to say whom a second must judge.

Such rules ask about every request of some clients, which are many in a busy cluster, and hardly any of these clients
shows two different things. The events of the others need not be read whole.
"""

from __future__ import annotations

from dataclasses import dataclass, field

SUBJECTS = 50_000  # kept apart; of more, the first so many, and `dropped` says how often another was passed over

Whom = tuple[str, str]  # rule and subject
Use = tuple[str, bytes]  # whose credential, and the addresses it was used from as an event writes them


@dataclass(slots=True)
class Glance:
    """Of each subject one thing that it showed; the suspects showed another."""

    shown: dict[Whom, str] = field(default_factory=dict)
    suspects: set[Whom] = field(default_factory=set)
    dropped: int = 0

    def note(self, whom: Whom, thing: str) -> None:
        """Take up that `whom` showed `thing`."""
        known = self.shown.get(whom)
        if known is None and len(self.shown) < SUBJECTS:
            self.shown[whom] = thing
        elif known is None:
            self.dropped += 1
        elif known != thing:
            self.suspects.add(whom)

    def merge(self, other: Glance) -> None:
        """Add what another process has seen."""
        self.dropped += other.dropped
        self.suspects |= other.suspects
        for whom, thing in other.shown.items():
            self.note(whom, thing)
