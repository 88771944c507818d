"""`irkit run`: what was done, going on after an interruption, taking it back."""

from __future__ import annotations

from typing import Annotated

import typer

from irkit.cli import options
from irkit.cli.app import group
from irkit.cli.command import command
from irkit.cli.face import Face
from irkit.errors import Exit
from irkit.settings import home

runs = group("run", "List, show, resume and undo runs.")
Id = Annotated[str, typer.Argument(metavar="RUN", help='A run id, a part of one that is unique, or "last".')]

Store = Annotated[str | None, typer.Option("--store", metavar="URL", help="Ship here instead of where it was to go.")]
Endpoint = Annotated[str | None, typer.Option("--s3-endpoint-url", metavar="URL", help="Reach that store here.")]


@command(runs, "ls", online=False)
def list_runs(face: Face) -> None:
    """List every run on this machine, newest first."""
    from irkit.playbook import runs as store

    rows = []
    for run in store.everything(home()):
        if isinstance(run, store.Broken):
            rows.append({"id": run.id, "status": "unreadable", "playbook": "", "case": "", "target": run.error.message})
            continue
        record = run.record
        scope = f"{record.scope.namespace}/{record.scope.what}" if record.scope else ""
        target = f"{record.target.namespace}/{record.target.name}" if record.target else scope
        rows.append(
            {
                "id": run.id,
                "status": str(record.status),
                "playbook": record.playbook,
                "case": record.case,
                "target": target,
            }
        )
    face.emit(rows, lines=rows)
    face.table(("RUN", "STATUS", "PLAYBOOK", "CASE", "TARGET"), [row.values() for row in rows])


@command(runs, "show", online=False)
def show(face: Face, run: Id) -> None:
    """Show one run: its steps, what they did, what is missing, what to do next."""
    from irkit.cli import summary
    from irkit.playbook import runs as store
    from irkit.playbook.approvals import desk

    found = store.show(home(), run)
    face.emit(found.record)
    face.show(f"run        {found.id}: {found.record.playbook}, {found.record.status}", "bold")
    for step in found.record.steps:
        face.show(f"step       {step.status:<10} {step.id:<9} {step.summary}")
        for action in () if found.record.dry_run else step.actions:  # what it would do stands below, as its plan
            face.show(f"           did        {action.what}")
    if standing := desk.pending(home(), found.id):
        for line in desk.words(standing):
            face.show(f"           {line}")
    summary.conclude(face, found.record)


@command(runs, "resume")
def resume(face: Face, run: Id, store: Store = None, endpoint: Endpoint = None) -> Exit:
    """Go on with a run that was interrupted, or do again what failed in it; what is done is not repeated."""
    from irkit.cli import running
    from irkit.playbook import engine

    again = running.settings_again(face, run, store, endpoint)
    record = engine.resume(run, running.setup(face), settings=again)
    return running.finish(face, record)


@command(runs, "undo")
def undo(face: Face, run: Id, authority: options.Authority = "", dry_run: options.DryRun = False) -> Exit:
    """Take back what a run changed on the cluster, last change first."""
    from irkit.cli import running
    from irkit.model.run import Status, gravest
    from irkit.playbook import engine

    again = running.settings_again(face, run, None, None)
    stated = options.stated(authority)
    steps = engine.undo(run, running.setup(face), settings=again, authority=stated, dry_run=dry_run)
    face.emit({"undone": steps}, lines=steps)
    for step in steps:
        face.show(f"{step.status:<10} {step.id:<9} {step.summary}")
        for action in step.actions:
            face.show(f"{'':10} {action.what}")
        if step.hint:
            face.show(f"{'':10} try: {step.hint}", "dim")
    if not steps:
        face.show("nothing to take back")
    return gravest([step.status for step in steps if step.status is not Status.SKIPPED]).exit_code
