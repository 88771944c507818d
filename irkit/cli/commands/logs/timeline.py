"""`irkit audit timeline`: the audit log as a story in order of time."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from irkit.cli.command import command
from irkit.cli.commands.logs.audit import (
    Account,
    PodName,
    Since,
    Sources,
    Uid,
    Until,
    Where,
    audits,
    doubt,
    instant,
    shared,
    subject,
)
from irkit.cli.commands.logs.detect import AllowFile
from irkit.cli.face import Face, Output
from irkit.errors import Exit, UsageError

if TYPE_CHECKING:
    from irkit.audit.timeline.line import Line
    from irkit.audit.timeline.timeline import Timeline
    from irkit.model.run import Moment

Tell = Callable[[list[str], tuple["Moment", ...]], "Timeline"]
EVENTS, REPORT = "data/audit/events.jsonl", "data/report/report.json"  # of a sealed bundle


class Form(StrEnum):
    """Values of `--format`."""

    TEXT = "text"
    CSV = "csv"
    TIMESKETCH = "timesketch"
    OCSF = "ocsf"
    HTML = "html"


Format = Annotated[Form, typer.Option("--format", help="text, html, csv, timesketch or ocsf (both JSON lines).")]


@command(audits, "timeline")
def timeline(
    face: Face,
    sources: Sources,
    pod: PodName = None,
    uid: Uid = None,
    service_account: Account = None,
    since: Since = None,
    until: Until = None,
    where: Where = "",
    allow: AllowFile = None,
    form: Format = Form.TEXT,
) -> Exit:
    """Tell requests and findings in order of time, what repeats in one line. Exit 4: a source is missing."""
    from irkit.audit.detect.allow.entries import Allow, load
    from irkit.audit.timeline.timeline import timeline as tell

    if form is not Form.TEXT and face.output is not Output.TEXT:
        raise UsageError("--format and -o both say how to print", "give one of them")
    doubt(face, where)
    named = subject(face, pod, uid, service_account)
    excused = load(allow) if allow else Allow()
    asked: dict[str, Any] = {"since": instant(since), "until": instant(until), "where": where, "allow": excused}
    with shared(face) as share:
        asked |= {"door": face.door, "share": share}
        told = _read(sources, lambda logs, beside: tell(logs, named, beside=beside, **asked))
    face.emit(told, lines=told.lines)
    if face.output is Output.TEXT:
        _print(face, told.lines, form, ", ".join(sources))
    _conclude(face, told)
    return face.missing(told.gaps)


def _read(sources: list[str], tell: Tell) -> Timeline:
    """What `tell` makes of the sources, or of the bundle that they name and the moments of its report.

    Raises UsageError for a bundle among other sources.
    """
    if not any(name.endswith((".tar.gz", ".tgz")) for name in sources):
        return tell(sources, ())
    if len(sources) > 1:
        raise UsageError("a bundle is told alone: it has an order and a clock of its own", "name nothing beside it")
    import tempfile

    with tempfile.TemporaryDirectory(prefix="irkit-bundle-") as folder:
        log = Path(folder) / "events.jsonl"
        moments = _unpacked(Path(sources[0]), log)
        return _named(tell([str(log)] if log.exists() and log.stat().st_size else [], moments), Path(sources[0]))


def _unpacked(bundle: Path, log: Path) -> tuple[Moment, ...]:
    """The moments of its report; its audit events go to `log`."""
    from irkit.bundle.reader import contents
    from irkit.report.load import load

    moments: tuple[Moment, ...] = ()
    for name, _, chunks in contents(bundle):
        if name == REPORT:
            moments = load(b"".join(chunks)).timeline
        elif name == EVENTS:
            with log.open("wb") as out:
                out.writelines(chunks)
    return moments


def _named(told: Timeline, bundle: Path) -> Timeline:
    """The same, its requests standing where they stand in the bundle."""
    from msgspec import structs

    where = f"{bundle.name}/{EVENTS}"
    lines = (
        structs.replace(line, source=f"{where}:{line.source.rpartition(':')[2]}") if line.kind == "request" else line
        for line in told.lines
    )
    return replace(told, lines=tuple(lines), sources=(where,) if told.sources else ())


def _print(face: Face, lines: tuple[Line, ...], form: Form, title: str) -> None:
    from irkit.audit.timeline import exports, ocsf
    from irkit.model.codec import compact

    out = sys.stdout.buffer
    match form:
        case Form.TEXT:
            for line in lines:
                face.show(*_told(line))
        case Form.CSV:
            out.writelines(row.encode() for row in exports.table(lines))
        case Form.TIMESKETCH:
            out.writelines(compact(event) + b"\n" for event in exports.timesketch(lines))
        case Form.OCSF:
            out.writelines(compact(event) + b"\n" for event in ocsf.events(lines))
        case Form.HTML:
            from irkit.audit.timeline.line import moment
            from irkit.report.render import story

            out.writelines(piece.encode() for piece in story([moment(line) for line in lines], title))
    out.flush()


def _told(line: Line) -> tuple[str, str]:
    """One line and its style."""
    from irkit.audit.timeline.line import Kind

    at = f"{line.at:%Y-%m-%dT%H:%M:%SZ}"
    if line.kind is Kind.FINDING:
        return f"{at}  {line.severity}: {line.rule}: {line.what}  ({line.actor}, {line.target})", "warn"
    address = f" from {line.address}" if line.address else ""
    again = f"  ({line.count:,} times until {line.until:%Y-%m-%dT%H:%M:%SZ})" if line.count > 1 else ""
    return f"{at}  {line.actor}{address}  {line.what}{again}", ""


def _conclude(face: Face, told: Timeline) -> None:
    face.note(f"{len(told.lines)} lines from {told.events} events; {told.malformed} malformed lines", "dim")
    if told.untimed:
        face.note(f"{told.untimed} events bear no time and stand in no line", "warn")
    if told.dropped:
        face.note(f"{told.dropped} requests past the limit: narrow it by --since, --until, --pod or --where", "warn")
