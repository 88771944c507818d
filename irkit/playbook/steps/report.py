"""report.write@1: tell it."""

from __future__ import annotations

from irkit.model.run import Effect, Outcome, Status
from irkit.playbook.steps.step import Base, Context, NoParams


class WriteReport(Base):
    """Tells what has happened until it begins; sealing and shipping come after it."""

    name = "report.write@1"
    about = "write the report"
    effect = Effect.COLLECT
    targeted = True
    Params = NoParams

    def run(self, params: NoParams, context: Context) -> Outcome:
        """Write; a second time writes the same files anew."""
        from irkit.playbook.journal.record import told
        from irkit.report.render import write

        folder = context.data / "report"
        write(told(context.record, context.data), folder)
        return Outcome(Status.DONE, "report written", {"folder": str(folder)})
