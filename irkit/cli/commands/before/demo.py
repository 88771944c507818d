"""`irkit demo` and `irkit drill`: the practice cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from irkit.cli.app import app, group
from irkit.cli.command import command
from irkit.cli.face import Face
from irkit.errors import Exit

drills = group("drill", "Practise on an embedded cluster with an incident in it.")
Folder = Annotated[Path | None, typer.Option("--dir", metavar="DIR", help="Keep everything here (default: temporary).")]


@command(app, "demo", online=False)
def demo(face: Face, folder: Folder = None) -> Exit:
    """Run the whole response on the practice cluster: nothing but this machine is touched."""
    from irkit.cli import summary
    from irkit.cli.progress import Lines
    from irkit.drill.demo import demonstrate

    shown = demonstrate(folder, Lines(face))
    face.emit({"run": shown.record, "verification": shown.verification, "folder": shown.folder})
    for label, text, style in summary.lines(shown.run):
        if label == "undo":  # the practice cluster is gone by now
            continue
        face.show(f"{label:<10} {text}", style)
    word = "intact" if shown.verification.ok else "NOT intact"
    face.show(f"verified   {word}: {shown.verification.files} files, custody {shown.verification.custody}", "good")
    return shown.exit_code


@command(drills, "range", online=False)
def practice_range(
    face: Face,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0: any free one.")] = 0,
    folder: Folder = None,
) -> None:
    """Serve the practice cluster until interrupted; prints the kubeconfig for irkit and kubectl."""
    from irkit.drill.demo import serving

    with serving(port, folder) as practice:
        face.emit({"kubeconfig": practice.kubeconfig, "url": practice.url, "audit_log": practice.audit_log})
        face.show(f"export KUBECONFIG={practice.kubeconfig}")
        face.show(f"# audit log: {practice.audit_log}")
        face.note("serving; Ctrl-C ends it")
        practice.wait()
