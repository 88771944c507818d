"""`irkit queue`: what was accepted and where it stands; dead letters tried again, settled jobs played again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from irkit.cli import options
from irkit.cli.app import group
from irkit.cli.command import command
from irkit.cli.commands.standing.serve import Rails, crew_of
from irkit.cli.face import Face
from irkit.errors import UsageError

if TYPE_CHECKING:
    from datetime import datetime

    from irkit.triggers.queue.protocol import Delivery, Desk, Entry

queue = group("queue", "List, show, retry and replay what alerts made.")

Address = Annotated[
    str | None,
    typer.Option("--queue", envvar="IRKIT_QUEUE", metavar="URL", help="sqlite:///PATH or postgresql://... ."),
]
Id = Annotated[int, typer.Argument(metavar="JOB", help="A job's number.")]
Ids = Annotated[list[int] | None, typer.Argument(metavar="JOB...", help="Numbers of jobs.")]
States = Annotated[
    list[str] | None, typer.Option("--state", metavar="STATE", help="waiting, leased, done or dead; repeats.")
]
Limit = Annotated[int, typer.Option("--limit", min=1, help="At most so many.")]
Body = Annotated[bool, typer.Option("--body", help="What was received, too: it may hold secrets.")]
All = Annotated[bool, typer.Option("--all", help="Every dead letter.")]
Dead = Annotated[bool, typer.Option("--dead", help="Dead letters, too.")]
Workers = Annotated[int, typer.Option("--workers", min=1, max=64, help="Runs at once.")]
Before = Annotated[str, typer.Option("--before", metavar="WHEN", help="An age (30d, 12h) or an RFC 3339 instant.")]


@contextmanager
def _desk(address: str | None) -> Iterator[Desk]:
    from irkit.triggers.queue.opening import default, opened

    store = opened(address or default(), make=False)
    try:
        yield store.desk
    finally:
        store.close()


@command(queue, "ls", online=False)
def list_jobs(face: Face, states: States = None, limit: Limit = 100, address: Address = None) -> None:
    """List jobs, the newest first, and how many stand where."""
    from irkit.triggers.queue.protocol import State

    try:
        wanted = [State(state) for state in states or ()]
    except ValueError as error:
        raise UsageError(f"{error}", f"one of {', '.join(State)}") from error
    with _desk(address) as desk:
        jobs, counts = desk.ls(wanted, limit), desk.counts()
    face.emit({"counts": counts, "jobs": jobs}, lines=jobs)
    _table(face, jobs)
    face.note(", ".join(f"{count} {state}" for state, count in counts.items()))


@command(queue, "show", online=False)
def show(face: Face, job: Id, body: Body = False, address: Address = None) -> None:
    """Show one job and every delivery that it stands for."""
    from irkit.model.codec import plain

    with _desk(address) as desk:
        entry, deliveries = desk.show(job)
    received = [_received(delivery, body) for delivery in deliveries]
    face.emit({"job": entry, "deliveries": received})
    for key, value in plain(entry).items():
        if value not in (None, ""):
            face.show(f"{key:<13} {value}")
    for one in received:
        face.show(f"delivery      {one['at']}  {one['size']} bytes  sha256 {one['sha256']}  {one['key']}")
        if body:
            face.block(one["body"])


@command(queue, "work")
def work(
    face: Face,
    store: options.StoreFlags,
    sealing: options.SealFlags,
    rails: Rails = None,
    workers: Workers = 1,
    address: Address = None,
) -> None:
    """Run the playbooks of accepted alerts, on rails, and read pieces of logs, until interrupted."""
    from irkit.cli import running
    from irkit.triggers.orders.crew import until_told
    from irkit.triggers.queue.opening import default, opened
    from irkit.triggers.scan.hand import reading

    crew = crew_of(face, running.settings(face, store, sealing), rails, workers)
    kept = opened(address or default())
    try:
        with crew.working(kept.queue), reading(kept):
            face.emit({"working": workers})
            face.note(f"{workers} at work; Ctrl-C ends it")
            until_told()
            face.note("ending, once the runs in hand have ended")
    finally:
        kept.close()


@command(queue, "scan", online=False)
def scan(face: Face, address: Address = None) -> None:
    """Read pieces of logs for irkit audit --queue, one at a time, until interrupted."""
    from irkit.triggers.orders.crew import until_told
    from irkit.triggers.queue.opening import default, opened
    from irkit.triggers.scan.hand import reading

    kept = opened(address or default())
    try:
        with reading(kept):
            face.emit({"working": 1})
            face.note("reading; Ctrl-C ends it")
            until_told()
    finally:
        kept.close()


@command(queue, "retry", online=False)
def retry(
    face: Face, jobs: Ids = None, everything: All = False, dry_run: options.DryRun = False, address: Address = None
) -> None:
    """Let dead letters wait again, with all their attempts."""
    from irkit.triggers.queue.protocol import State

    if bool(jobs) == everything:
        raise UsageError("which dead letters?", "irkit queue retry JOB..., or --all")
    with _desk(address) as desk:
        numbers = jobs or [entry.id for entry in desk.ls([State.DEAD], desk.counts()[State.DEAD])]
        _each(face, desk, desk.retry, sorted(numbers), dry_run=dry_run)


@command(queue, "replay", online=False)
def replay(face: Face, jobs: Ids = None, dry_run: options.DryRun = False, address: Address = None) -> None:
    """Do settled jobs once more, as new jobs that name the old."""
    if not jobs:
        raise UsageError("which jobs?", "irkit queue replay JOB...")
    with _desk(address) as desk:
        _each(face, desk, desk.replay, jobs, dry_run=dry_run)


@command(queue, "purge", online=False)
def purge(
    face: Face, before: Before, dead: Dead = False, dry_run: options.DryRun = False, address: Address = None
) -> None:
    """Forget jobs done before a time; a delivery sent again after that counts as new."""
    from irkit.times import now, parse_or_age, rfc3339

    try:
        at = parse_or_age(before, now())
    except ValueError as error:
        raise UsageError(f"{error}", "30d, 12h or 2026-11-24T03:00:00Z") from error
    with _desk(address) as desk:
        gone = _old(desk, at, dead) if dry_run else desk.forget(at, dead=dead)
    face.emit({"dry_run": dry_run, "before": rfc3339(at), "forgotten": gone})
    face.show(f"{gone} {'would be ' if dry_run else ''}forgotten")


def _old(desk: Desk, at: datetime, dead: bool) -> int:
    from irkit.triggers.queue.protocol import State

    states = (State.DONE, State.DEAD) if dead else (State.DONE,)
    settled = [entry.settled for entry in desk.ls(states, sum(desk.counts().values()) + 1)]
    return sum(one is not None and one < at for one in settled)


def _each(face: Face, desk: Desk, deed: Callable[[int], Entry], jobs: list[int], *, dry_run: bool) -> None:
    entries = tuple(desk.show(job)[0] if dry_run else deed(job) for job in jobs)
    face.emit({"dry_run": dry_run, "jobs": entries}, lines=entries)
    _table(face, entries)
    if dry_run:
        face.note("dry run: nothing was changed")


def _table(face: Face, jobs: tuple[Entry, ...]) -> None:
    head = ("JOB", "STATE", "KIND", "ATTEMPTS", "ITEMS", "CREATED", "KEY", "WORD")
    rows = [(j.id, j.state, j.kind, j.attempts, j.deliveries, f"{j.created:%F %T}Z", j.key, j.word) for j in jobs]
    face.table(head, rows)


def _received(delivery: Delivery, body: bool) -> dict[str, Any]:
    from irkit import digest
    from irkit.times import rfc3339

    told: dict[str, Any] = {
        "key": delivery.key,
        "at": rfc3339(delivery.at),
        "size": len(delivery.body),
        "sha256": digest.of_bytes(delivery.body),
    }
    return told | ({"body": delivery.body.decode(errors="replace")} if body else {})
