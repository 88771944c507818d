"""The words and tones for every closed set a report shows. No colour speaks without its word."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from irkit.model.evidence import GapReason
from irkit.model.isolation import Direction, Verdict
from irkit.model.run import Status
from irkit.report import figures


class Tone(StrEnum):
    """How a reader should feel about it; each has its own icon and colour."""

    GOOD = "good"
    CAUTION = "caution"
    BAD = "bad"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class Sense:
    """A word, its tone, and what it means in one or two sentences."""

    word: str
    tone: Tone
    meaning: str = ""


VERDICTS = {
    Verdict.PROVEN: Sense(
        "proven",
        Tone.GOOD,
        "Measured with packets: a connection that worked before fails now, and still works for a pod that is not "
        "quarantined.",
    ),
    Verdict.CLAIMED: Sense(
        "claimed",
        Tone.GOOD,
        "The policy engine reports that it enforces the quarantine. No packet was sent to check.",
    ),
    Verdict.UNVERIFIED: Sense(
        "unverified",
        Tone.CAUTION,
        "Taken together, the policies admit nothing. Whether anything enforces them is not known: Kubernetes does "
        "not say.",
    ),
    Verdict.INEFFECTIVE: Sense(
        "ineffective",
        Tone.BAD,
        "Something still gets through. Network policies add up: one that allows wins over any that deny.",
    ),
}
NO_VERDICT = Sense("no verdict", Tone.CAUTION, "Nothing is known about this direction.")

DIRECTIONS = {Direction.INGRESS: "Into the pod", Direction.EGRESS: "Out of the pod"}

STATUSES = {
    Status.DONE: Sense("done", Tone.GOOD),
    Status.GAPS: Sense("done, with gaps", Tone.CAUTION),
    Status.SKIPPED: Sense("skipped", Tone.PLAIN),
    Status.REFUSED: Sense("refused", Tone.BAD),
    Status.UNVERIFIED: Sense("does not hold", Tone.BAD),
    Status.FAILED: Sense("failed", Tone.BAD),
    Status.RUNNING: Sense("not finished", Tone.CAUTION),
    Status.WAITING: Sense("waits for approval", Tone.CAUTION),
}

REASONS = {
    GapReason.DENIED: "no permission",
    GapReason.ABSENT: "not there",
    GapReason.NEVER_EXISTED: "never existed",
    GapReason.UNREACHABLE: "no answer",
    GapReason.DEADLINE: "out of time",
    GapReason.TRUNCATED: "cut short",
    GapReason.NO_ROOM: "no room on the disk",
    GapReason.REPLACED: "another pod has the name",
    GapReason.INVALID: "not what it should be",
    GapReason.FAILED: "failed",
}

# Of moments and findings: Severity values, mildest first. The shape of a mark carries the same meaning as its colour.
SEVERITIES = ("info", "low", "medium", "high", "critical")

TIERS = {
    "UID": ("1", "names the pod's uid"),
    "NAME": ("2", "names the pod, within its lifetime"),
    "GENERATED_NAME": ("3", "the pod's creation, by generated name"),
    "SERVICE_ACCOUNT": ("4", "made with the pod's service account"),
    "RELATED": ("5", "concerns its owner, node or address"),
}

SOURCES = {
    "audit": "API audit",
    "finding": "Findings",
    "event": "Events",
    "pod": "Pod",
    "log": "Logs",
    "irkit": "irkit",
}


def rank(severity: str) -> int:
    """The place of `severity` in SEVERITIES; an unknown word counts as the mildest."""
    return SEVERITIES.index(severity) if severity in SEVERITIES else 0


def pod(namespace: str, name: str) -> str:
    """How a pod is named throughout the report."""
    return f"{figures.brief(namespace, 63)}/{figures.brief(name, 253)}"
