"""`irkit run approve|deny|cancel`: a person's word about a run under way."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from irkit.cli.command import command
from irkit.cli.commands.incident.run import Id, runs
from irkit.cli.face import Face
from irkit.errors import UsageError
from irkit.settings import home

if TYPE_CHECKING:
    from irkit.playbook.approvals.standing import Person, Standing

Note = Annotated[str, typer.Option("--note", metavar="TEXT", help="Why; it goes into the journal and the report.")]
Plan = Annotated[
    str,
    typer.Option("--plan", metavar="SHA256", help="Only if this is still the plan (irkit run show tells its hash)."),
]
Token = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        envvar="IRKIT_APPROVER_TOKEN_FILE",
        metavar="FILE",
        help="Who you are, where several people use one OS user.",
    ),
]


@command(runs, "approve", online=False)
def approve(face: Face, run: Id, note: Note = "", plan: Plan = "", token: Token = None) -> None:
    """Say yes to what a run waits for."""
    from irkit.playbook.approvals import desk

    _answered(face, run, desk.approve, note, plan, token)


@command(runs, "deny", online=False)
def deny(face: Face, run: Id, note: Note = "", plan: Plan = "", token: Token = None) -> None:
    """Say no to what a run waits for; one is enough."""
    from irkit.playbook.approvals import desk

    _answered(face, run, desk.deny, note, plan, token)


@command(runs, "cancel", online=False)
def cancel(face: Face, run: Id, note: Note = "", token: Token = None) -> None:
    """Let a run take no further step; evidence taken so far is still sealed, what was changed stays."""
    from irkit.playbook import runs as store
    from irkit.playbook.approvals import desk
    from irkit.times import now

    folder = store.locate(home(), run)
    person = _person(token)
    desk.cancel(home(), run, person, now(), note=note)
    face.emit({"run": folder.name, "cancelled_by": person})
    face.show(f"cancelled by {person.name}")
    face.note(f"irkit run resume {folder.name} seals what it has; a worker does so by itself")


def _answered(face: Face, run: str, say: Callable[..., Standing], note: str, plan: str, token: Path | None) -> None:
    from irkit.times import now

    at = now()
    standing = say(home(), run, _person(token), at, note=note, plan_sha256=plan)
    answer, question = standing.answer(at), standing.question
    face.emit({"run": question.run, "step": question.step, "answer": answer, "standing": standing})
    face.show(f"{question.step}: {answer}" + (f", {standing.words()}" if answer == "open" else ""), "bold")
    if answer != "open":
        face.note(f"irkit run resume {question.run} goes on with it; a worker does so by itself")


def _person(token: Path | None) -> Person:
    from irkit.playbook.approvals import people

    approvers = people.read(home())
    if token is None:
        return people.of_user(approvers, os.getuid())
    try:
        return people.of_token(approvers, token.read_text(encoding="utf-8").strip())
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {token}: {getattr(error, 'strerror', None) or 'not UTF-8'}") from error
