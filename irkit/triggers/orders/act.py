"""From an order in the queue to a run on rails: every alert that was accepted runs one playbook to its end."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event

from irkit import digest, times
from irkit.cluster.protocol import Cluster
from irkit.errors import JournalError, UsageError, VerificationError
from irkit.model.alert import Alert
from irkit.model.run import RunRecord, Status
from irkit.playbook import engine, find
from irkit.playbook.engine import Settings, Setup
from irkit.playbook.journal import log
from irkit.playbook.journal.record import Ledger
from irkit.playbook.rails.facts import Decision, Deed, Occasion
from irkit.playbook.rails.guard import Guard
from irkit.playbook.rails.lint import Rules
from irkit.playbook.rails.memory import Freeze, Memory
from irkit.playbook.schema import Pinned
from irkit.playbook.turns import Occupied
from irkit.settings import ClusterSettings
from irkit.times import Clock
from irkit.triggers.orders import overdue
from irkit.triggers.orders.kept import Kept
from irkit.triggers.orders.order import Order, read
from irkit.triggers.orders.postponed import answer, reasons, until
from irkit.triggers.queue.protocol import Job, LeaseLost
from irkit.triggers.queue.work import Ending, Finished, Hopeless, Later, delay

BUSY = timedelta(seconds=10)  # until a run that another process drives is looked at again


@dataclass(frozen=True, slots=True)
class Actor:
    """What a worker does with a job, by `act`. Safe to share between threads.

    `books`: playbooks as they were when the server started, by the names that orders have; others are looked up.
    """

    home: Path
    rules: Rules
    settings: Settings
    books: Mapping[str, Pinned] = field(default_factory=dict)
    clock: Clock = times.now
    connect: Callable[[ClusterSettings], Cluster] = field(default_factory=Kept)

    def act(self, job: Job, lost: Event) -> Ending:
        """Run what `job` orders, or go on with it. Raises IrkitError where a later attempt may do better."""
        try:
            order = read(job.body)
        except ValueError:
            return Hopeless("not an order that this version of irkit understands")
        if order.alert is None or not order.playbook_sha256:
            return Hopeless("it orders nothing that can be run")
        run_id = run_of(job)
        try:
            return self._drive(run_id, order, self._setup(order.alert, lost), job)
        except Occupied as error:
            return Later(BUSY, error.message, counts=False)
        except VerificationError as error:
            return Hopeless(f"run {run_id}: {error.message}")

    def cluster(self) -> Cluster:
        """The cluster of its runs; raises UsageError."""
        return self.connect(self.settings.cluster)

    def _drive(self, run_id: str, order: Order, setup: Setup, job: Job) -> Ending:
        folder = self.home / "runs" / run_id
        if not folder.exists():
            record = self._start(run_id, order, setup)
        else:
            try:
                begun = _begun(folder, self.clock)
            except JournalError as error:
                return Later(BUSY, error.message, counts=False)
            if begun and (waiting := self._postponed(folder)) and waiting.after > timedelta(0):
                return waiting
            record = engine.resume(run_id, setup) if begun else self._start(run_id, order, setup)
        if record.id != run_id:  # another run has the turn, and stands for this one
            return Finished(record.id)
        return self._postponed(folder) or self._ended(record, job, folder)

    def _setup(self, alert: Alert, lost: Event) -> Setup:
        memory = _Fenced(self.home, lost)
        return Setup(
            self.home,
            clock=self.clock,
            connect=self.connect,
            rails=Guard(self.rules, memory, Occasion(alert.source, alert.severity)),
        )

    def _start(self, run_id: str, order: Order, setup: Setup) -> RunRecord:
        return engine.run(self._book(order), order.inputs, setup, run_id=run_id, settings=self.settings)

    def _book(self, order: Order) -> Pinned:
        """The playbook that was meant when the alert was accepted, and no other; raises UsageError."""
        known = overdue.book() if order.playbook == overdue.NAME else self.books.get(order.playbook)
        pinned = known if known and known.sha256 == order.playbook_sha256 else find.load(order.playbook)
        if pinned.sha256 != order.playbook_sha256:
            hint = "put it back and irkit queue retry; the alert cannot be given to another"
            raise UsageError(f"playbook {order.playbook} is not the one that the alert was accepted for", hint)
        return pinned

    def _postponed(self, folder: Path) -> Later | None:
        """When rails or people may be asked again; None where they hold nothing back, or for good."""
        records, now = log.read(folder), self.clock()
        ledger = Ledger(records)
        if ledger.cancelled:
            return None
        held, asked = until(records, now, Memory(self.home).frozen() is not None), ledger.waits_for
        looks = [at for at in (held, answer(asked, now)) if at]
        why = f"waits: {asked.question.step} asks for approval" if asked else f"waits: {reasons(records)}"
        return Later(min(looks) - now, f"run {folder.name} {why}", counts=False) if looks else None

    def _ended(self, record: RunRecord, job: Job, folder: Path) -> Ending:
        if record.status is not Status.FAILED or Ledger(log.read(folder)).cancelled:
            return Finished(record.id)
        failed = next(step for step in record.steps if step.status is Status.FAILED)
        return Later(delay(job.attempts), f"run {record.id}: {failed.id}: {failed.summary}")


class _Fenced(Memory):
    """The rails' memory for a worker that may lose its lease: then nothing passes, for another has the job."""

    def __init__(self, home: Path, lost: Event) -> None:
        super().__init__(home)
        self._lost = lost

    def decide(
        self,
        ask: Callable[[tuple[Deed, ...], Freeze | None], tuple[Decision, Deed | None]],
        cluster: str,
        now: datetime,
    ) -> Decision:
        """As ever, while the lease holds. Raises LeaseLost."""
        if self._lost.is_set():
            raise LeaseLost("the lease ran out; another worker has the job")
        return super().decide(ask, cluster, now)


def run_of(job: Job) -> str:
    """The id of the one run of a job: a second attempt finds it by this. The digest tells queues apart."""
    return f"{times.stamp(job.created).lower()}-{job.id}-{digest.of_bytes(job.body)[:6]}"


def _begun(folder: Path, clock: Clock) -> bool:
    """False for a run whose process died before it wrote a record: nothing was done, and its folder is taken away."""
    with log.opened(folder, clock) as journal:
        if not journal.ledger.head:
            # Under the lock: who still holds it has begun, or will find no folder to begin in.
            shutil.rmtree(folder)
            return False
    return True
