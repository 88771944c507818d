"""`irkit respond`: the whole job."""

from __future__ import annotations

from typing import Annotated

import typer

from irkit.cli import completing, options
from irkit.cli.app import app
from irkit.cli.command import command
from irkit.cli.face import Face
from irkit.errors import Exit, UsageError

PlaybookName = Annotated[
    str,
    typer.Option(
        "--playbook",
        envvar="IRKIT_PLAYBOOK",
        metavar="NAME|FILE",
        help="Playbook to run.",
        autocompletion=completing.playbooks,
    ),
]


@command(app, "respond")
def respond(
    face: Face,
    *,
    pod: options.Pod,
    evidence: options.EvidenceFlags,
    case: options.Case = None,
    authority: options.Authority = "",
    playbook: PlaybookName = "compromised-pod",
    yes: options.Yes = False,
    dry_run: options.DryRun = False,
    store: options.StoreFlags,
    sealing: options.SealFlags,
) -> Exit:
    """Contain a pod, take the evidence, match audit events, seal, ship, report. What it changes it can undo."""
    from irkit.cli import running
    from irkit.playbook import find

    named = face.pod(pod)
    pinned = find.load(playbook)
    given = {"namespace": named.namespace, "pod": named.name} | evidence
    inputs = {name: value for name, value in given.items() if name in pinned.playbook.inputs}
    if lost := [name for name, value in given.items() if value and name not in inputs]:
        hint = f"irkit playbook show {pinned.name} tells what it takes"
        raise UsageError(f"playbook {pinned.name} has no input {', '.join(lost)}", hint)
    if not dry_run:
        running.confirm_playbook(face, pinned, str(named), yes=yes)
    record = running.start(
        face, pinned, inputs, store=store, sealing=sealing, case=case, authority=authority, dry_run=dry_run
    )
    return running.finish(face, record)
