"""`irkit capture`: the evidence alone; the cluster is only read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from irkit.cli import options
from irkit.cli.app import app
from irkit.cli.command import command
from irkit.cli.face import Face
from irkit.errors import Exit
from irkit.settings import DEFAULT_STORE, SealSettings, StoreSettings

Out = Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Put the bundle here.")]


@command(app, "capture", seal=True)
def capture(
    face: Face,
    sealing: SealSettings,
    pod: options.Pod,
    out: Out = None,
    audit: options.Audit = None,
    deadline: options.Deadline = None,
    case: options.Case = None,
    dry_run: options.DryRun = False,
) -> Exit:
    """Take a pod's evidence into a sealed bundle and touch nothing (playbook collect-only)."""
    from irkit.cli import running
    from irkit.playbook import find

    named = face.pod(pod)
    store = StoreSettings(f"file://{out.resolve()}" if out else DEFAULT_STORE)
    inputs = {"namespace": named.namespace, "pod": named.name} | options.collecting(audit, deadline)
    record = running.start(
        face, find.load("collect-only"), inputs, store=store, sealing=sealing, case=case, dry_run=dry_run
    )
    return running.finish(face, record)
