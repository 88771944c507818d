"""`irkit playbook`: what a playbook says, whether it is right, and running one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from irkit.cli import completing, options
from irkit.cli.app import group
from irkit.cli.command import command
from irkit.cli.face import Face
from irkit.cli.newfile import give, write_new
from irkit.errors import Exit, UsageError

if TYPE_CHECKING:
    from irkit.playbook.language.yaml import Problem
    from irkit.playbook.schema import Pinned

playbooks = group("playbook", "Show, check and run playbooks.")
Name = Annotated[
    str,
    typer.Argument(metavar="NAME|FILE", help="A playbook's name, or a file.", autocompletion=completing.playbooks),
]
Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="NAME|FILE...", help="Default: every playbook found.", autocompletion=completing.playbooks),
]
Inputs = Annotated[
    list[str] | None, typer.Option("--input", "-i", metavar="NAME=VALUE", help="An input; repeats, for lists too.")
]
Format = Annotated[str, typer.Option("--format", metavar="FORMAT", help="cacao: CACAO 2.0, as JSON.")]
Out = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write here (a new file).")]
File = Annotated[Path, typer.Argument(metavar="FILE", help="A CACAO 2.0 document (JSON).")]
Allow = Annotated[
    bool, typer.Option("--allow-commands", help="Ask people to do by hand what a machine would run; irkit runs none.")
]


@command(playbooks, "ls", online=False)
def list_playbooks(face: Face) -> None:
    """List the playbooks found: ./playbooks, IRKIT_PLAYBOOKS, those that irkit ships."""
    from irkit.playbook import find

    rows = []
    for name, path, found in find.summaries():
        good = not isinstance(found, UsageError)
        title = found.playbook.metadata.title if not isinstance(found, UsageError) else found.message
        rows.append({"name": name, "ok": good, "title": title, "file": str(path)})
    face.emit(rows, lines=rows)
    face.table(
        ("NAME", "OK", "TITLE", "FILE"), [(r["name"], "yes" if r["ok"] else "NO", r["title"], r["file"]) for r in rows]
    )


@command(playbooks, "show", online=False)
def show(face: Face, name: Name) -> None:
    """Explain a playbook: when to use it, its steps and their effects, what it needs."""
    from irkit.playbook import find
    from irkit.playbook.registry import needs, step

    pinned = find.load(name)
    book = pinned.playbook
    permissions = [str(need) for need in needs(book)]
    face.emit({"playbook": book, "file": pinned.source, "sha256": pinned.sha256, "needs": permissions})
    face.show(f"{book.metadata.name} {book.metadata.version}  {book.metadata.title}", "bold")
    face.block(f"{book.metadata.description}\n")
    for name_, declared in book.inputs.items():
        required = "required" if declared.required else f"default {declared.default!r}"
        face.show(f"input    {name_} ({declared.type}, {required}): {declared.description}")
    for spec in book.every_step:
        acting = step(spec.does)
        face.show(f"step     {spec.id:<10} {spec.does:<20} {acting.effect:<9} {acting.about}")
        if spec.approve:
            whom = " or ".join(spec.approve.roles) or "anybody"
            face.show(f"{'':9}{'':10} asks {spec.approve.quorum} of {whom}: {spec.approve.prompt}")
        if spec.condition:
            face.show(f"{'':9}{'':10} only if {spec.condition}")
    for need in permissions:
        face.show(f"needs    {need}")
    face.show(f"file     {pinned.source}")
    face.show(f"sha256   {pinned.sha256}")


@command(playbooks, "lint", online=False)
def lint(face: Face, names: Names = None) -> Exit:
    """Check playbooks; every problem with its line and column. Exit 2 when there are any."""
    from irkit.playbook import find

    given = list(names or find.everything())
    return face.faults([_checked(name) for name in given], ", ".join(Path(name).stem for name in given))


@command(playbooks, "schema", online=False)
def schema(
    face: Face, out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write here.")] = None
) -> None:
    """Print the JSON Schema of playbooks, for editors."""
    from irkit.model.codec import pretty
    from irkit.playbook.language.editors import schema as of_playbooks

    give(face, pretty(of_playbooks()), out)


@command(playbooks, "plan")
def plan(face: Face, store: options.StoreFlags, name: Name, inputs: Inputs = None) -> Exit:
    """Show what a playbook would do now: targets, rights, and by dry run what would differ. Nothing is changed."""
    from irkit.cli import running
    from irkit.playbook import find
    from irkit.playbook.plan.plan import plan as of

    pinned = find.load(name)
    told = of(pinned, _values(face, pinned, inputs), running.setup(face), running.settings(face, store))
    face.emit(told, lines=told.steps)
    face.show(f"{told.playbook}  {told.about}", "bold")
    for one in told.steps:
        face.show(f"{one.status:<10} {one.id:<10} {one.does:<20} {one.effect:<9} {one.summary}")
        if one.hint:
            face.show(f"{'':10} try: {one.hint}", "dim")
        for difference in one.differences:
            face.show(f"{'':10} {difference.verb} {difference.path}")
            for each in difference.fields:
                was = "" if each.before is None else f"was {each.before!r}, "
                face.show(f"{'':12} {each.field}: {was}{'gone' if each.after is None else repr(each.after)}")
    for verb in sorted({verb for one in told.steps for verb in one.verbs}):
        face.show(f"needs      {verb}", "dim")
    return told.status.exit_code


@command(playbooks, "run")
def run(
    face: Face,
    store: options.StoreFlags,
    sealing: options.SealFlags,
    name: Name,
    inputs: Inputs = None,
    case: options.Case = None,
    authority: options.Authority = "",
    yes: options.Yes = False,
    dry_run: options.DryRun = False,
) -> Exit:
    """Run any playbook with the inputs given."""
    from irkit.cli import running
    from irkit.playbook import find

    pinned = find.load(name)
    values = _values(face, pinned, inputs)
    if not dry_run:
        running.confirm_playbook(face, pinned, pinned.name, yes=yes)
    record = running.start(
        face, pinned, values, store=store, sealing=sealing, case=case, authority=authority, dry_run=dry_run
    )
    return running.finish(face, record)


@command(playbooks, "export", online=False)
def export(face: Face, name: Name, kind: Format = "cacao", out: Out = None) -> None:
    """Write a playbook in the format of others; what their tools will not see is told."""
    from irkit.model.codec import pretty
    from irkit.playbook import find
    from irkit.playbook.cacao.export import export as as_cacao

    if kind != "cacao":
        raise UsageError(f"no such format: {kind}", "cacao is CACAO 2.0, as JSON")
    made = as_cacao(find.load(name).playbook)
    give(face, pretty(made.document), out, write_new)
    for loss in made.losses:
        face.note(f"not said in CACAO's own terms, only in irkit's extension: {loss}", "warn")


@command(playbooks, "import", online=False)
def import_(face: Face, file: File, out: Out = None, allow_commands: Allow = False) -> None:
    """Make a playbook of a CACAO 2.0 document; what is lost is told, and no command of others is ever run."""
    from irkit.playbook.cacao.bring import MAX_DOCUMENT, bring

    try:
        with file.open("rb") as source:
            raw = source.read(MAX_DOCUMENT + 1)
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from error
    made = bring(raw, allow_commands=allow_commands)
    give(face, made.text.encode(), out, write_new)
    for loss in made.losses:
        face.note(loss, "warn")


def _checked(name: str) -> tuple[str, list[Problem]]:
    """A playbook's file and its problems; one that cannot be read is a problem at the file's beginning."""
    from irkit.playbook import find
    from irkit.playbook.language.yaml import Problem
    from irkit.playbook.lint import lint as check

    try:
        path = find.find(name)
        return str(path), check(find.read(path))
    except UsageError as error:
        return name, [Problem(1, 1, "; ".join(part for part in (error.message, error.hint) if part))]


def _values(face: Face, pinned: Pinned, inputs: list[str] | None) -> dict[str, Any]:
    from irkit.playbook.language.bind import from_text

    values = from_text(pinned.playbook, [_pair(text) for text in inputs or ()])
    if "namespace" in pinned.playbook.inputs:
        values.setdefault("namespace", face.resolved_namespace())
    return values


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"not NAME=VALUE: {text!r}")
    return name, value
