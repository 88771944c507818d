"""What a run tells while it goes on, to whoever watches."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import RLock
from typing import Protocol

from irkit.model.evidence import Artifact, Gap
from irkit.model.isolation import Change
from irkit.model.run import StepRecord


class Progress(Protocol):
    """Called by the engine, one call at a time; steps taken in parallel are told in between each other."""

    def run_started(self, run: str, folder: Path) -> None:
        """The journal of `run` is open, for the first time or again."""
        ...

    def step_started(self, step: StepRecord) -> None:
        """`step` begins, or goes on after a crash."""
        ...

    def item(self, step: str, item: Artifact | Gap | Change) -> None:
        """Something was taken, found missing, or is about to be changed."""
        ...

    def step_ended(self, step: StepRecord) -> None:
        """`step` has ended."""
        ...


class Silent:
    """Nobody watches."""

    def run_started(self, run: str, folder: Path) -> None:
        """Nothing."""

    def step_started(self, step: StepRecord) -> None:
        """Nothing."""

    def item(self, step: str, item: Artifact | Gap | Change) -> None:
        """Nothing."""

    def step_ended(self, step: StepRecord) -> None:
        """Nothing."""


class Harmless:
    """A progress whose own failure (a closed terminal, a full pipe) costs no evidence: it is not called again."""

    def __init__(self, inner: Progress) -> None:
        self._inner = inner
        self._one_by_one = RLock()  # steps may run at once

    def run_started(self, run: str, folder: Path) -> None:
        """As the inner one."""
        self._tell(lambda: self._inner.run_started(run, folder))

    def step_started(self, step: StepRecord) -> None:
        """As the inner one."""
        self._tell(lambda: self._inner.step_started(step))

    def item(self, step: str, item: Artifact | Gap | Change) -> None:
        """As the inner one."""
        self._tell(lambda: self._inner.item(step, item))

    def step_ended(self, step: StepRecord) -> None:
        """As the inner one."""
        self._tell(lambda: self._inner.step_ended(step))

    def _tell(self, call: Callable[[], None]) -> None:
        try:
            with self._one_by_one:
                call()
        except Exception:  # whatever went wrong with the telling, the deed goes on
            self._inner = Silent()
