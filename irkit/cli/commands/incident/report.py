"""`irkit report`: the report of a bundle, rendered again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import typer

from irkit.cli.app import app
from irkit.cli.command import command
from irkit.cli.face import Face, Output
from irkit.cli.newfile import give
from irkit.cli.options import BundlePath

Form = Literal["html", "md", "json", "csv"]


@command(app, "report", online=False)
def report(
    face: Face,
    bundle: BundlePath,
    form: Annotated[
        Form | None,
        typer.Option("--format", help="html, md, json, or csv for the timeline (default md; -o json: json)."),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write here instead of stdout.")] = None,
) -> None:
    """Render the report of a sealed bundle."""
    from irkit.bundle.reader import cat
    from irkit.report.load import load
    from irkit.report.render import render

    form = form or ("md" if face.output is Output.TEXT else "json")
    record = load(b"".join(cat(bundle, "data/report/report.json")))
    give(face, render(replace(record, bundle=bundle.name), form).encode(), out)
