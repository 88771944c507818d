"""What to do next, most urgent first: derived from the record, so that every sentence has its cause in it."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from irkit.model.isolation import Residual, Verdict
from irkit.model.run import RunRecord
from irkit.report import figures
from irkit.report.story import state, words
from irkit.report.story.words import Tone
from irkit.text import safe

LIMIT = 12


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing to do. `why` is one sentence; `command` is "" where no single command does it."""

    do: str
    why: str = ""
    command: str = ""


def advice(record: RunRecord) -> tuple[Advice, ...]:
    """Up to LIMIT things to do about `record`, most urgent first."""
    told = [*_course(record), *_containment(record), *_gaps(record), *_identity(record), *_closing(record)]
    return tuple(told[:LIMIT])


def _course(record: RunRecord) -> Iterator[Advice]:
    if cut := state.interrupted(record):
        yield Advice(
            "Resume the run.",
            f"It was cut off during step {figures.brief(cut.id)}.",
            _command("run", "resume", record.id),
        )
    for step in record.steps:
        if step.hint and words.STATUSES[step.status].tone is Tone.BAD:
            yield Advice(_sentence(step.hint), f"Step {figures.brief(step.id)}: {figures.brief(step.summary)}")


def _containment(record: RunRecord) -> Iterator[Advice]:
    isolation = record.isolation
    if isolation is None or state.released(record):
        return
    if record.dry_run:
        yield Advice("Run it again without --dry-run to contain the pod.")
    for residual in isolation.residual[:3]:
        yield Advice(*_close(residual))
    if state.weakest(record) is Verdict.UNVERIFIED and not record.dry_run:
        yield Advice(
            "Check from another pod that a connection to this one fails.",
            "The policies are right on paper; nothing has yet shown that they are enforced.",
        )


def _close(residual: Residual) -> tuple[str, str]:
    way = "into" if residual.direction == "ingress" else "out of"
    return f"Close what {figures.brief(residual.policy)} leaves open {way} the pod.", figures.brief(residual.why, 400)


def _gaps(record: RunRecord) -> Iterator[Advice]:
    """One piece of advice per remedy, however many gaps it would close."""
    remedies: dict[str, list[str]] = defaultdict(list)
    for gap in record.gaps:
        if gap.remedy and not gap.expected:
            remedies[gap.remedy].append(gap.target)
    for remedy, targets in remedies.items():
        rest = f" and {figures.count(len(targets) - 2)} more" if len(targets) > 2 else ""
        yield Advice(_sentence(remedy), f"Missing: {', '.join(map(figures.brief, targets[:2]))}{rest}.")
    if record.audit is None and record.target and not state.interrupted(record):
        yield Advice("Give irkit the API server's audit log.", "Without it nobody knows who did what to the pod.")


def _identity(record: RunRecord) -> Iterator[Advice]:
    target = record.target
    if target and target.service_account and record.isolation and not record.dry_run:
        yield Advice(
            f"Rotate what the pod could read; begin with service account {figures.brief(target.service_account)}.",
            "A token stays valid while the pod exists, and can be used from elsewhere: isolation does not revoke it.",
        )


def _closing(record: RunRecord) -> Iterator[Advice]:
    if record.bundle:
        yield Advice("Check the bundle before relying on it.", "", _command("bundle", "verify", record.bundle))
    if _undoable(record):
        yield Advice("When the investigation is over, undo the changes.", "The commands are under “Actions and undo”.")


def _undoable(record: RunRecord) -> bool:
    stands = not record.dry_run and not state.released(record)
    return stands and any(action.undo for step in record.steps for action in step.actions)


def _command(*words_: str) -> str:
    return shlex.join(("irkit", *(safe(word) for word in words_)))


def _sentence(text: str) -> str:
    """`text` beginning with a capital and ending in a stop."""
    told = figures.brief(text, 400)
    return f"{told[:1].upper()}{told[1:]}{'' if told.endswith(('.', '!', '?')) else '.'}"
