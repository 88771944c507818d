"""A run told line by line on stderr; on a terminal, with a live line for the step that is under way."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from irkit.cli.face import Face
from irkit.model.evidence import Artifact, Gap
from irkit.model.isolation import Change
from irkit.model.run import Status, StepRecord
from irkit.text import safe

if TYPE_CHECKING:
    from rich.status import Status as Live

STYLES = {
    Status.DONE: "good",
    Status.SKIPPED: "dim",
    Status.GAPS: "warn",
    Status.REFUSED: "bad",
    Status.UNVERIFIED: "bad",
    Status.FAILED: "bad",
    Status.RUNNING: "dim",
    Status.WAITING: "warn",
}


class Lines:
    """What the engine's `Progress` asks for."""

    def __init__(self, face: Face) -> None:
        self._face = face
        self._live: Live | None = None  # None: between steps, or no terminal to draw on
        self._seen: Counter[str] = Counter()

    def run_started(self, run: str, folder: Path) -> None:
        """Say how to come back to it before anything can go wrong."""
        self._face.note(f"run {run}  (if interrupted: irkit run resume {run})", "dim")

    def step_started(self, step: StepRecord) -> None:
        """Start the live line."""
        self._still()
        self._seen.clear()
        if self._face.color and not self._face.quiet:
            from rich.console import Console

            self._live = Console(stderr=True).status(f"{safe(step.id)} ...")
            self._live.start()

    def item(self, step: str, item: Artifact | Gap | Change) -> None:
        """Count it for its collector; a change is told at once, before it is made."""
        if isinstance(item, Change):
            self._face.note(f"  {item.action} {item.kind} {item.place}  {item.detail}", "dim")
        else:
            self._seen[item.collector if isinstance(item, Artifact) else "missing"] += not getattr(
                item, "expected", False
            )
        if self._live:
            counts = ", ".join(f"{what} {count}" for what, count in self._seen.items() if count)
            self._live.update(f"{safe(step)} ... {counts}")

    def step_ended(self, step: StepRecord) -> None:
        """One line for the step; none for one that never ran: the end of the run names those together."""
        self._still()
        if step.blocked:
            return
        took = f"  [{(step.finished - step.started).total_seconds():.1f} s]" if step.finished else ""
        self._face.note(f"{step.status:<10} {step.id:<8} {step.summary}{took}", STYLES[step.status])
        if step.hint:
            self._face.note(f"{'':19} try: {step.hint}", "dim")

    def _still(self) -> None:
        if self._live:
            self._live.stop()
            self._live = None
