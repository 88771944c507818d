"""`irkit audit baseline`: an allow-list for a person to review."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from irkit.cli.command import command
from irkit.cli.commands.logs.audit import Since, Sources, Until, audits, instant, shared
from irkit.cli.commands.logs.detect import AllowFile
from irkit.cli.face import Face, Output
from irkit.cli.newfile import vacant, write_new
from irkit.errors import Exit

if TYPE_CHECKING:
    from irkit.audit.detect.allow.learn import Baseline

KnownOut = Annotated[
    Path | None, typer.Option("--known", metavar="FILE", help="Write who and what was seen at all, for detect --known.")
]
Out = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write the list here; never over another.")]


@command(audits, "baseline", online=False)
def baseline(
    face: Face,
    sources: Sources,
    out: Out = None,
    allow: AllowFile = None,
    since: Since = None,
    until: Until = None,
    known: KnownOut = None,
) -> Exit:
    """Draft an allow-list from a log of ordinary days, for a person to review. Exit 4: a source is missing."""
    from irkit.audit.detect.allow.draft import draft
    from irkit.audit.detect.allow.entries import Allow, load
    from irkit.audit.detect.allow.learn import learn
    from irkit.audit.detect.fresh.known import text

    vacant(known)
    vacant(out)
    excused = load(allow) if allow else Allow()
    start, end, knowing = instant(since), instant(until), known is not None
    with shared(face) as share:
        found = learn(sources, allow=excused, since=start, until=end, knowing=knowing, share=share)
    if known and found.known:
        write_new(known, text(found.known).encode())
    if out:
        write_new(out, draft(found).encode())
    elif face.output is Output.TEXT:
        face.block(draft(found).rstrip("\n"))
    face.emit(found, lines=(habit.entry for habit in found.learned))
    _conclude(face, found, out)
    return face.missing(found.coverage.gaps)


def _conclude(face: Face, found: Baseline, out: Path | None) -> None:
    from irkit.audit.detect.fresh.known import VALUES

    face.note(
        f"{len(found.learned)} habits learned from {found.events} events{f', in {out}' if out else ''}: review them"
    )
    if found.grave:
        face.note(f"{len(found.grave)} are critical and only stand in comments", "warn")
    for rule, count in (found.known.left_out if found.known else {}).items():
        face.note(f"{rule}: at most {VALUES:,} values are kept; {count:,} were left out and will be news", "warn")
