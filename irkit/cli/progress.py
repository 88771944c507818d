"""How far it is, on stderr: a run line by line, and on a terminal a live line for what is under way."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

from irkit.cli.face import Face
from irkit.text import safe

if TYPE_CHECKING:
    from rich.live import Live

    from irkit.audit.read.scan import Piece, Share
    from irkit.model.evidence import Artifact, Gap
    from irkit.model.isolation import Change
    from irkit.model.run import StepRecord

R = TypeVar("R")
_EVERY = 0.1  # seconds between two drawings
_SILENT = 1.0  # seconds that need no progress display

# By `model.run.Status`, whose module would cost a reading of logs a tenth of its start.
_STYLES = {
    "done": "good",
    "skipped": "dim",
    "gaps": "warn",
    "refused": "bad",
    "unverified": "bad",
    "failed": "bad",
    "running": "dim",
    "waiting": "warn",
}


class LiveLine:
    """One line on a terminal that is written over, and gone at the end; nothing elsewhere.

    It is drawn by whoever has something to say: a thread for it would keep work on one core (`beside.cores`).
    """

    def __init__(self, face: Face) -> None:
        self._wanted = not face.quiet and sys.stderr.isatty()
        self._live: Live | None = None  # None: nothing is drawn
        self._next = 0.0
        self._mine = Lock()  # steps may run side by side

    def show(self, text: str) -> None:
        """Let the line read `text`, unless it changed just now."""
        if not self._wanted:
            return
        with self._mine:
            if monotonic() >= self._next:
                self._draw(text)
                self._next = monotonic() + _EVERY

    def _draw(self, text: str) -> None:
        from rich.console import Console
        from rich.live import Live
        from rich.text import Text

        if not self._live:
            self._live = Live(console=Console(stderr=True), auto_refresh=False, transient=True)
            self._live.start()
        self._live.update(Text(safe(text), no_wrap=True, overflow="ellipsis"), refresh=True)

    def clear(self) -> None:
        """Take the line away."""
        with self._mine:
            if self._live:
                self._live.stop()
            self._live, self._next = None, 0.0


def reading(face: Face, share: Share) -> Share:
    """`share`, which tells how far the reading of logs is, if that takes longer than a moment."""

    def telling(work: Callable[[Piece], R], units: Iterable[Piece], /) -> Iterator[R]:
        todo, line, began, done = list(units), LiveLine(face), monotonic(), 0
        total = sum(unit.end - unit.start for unit in todo)
        try:
            for unit, result in zip(todo, share(work, todo), strict=True):
                yield result
                done += unit.end - unit.start
                if done and (took := monotonic() - began) > _SILENT:
                    left = took * (total - done) / done
                    line.show(f"read {done / total:.0%} of {total / 1e9:.1f} GB, {left:.0f} s left")
        finally:
            line.clear()

    return telling


class Lines:
    """What the engine's `Progress` asks for."""

    def __init__(self, face: Face) -> None:
        self._face = face
        self._line = LiveLine(face)
        self._seen: Counter[str] = Counter()

    def run_started(self, run: str, folder: Path) -> None:
        """Say how to come back to it before anything can go wrong."""
        self._face.note(f"run {run}  (if interrupted: irkit run resume {run})", "dim")

    def step_started(self, step: StepRecord) -> None:
        """Start the live line."""
        self._line.clear()
        self._seen.clear()
        self._line.show(f"{step.id} ...")

    def item(self, step: str, item: Artifact | Gap | Change) -> None:
        """Count it for its collector; a change is told at once, before it is made."""
        from irkit.model.evidence import Artifact
        from irkit.model.isolation import Change

        if isinstance(item, Change):
            self._face.note(f"  {item.action} {item.kind} {item.place}  {item.detail}", "dim")
        else:
            self._seen[item.collector if isinstance(item, Artifact) else "missing"] += not getattr(
                item, "expected", False
            )
        self._line.show(f"{step} ... {', '.join(f'{what} {count}' for what, count in self._seen.items() if count)}")

    def step_ended(self, step: StepRecord) -> None:
        """One line for the step; none for one that never ran: the end of the run names those together."""
        self._line.clear()
        if step.blocked:
            return
        took = f"  [{(step.finished - step.started).total_seconds():.1f} s]" if step.finished else ""
        self._face.note(f"{step.status:<10} {step.id:<8} {step.summary}{took}", _STYLES[step.status])
        if step.hint:
            self._face.note(f"{'':19} try: {step.hint}", "dim")
