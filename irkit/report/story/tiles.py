"""Four questions a manager asks, each answered in a word and a sentence."""

from __future__ import annotations

from dataclasses import dataclass

from irkit.model.isolation import Verdict
from irkit.model.run import RunRecord, Status
from irkit.report import figures
from irkit.report.figures import brief
from irkit.report.story import state, words
from irkit.report.story.words import Tone

PARAGRAPH = 400  # characters


@dataclass(frozen=True, slots=True)
class Tile:
    """One answer: a question, a word, a sentence."""

    question: str
    answer: str
    tone: Tone
    detail: str


_ANSWERS = {
    Verdict.PROVEN: "Contained, proven",
    Verdict.CLAIMED: "Contained, claimed",
    Verdict.UNVERIFIED: "Not verified",
    Verdict.INEFFECTIVE: "Not contained",
}


def containment(record: RunRecord) -> Tile:
    """Is it contained, and how sure is that."""
    question, isolation, verdict = "Is it contained?", record.isolation, state.weakest(record)
    sense = words.VERDICTS[verdict] if verdict else words.NO_VERDICT
    if isolation is None:
        return Tile(question, "Not isolated", *_untried(record))
    if record.dry_run:
        return Tile(question, "Not changed", Tone.PLAIN, f"The quarantine would be {sense.word}. {sense.meaning}")
    if freed := state.released(record):
        return Tile(question, "Released", Tone.CAUTION, brief(freed.summary, PARAGRAPH))
    if verdict is None:
        return Tile(
            question, "Not isolated", Tone.BAD, brief("; ".join(isolation.warnings), PARAGRAPH) or sense.meaning
        )
    return Tile(question, _ANSWERS[verdict], sense.tone, sense.meaning)


def _untried(record: RunRecord) -> tuple[Tone, str]:
    """Why there is no isolation: not asked for, skipped, or failed."""
    tried = next((step for step in record.steps if step.uses.startswith(state.ISOLATE)), None)
    if tried is None:
        return Tone.PLAIN, "Isolation was not part of this run."
    return Tone.PLAIN if tried.status is Status.SKIPPED else Tone.BAD, brief(tried.summary, PARAGRAPH)


def evidence(record: RunRecord) -> Tile:
    """Is the evidence complete."""
    question = "Is the evidence complete?"
    lost = sum(not gap.expected for gap in record.gaps)
    cut = sum(artifact.truncated for artifact in record.artifacts)
    held = f"{figures.many(len(record.artifacts), 'file')}, {figures.size(sum(a.size for a in record.artifacts))}."
    if not record.artifacts:
        missing = f" {figures.many(lost, 'thing')} could not be taken." if lost else ""
        return Tile(question, "Nothing was taken", Tone.BAD if lost else Tone.PLAIN, f"No evidence files.{missing}")
    if cut_off := state.interrupted(record):
        detail = f"{held} The run was cut off during step {brief(cut_off.id)}: there may have been more to take."
        return Tile(question, "Not known", Tone.CAUTION, detail)
    parts = [figures.many(lost, "gap")] if lost else []
    parts += [f"{figures.many(cut, 'file')} cut short"] if cut else []
    if parts:
        detail = f"{held} What is missing is named below, with its remedy."
        return Tile(question, " and ".join(parts), Tone.CAUTION, detail)
    return Tile(question, "Complete", Tone.GOOD, f"{held} Nothing that was asked for is missing.")


def audit(record: RunRecord) -> Tile:
    """Is it known who did it."""
    question, found, grave = "What does the audit log show?", record.audit, state.grave(record)
    if found is None:
        return Tile(question, *_unasked(record))
    if not found.events:
        return Tile(question, "Nothing readable", Tone.CAUTION, "No audit event could be read from what was given.")
    matched = sum(found.matched.values())
    detail = f"{figures.many(matched, 'event')} of {figures.count(found.events)} concern {record.whom}."
    if grave:
        number = figures.many(len(grave), "serious event")
        return Tile(question, number, Tone.BAD, f"{detail} First: {brief(grave[0].what)}.")
    return Tile(question, figures.many(matched, "event"), Tone.PLAIN, f"{detail} None is serious by its kind.")


def _unasked(record: RunRecord) -> tuple[str, Tone, str]:
    """Why there is nothing from an audit log: it failed, the run did not get that far, or none was given."""
    tried = next((step for step in record.steps if step.uses.startswith(state.AUDIT)), None)
    if tried and tried.summary:
        return (
            "Not read",
            Tone.PLAIN if tried.status is Status.SKIPPED else Tone.CAUTION,
            brief(tried.summary, PARAGRAPH),
        )
    if state.interrupted(record):
        return "Not read", Tone.CAUTION, "The run was cut off before it got that far."
    return "Not asked", Tone.PLAIN, "No audit log was given: who did what is not known."


def course(record: RunRecord) -> Tile:
    """Did the run do all that it set out to do."""
    question = "Did the run finish?"
    if cut := state.interrupted(record):
        return Tile(question, "Cut off", Tone.BAD, f"It stopped during step {brief(cut.id)}.")
    bad = next((step for step in record.steps if words.STATUSES[step.status].tone is Tone.BAD), None)
    if bad:
        answer = f"{brief(bad.id, 60)}: {words.STATUSES[bad.status].word}"
        return Tile(question, answer, Tone.BAD, brief(bad.summary, PARAGRAPH))
    done = sum(step.status in (Status.DONE, Status.GAPS) for step in record.steps)
    if state.going(record):
        detail = "Written before the run ended, to be sealed with the evidence: sealing and shipping follow."
        return Tile(question, f"{figures.many(done, 'step')} done", Tone.PLAIN, detail)
    sense = words.STATUSES[record.status]
    detail = f"{done} of {figures.many(len(record.steps), 'step')} done."
    return Tile(question, sense.word.capitalize(), sense.tone, detail)
