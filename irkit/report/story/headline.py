"""What a manager reads in ten seconds: what happened to which pod, is it contained, is the evidence complete."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from irkit.model.isolation import Verdict
from irkit.model.run import RunRecord
from irkit.report import figures
from irkit.report.figures import brief
from irkit.report.story import state, tiles, words
from irkit.report.story.tiles import Tile
from irkit.report.story.words import Tone


@dataclass(frozen=True, slots=True)
class Headline:
    """The top of the report."""

    title: tuple[str, str, str]  # before the pod's name, the name, after it
    badge: str
    tone: Tone
    lede: str
    notices: tuple[str, ...]
    tiles: tuple[Tile, ...]


def headline(record: RunRecord) -> Headline:
    """The top of the report of `record`."""
    contained = tiles.containment(record)
    return Headline(
        title=_title(record),
        badge=_badge(record, contained),
        tone=contained.tone,
        lede=" ".join(filter(None, (_deeds(record), _origin(record), _course(record)))),
        notices=tuple(_notices(record)),
        tiles=(contained, tiles.evidence(record), tiles.audit(record), tiles.course(record)),
    )


_TITLES = {
    Verdict.PROVEN: " is contained, proven with packets",
    Verdict.CLAIMED: " is contained, its policy engine reports",
    Verdict.UNVERIFIED: " is quarantined; whether that holds is not verified",
    Verdict.INEFFECTIVE: " is not contained",
    None: " could not be isolated",
}


def _title(record: RunRecord) -> tuple[str, str, str]:
    if record.scope:
        taken = "Evidence was taken from " if record.artifacts else "No evidence was taken from "
        return (taken, figures.many(len(record.scope.pods), "pod"), f" of namespace {record.scope.namespace}")
    if record.target is None:
        return ("The run ended before it found the pod", "", "")
    pod = words.pod(record.target.namespace, record.target.name)
    if record.dry_run:
        return ("Dry run: nothing was changed on ", pod, "")
    if record.isolation is None:
        taken = "Evidence was taken from " if record.artifacts else "No evidence was taken from "
        return (taken, pod, "; it is not isolated")
    if state.released(record):
        return ("", pod, " was released from its quarantine")
    return ("", pod, _TITLES[state.weakest(record)])


def _badge(record: RunRecord, contained: Tile) -> str:
    if record.dry_run:
        return "Dry run"
    return "Containment not verified" if contained.answer == "Not verified" else contained.answer


def _deeds(record: RunRecord) -> str:
    """What the audit log shows at its gravest, and by whom."""
    grave = state.grave(record)
    if not grave:
        return ""
    actors = list(dict.fromkeys(moment.actor for moment in grave))
    rest = f" and {figures.many(len(actors) - 2, 'other')}" if len(actors) > 2 else ""
    since = f"{figures.clock(grave[0].at)} on {figures.day(grave[0].at)}"
    number = figures.many(len(grave), "serious event")
    return f"From {since}, the audit log shows {number} by {', '.join(map(brief, actors[:2]))}{rest}."


def _origin(record: RunRecord) -> str:
    target = record.target
    if target is None:
        return ""
    owner = f" belongs to {brief(target.owner)}" if target.owner else " has no owner"
    return f"The pod{owner} and {f'runs on node {brief(target.node)}' if target.node else 'has no node'}."


def _course(record: RunRecord) -> str:
    lasted = f"; the run took {figures.between(record.started, record.finished)}" if record.finished else ""
    host = f" on {brief(record.operator.host)}" if record.operator.host else ""
    who = f"{brief(record.operator.os_user) or 'Somebody'}{host} ran {brief(record.playbook)}"
    return f"{who} at {figures.clock(record.started)} UTC on {figures.day(record.started)}{lasted}."


def _notices(record: RunRecord) -> Iterator[str]:
    if record.dry_run:
        yield "This was a dry run. Nothing in the cluster was changed; the changes below are those it would make."
    if cut := state.interrupted(record):
        yield f"The run was cut off during step {brief(cut.id)} and has not been resumed. What follows is what it had."
