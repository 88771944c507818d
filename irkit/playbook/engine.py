"""The only engine. Whoever starts a playbook (a command, an alert, a drill) starts it here.

The intent is on disk before the deed, the outcome after it. So a run cut off anywhere is resumed: ended steps are not
repeated, a step found started is observed first, evidence taken and intact is held.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import msgspec

import irkit
from irkit import digest, times
from irkit.cluster.protocol import Cluster
from irkit.errors import IrkitError, JournalError, UsageError
from irkit.model.codec import build
from irkit.model.run import Operator, RunRecord, StepRecord
from irkit.playbook import runs, turns
from irkit.playbook.approvals.people import user_named
from irkit.playbook.door import connect
from irkit.playbook.drive import back, course
from irkit.playbook.drive.under_way import UnderWay
from irkit.playbook.journal import log
from irkit.playbook.journal.log import Journal
from irkit.playbook.journal.shown import shown
from irkit.playbook.language import bind
from irkit.playbook.lint import parse
from irkit.playbook.progress import Harmless, Progress, Silent
from irkit.playbook.registry import needs, step
from irkit.playbook.schema import Pinned, Playbook, StepSpec, Undo
from irkit.settings import ClusterSettings, SealSettings, StoreSettings

if TYPE_CHECKING:
    from irkit.playbook.rails.guard import Guard


_TURN = 0.5  # seconds between two looks at whether the run before this one has ended


@dataclass(frozen=True, slots=True)
class Settings:
    """Which cluster, where bundles go, how they are sealed. A run keeps them, to be resumed with the same."""

    cluster: ClusterSettings = field(default_factory=ClusterSettings)
    store: StoreSettings = field(default_factory=StoreSettings)
    sealing: SealSettings = field(default_factory=SealSettings)


def operator() -> Operator:
    """Who runs this process, where: asked of the system, since an environment variable says what one likes."""
    return Operator(user_named(os.getuid()), socket.gethostname())


@dataclass(frozen=True, slots=True)
class Setup:
    """What surrounds a run: where runs are kept, who runs it, the clock, the door to the cluster, who watches."""

    home: Path
    operator: Operator = field(default_factory=operator)
    clock: times.Clock = times.now
    connect: Callable[[ClusterSettings], Cluster] = connect
    progress: Progress = field(default_factory=Silent)
    rails: Guard | None = None  # None: a person started it and watches
    rest: Callable[[float], object] = time.sleep  # between two attempts at a step


def run(
    pinned: Pinned,
    inputs: Mapping[str, Any],
    setup: Setup,
    *,
    run_id: str,
    settings: Settings,
    case: str = "",
    authority: str = "",
    dry_run: bool = False,
) -> RunRecord:
    """Run a playbook from its beginning. `case`: the run's id when empty; `authority`: who authorised it, if told.

    Raises UsageError before anything is written when inputs, parameters or cluster settings cannot be used, and
    JournalError. Whatever fails in a step is in the record.
    """
    values = bind.inputs(pinned.playbook, inputs)
    _check(pinned.playbook, values, settings)
    cluster = setup.connect(settings.cluster) if needs(pinned.playbook) else None
    kept = _kept(settings, cluster)
    with ExitStack() as held:
        with turns.turn(setup.home, pinned.playbook, values) as turn:
            if holder := turn.holder():
                turns.conflict(pinned.playbook, turn, holder)
                return runs.show(setup.home, holder).record
            folder = runs.create(setup.home, run_id)
            turn.give(run_id)
            journal = held.enter_context(log.opened(folder, setup.clock))
            told = {"case": case or run_id, "authority": authority, "dry_run": dry_run}
            journal.append("run.started", run=run_id, **told, **_head(pinned, values, kept, setup))
        held.enter_context(_interruptible(folder.name, "resume"))
        _guarded(_prepared(journal, folder, pinned.playbook, setup, kept, cluster))
        return shown(journal.ledger, folder)


def run_in_turn(start: Callable[[], RunRecord], setup: Setup, wait: Callable[[str], object]) -> RunRecord:
    """What `start` gives once the run that has the turn has ended; `wait` is told, once, for what."""
    said = False
    while True:
        try:
            return start()
        except turns.Occupied as occupied:
            if not said:
                wait(occupied.message)
            said = True
            setup.rest(_TURN)


def _check(playbook: Playbook, values: Mapping[str, Any], settings: Settings) -> None:
    """Raise UsageError for what can be known to be unusable before anything is done."""
    for spec, params in zip(playbook.every_step, parameters(playbook, values).values(), strict=True):
        step(spec.does).check(params, settings.store)
    undoing(playbook, values)
    if settings.sealing != SealSettings():
        from irkit.bundle.attest import kit

        kit.check(settings.sealing)


def _head(pinned: Pinned, values: Mapping[str, Any], kept: Settings, setup: Setup) -> dict[str, Any]:
    """What the first record of a journal holds beside what the run is told: all that resuming takes."""
    return {
        "playbook": {"name": pinned.name, "sha256": pinned.sha256, "text": pinned.text, "source": pinned.source},
        "inputs": values,
        "settings": kept,
        "occasion": setup.rails.occasion if setup.rails else None,
        **_by(setup),
    }


def _by(setup: Setup) -> dict[str, Any]:
    """Who drives a run, and with which irkit."""
    return {"operator": setup.operator, "tool_version": irkit.__version__, "tool_sha256": digest.of_tool()}


def resume(run_id: str, setup: Setup, *, settings: Settings | None = None) -> RunRecord:
    """Go on with a run that was cut off, or do again what failed in one that ended. `settings`: None for its own.

    Raises UsageError for an unknown run, JournalError, VerificationError for a journal tampered with.
    """
    with _reopened(run_id, setup, settings) as (drive, kept), _interruptible(drive.folder.name, "resume"):
        if drive.pending():
            drive.journal.append("run.resumed", settings=kept, **_by(setup))
            _guarded(drive)
        return shown(drive.journal.ledger, drive.folder)


def undo(
    run_id: str, setup: Setup, *, settings: Settings | None = None, authority: str = "", dry_run: bool = False
) -> tuple[StepRecord, ...]:
    """Take back what a run changed on the cluster, last change first; empty when there is nothing to take back.

    `authority`: who authorised that, if told; the journal says so before the first change. Raises what `resume` raises;
    what fails in a step is in its record.
    """
    with _reopened(run_id, setup, settings) as (drive, _), _interruptible(drive.folder.name, "undo"):
        return back.undo(drive, {"authority": authority, **_by(setup)}, dry_run=dry_run)


def settings_of(run_id: str, setup: Setup) -> Settings:
    """What a run was last driven with; raises what `resume` raises."""
    with _reopened(run_id, setup, None) as (_, kept):
        return kept


def parameters(playbook: Playbook, values: Mapping[str, Any]) -> dict[str, Any]:
    """The typed parameters of every step, by its id; raises UsageError."""
    typed: dict[str, Any] = {}
    for spec in playbook.every_step:
        typed[spec.id] = spec.approve or _typed(spec.id, spec, values)
    return typed


def undoing(playbook: Playbook, values: Mapping[str, Any]) -> dict[str, Any]:
    """The typed parameters of what undoes each step, where the playbook says; raises UsageError."""
    return {spec.id: _typed(spec.id, spec.undo, values) for spec in playbook.every_step if spec.undo}


def _typed(step_id: str, spec: StepSpec | Undo, values: Mapping[str, Any]) -> Any:  # noqa: ANN401 - the step's Params
    try:
        return msgspec.convert(bind.params(spec.params, values), step(spec.uses).Params)
    except ValueError as error:
        raise UsageError(f"step {step_id}: {error}") from error


def _kept(settings: Settings, cluster: Cluster | None = None) -> Settings:
    """`settings` as a later process in another folder needs them; raises UsageError for secrets in a URL."""
    store = settings.store
    for url in (store.url, store.s3_endpoint_url or ""):
        if "@" in urlsplit(url).netloc:
            raise UsageError("credentials do not belong in a URL", "give them as AWS_* variables or a profile")
    store = replace(store, url=_anchored(store.url, Path.cwd()))
    kubeconfig = settings.cluster.kubeconfig and str(Path(settings.cluster.kubeconfig).absolute())
    context = settings.cluster.context or (cluster.context if cluster else "") or None
    here = replace(settings.cluster, kubeconfig=kubeconfig, context=context)
    return Settings(here, store, settings.sealing.anchored(Path.cwd()))


def _anchored(url: str, here: Path) -> str:
    """The same store, named so that it is the same from any other folder."""
    scheme, slashes, place = url.partition("://")
    if not slashes:
        return str(here / url)
    return f"file://{quote(str(here))}/{place}" if scheme == "file" and place.startswith(".") else url


@contextmanager
def _reopened(run_id: str, setup: Setup, settings: Settings | None) -> Iterator[tuple[UnderWay, Settings]]:
    folder = runs.locate(setup.home, run_id)
    with log.opened(folder, setup.clock) as journal:
        head = journal.ledger.head
        if not head:
            raise JournalError(
                f"run {folder.name} ended before its journal began", f"nothing was done; remove {folder}"
            )
        kept = _kept(settings) if settings else build(Settings, journal.ledger.settings)
        pinned = parse(head["playbook"]["text"], f"the playbook of run {folder.name}")
        yield _prepared(journal, folder, pinned.playbook, setup, kept), kept


def _prepared(
    journal: Journal, folder: Path, playbook: Playbook, setup: Setup, settings: Settings, cluster: Cluster | None = None
) -> UnderWay:
    def door() -> Cluster:
        nonlocal cluster
        cluster = cluster or setup.connect(settings.cluster)
        known = journal.ledger.record().cluster
        if known and known.server != cluster.server:
            hint = "give --kubeconfig or --context of that cluster"
            raise UsageError(f"the run belongs to the cluster {known.server}, not to {cluster.server}", hint)
        return cluster

    values = journal.ledger.head["inputs"]
    return UnderWay(
        journal,
        folder,
        playbook,
        parameters(playbook, values),
        undoing(playbook, values),
        settings.store,
        settings.sealing,
        door,
        setup.clock,
        Harmless(setup.progress),
        began=setup.clock(),
        rest=setup.rest,
        rails=setup.rails,
    )


@contextmanager
def _interruptible(run: str, verb: str) -> Iterator[None]:
    """Say of an interrupted run which it is, and with what to go on."""
    try:
        yield
    except KeyboardInterrupt as interrupt:
        raise IrkitError(f"interrupted; run {run} keeps what it has", f"irkit run {verb} {run}") from interrupt


def _guarded(drive: UnderWay) -> None:
    again = f"irkit run resume {drive.folder.name}"
    try:
        course.go(drive)
    except KeyboardInterrupt:
        drive.journal.append("run.interrupted")
        raise
    except JournalError as error:
        raise JournalError(error.message, f"{error.hint}, then: {again}" if error.hint else again) from error
