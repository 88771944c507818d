"""approve: people are asked, and the run waits for their answer without holding a process."""

from __future__ import annotations

from irkit.model.run import Effect, Outcome
from irkit.playbook.schema import APPROVE, Approve
from irkit.playbook.steps.step import Base, Context


class AskPeople(Base):
    """Waiting is an outcome: the run is let go, and the same step is taken again when it is gone on with."""

    name = APPROVE
    about = "ask people for their approval"
    effect = Effect.READ
    targeted = False
    Params = Approve

    def run(self, params: Approve, context: Context) -> Outcome:
        """Ask, or find what was answered."""
        return context.ask(params)
