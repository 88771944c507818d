"""What people do with a run under way. Everything that asks or answers (a command, a page) does it here.

    pending(home, run)                        the approval that a run waits for, with the answers so far; None: none
    approve(home, run, person, now, ...)      say yes
    deny(home, run, person, now, ...)         say no
    cancel(home, run, person, now, ...)       take no further step; what is always done (seal, ship) still is

Answers are journalled, with who gave them and how that is known, before these functions return. They do not drive the
run: a worker looks again within `postponed.LOOK` seconds, and a run that a person started is gone on with by
`irkit run resume`. `person` is a `Person`, made by `people.of_user`, `people.of_token`, or by a page from its own login
(name, roles, how="oidc"). All raise UsageError for a run that is not there or does not wait, Refused for a person who
may not answer or a plan that has changed since it was shown, JournalError, VerificationError.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from irkit import digest
from irkit.errors import UsageError
from irkit.model.codec import compact
from irkit.playbook import runs
from irkit.playbook.approvals.standing import Answer, Person, Standing, Vote
from irkit.playbook.journal import log
from irkit.playbook.journal.log import Driven, Journal
from irkit.playbook.journal.record import Ledger
from irkit.times import rfc3339

CANCEL = "cancel.json"  # in the run's folder: asked for while another process drives the run
PATIENCE = 5.0  # seconds in which a worker has looked at a run and let go of it again


def pending(home: Path, run: str) -> Standing | None:
    """What the run waits for, and what was said so far; None for a run that waits for nobody."""
    return Ledger(log.read(runs.locate(home, run))).waits_for


def approve(home: Path, run: str, person: Person, now: datetime, *, note: str = "", plan_sha256: str = "") -> Standing:
    """Say yes, to the plan that was shown (`plan_sha256`; "": to the one asked about now); how it stands then."""
    return _vote(home, run, person, now, approves=True, note=note, plan_sha256=plan_sha256)


def deny(home: Path, run: str, person: Person, now: datetime, *, note: str = "", plan_sha256: str = "") -> Standing:
    """Say no: one is enough."""
    return _vote(home, run, person, now, approves=False, note=note, plan_sha256=plan_sha256)


def cancel(home: Path, run: str, person: Person, now: datetime, *, note: str = "") -> None:
    """Let the run take no further step: at once where nobody drives it, before its next step where somebody does.

    One that has ended with steps that could be taken again, because they failed or the rails held them back, stays so.
    """
    folder = runs.locate(home, run)
    fields = {"person": person, "note": note}
    try:
        with log.opened(folder, lambda: now) as journal:
            _cancelled(journal, fields)
    except Driven:
        digest.write([compact(fields)], folder / CANCEL)
        # Who drives it sees that before the next step; or lets go of the run just now, and never looks.
        with suppress(Driven), log.opened(folder, lambda: now, PATIENCE) as journal:
            if not journal.ledger.cancelled:
                _cancelled(journal, fields)


def _cancelled(journal: Journal, fields: dict[str, Any]) -> None:
    head, ledger = journal.ledger.head, journal.ledger
    if ledger.finished is not None and not ledger.left:
        raise UsageError(f"run {head['run']} has ended", f"irkit run undo {head['run']} takes back what it did")
    if not journal.ledger.cancelled:
        journal.append("run.cancelled", **fields)


def _vote(
    home: Path, run: str, person: Person, now: datetime, *, approves: bool, note: str, plan_sha256: str
) -> Standing:
    folder = runs.locate(home, run)
    with log.opened(folder, lambda: now, patience=PATIENCE) as journal:
        standing = journal.ledger.waits_for
        if standing is None:
            raise UsageError(f"run {folder.name} waits for nobody", f"irkit run show {folder.name}")
        vote = Vote(person, approves, plan_sha256 or standing.question.plan_sha256, now, note)
        standing.accept(vote)
        if standing.answer(now) is Answer.OPEN or not approves:
            journal.append("approval.given", step=standing.question.step, vote=vote)
        return journal.ledger.approvals[standing.question.step]


def words(standing: Standing) -> Iterator[str]:
    """What is asked and what was answered, line by line."""
    question = standing.question
    yield f"asks       {question.prompt}"
    yield f"plan       {question.plan_sha256}"
    for step in question.ahead:
        yield f"then       {step}"
    for vote in standing.counted():
        note = f": {vote.note}" if vote.note else ""
        said = "approved" if vote.approves else "denied"
        yield f"answer     {vote.person.name} ({vote.person.how}) {said} at {rfc3339(vote.at)}{note}"
