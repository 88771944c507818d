"""The whole response, shown on the practice cluster; and the practice cluster to hold on to."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from irkit import times
from irkit.errors import BundleError, Exit, UsageError
from irkit.model.bundle import Verification
from irkit.model.run import RunRecord, Status
from irkit.playbook import engine, find, runs
from irkit.playbook.progress import Progress
from irkit.settings import ClusterSettings, StoreSettings


@dataclass(frozen=True, slots=True)
class Shown:
    """What the demonstration left in `folder`."""

    folder: Path
    run: runs.Run
    verification: Verification

    @property
    def record(self) -> RunRecord:
        """The run."""
        return self.run.record

    @property
    def exit_code(self) -> Exit:
        """0 when it showed what it should, gaps included: they are part of the story."""
        if not self.verification.ok:
            return Exit.UNVERIFIED
        return Exit.COMPLETE if self.record.status is Status.GAPS else self.record.status.exit_code


@dataclass(frozen=True, slots=True)
class Practice:
    """A practice cluster that is being served."""

    url: str
    kubeconfig: Path
    audit_log: Path

    def wait(self) -> None:
        """Until the user interrupts."""
        threading.Event().wait()


def demonstrate(folder: Path | None, progress: Progress) -> Shown:
    """Respond to the practice incident; everything stays in `folder` (None: a new temporary one)."""
    from irkit.bundle.verify import verify
    from irkit.drill.range.scenario.story import PAYMENTS

    home = _folder(folder)
    with serving(0, home) as practice:
        settings = engine.Settings(
            ClusterSettings(kubeconfig=str(practice.kubeconfig)), StoreSettings(f"file://{home / 'evidence'}")
        )
        inputs = {"namespace": PAYMENTS.namespace, "pod": PAYMENTS.victim, "audit": [str(practice.audit_log)]}
        setup = engine.Setup(home / "irkit", progress=progress)
        run_id = runs.new_id(times.now(), os.urandom(3))
        record = engine.run(find.load("compromised-pod"), inputs, setup, run_id=run_id, settings=settings, case="demo")
    run = runs.show(setup.home, record.id)
    if run.bundle is None:
        raise BundleError("the demonstration ended without a bundle", f"look into {run.folder}")
    return Shown(home, run, verify(run.bundle.path))


@contextmanager
def serving(port: int, folder: Path | None) -> Iterator[Practice]:
    """The practice cluster on `port` (0: any free one), until the block ends."""
    from irkit.drill.range.server import start

    with start(port, home=_folder(folder) / "range") as practice:
        yield Practice(practice.url, practice.kubeconfig, practice.audit_log)


def _folder(folder: Path | None) -> Path:
    if folder is None:
        return Path(tempfile.mkdtemp(prefix="irkit-demo-"))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        hint = "name a folder that you may write to"
        raise UsageError(f"cannot keep anything in {folder}: {error.strerror}", hint) from error
    return folder.resolve()
