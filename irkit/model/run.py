"""One run of a playbook, as the journal tells it and the report shows it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from irkit.errors import Exit
from irkit.model.audit import AuditSummary
from irkit.model.evidence import Artifact, Gap
from irkit.model.isolation import Isolation
from irkit.model.pod import Scope, Target


class Effect(StrEnum):
    """What a step may do to the world, mildest first; it comes from the step, never from the playbook's author."""

    READ = "read"
    COLLECT = "collect"
    ANNOTATE = "annotate"
    MUTATE = "mutate"
    DESTROY = "destroy"

    @property
    def changes_cluster(self) -> bool:
        """True for effects that a dry run must not have."""
        return self in (Effect.ANNOTATE, Effect.MUTATE, Effect.DESTROY)


class Status(StrEnum):
    """How a step or a run ended."""

    DONE = "done"
    GAPS = "gaps"  # finished, something is missing
    SKIPPED = "skipped"  # its condition was false, or what it needs did not happen
    REFUSED = "refused"  # permission, policy or approval said no
    UNVERIFIED = "unverified"  # done, but it does not hold: isolation not in force, integrity broken
    FAILED = "failed"
    RUNNING = "running"  # started and not ended: a crash left it so
    WAITING = "waiting"  # for people to approve; no process is held meanwhile

    @property
    def exit_code(self) -> Exit:
        """What the shell sees."""
        return _EXITS[self]


_EXITS = {
    Status.DONE: Exit.COMPLETE,
    Status.SKIPPED: Exit.COMPLETE,
    Status.GAPS: Exit.GAPS,
    Status.REFUSED: Exit.REFUSED,
    Status.UNVERIFIED: Exit.UNVERIFIED,
    Status.FAILED: Exit.FAILED,
    Status.RUNNING: Exit.FAILED,
    Status.WAITING: Exit.REFUSED,
}
# A run ends as the gravest of its steps.
GRAVITY = (
    Status.DONE,
    Status.SKIPPED,
    Status.GAPS,
    Status.REFUSED,
    Status.UNVERIFIED,
    Status.RUNNING,
    Status.WAITING,
    Status.FAILED,
)


def gravest(statuses: list[Status]) -> Status:
    """The status of a whole whose parts ended so; DONE for no parts."""
    return max(statuses, key=GRAVITY.index, default=Status.DONE)


@dataclass(frozen=True, slots=True)
class Action:
    """One thing done to the world, and how to undo it."""

    what: str  # "NetworkPolicy payments/irkit-q-1a2b3c4d created"
    undo: str = ""  # a command; "" when there is nothing to undo or no way back


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a step did: plain data, so that it can be journalled and read back."""

    status: Status
    summary: str  # one line
    details: dict[str, Any] = field(default_factory=dict)
    actions: tuple[Action, ...] = ()
    hint: str = ""  # what to do about it, when it did not end well


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One step of a run."""

    id: str
    uses: str  # "isolate@1"
    effect: Effect
    status: Status
    summary: str
    started: datetime
    finished: datetime | None = None  # None: still running, or cut off by a crash
    actions: tuple[Action, ...] = ()
    hint: str = ""
    blocked: str = ""  # the step that kept this one from running


@dataclass(frozen=True, slots=True)
class ClusterIdentity:
    """Which cluster the evidence comes from."""

    server: str  # URL
    version: str  # "v1.37.2"
    context: str  # "" in-cluster
    skew: float | None = None  # server clock minus ours in seconds; None: the server sent no Date


@dataclass(frozen=True, slots=True)
class Operator:
    """Who ran irkit."""

    os_user: str
    host: str
    kubernetes_user: str = ""  # as SelfSubjectReview says; "" where the API does not offer it


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of the timeline."""

    at: datetime
    source: str  # "audit", "event", "pod", "log", "irkit"
    actor: str
    what: str
    severity: str = "info"  # a Severity value
    ref: str = ""  # path of the artifact it stands on; "" for irkit's own acts


@dataclass(frozen=True, slots=True)
class RunRecord:
    """Everything the report tells. Derived from the journal, never kept beside it."""

    id: str
    case: str
    playbook: str
    playbook_sha256: str
    tool_version: str
    operator: Operator
    started: datetime
    status: Status
    finished: datetime | None = None  # None: still running, or cut off by a crash
    dry_run: bool = False
    cluster: ClusterIdentity | None = None  # None: it was never reached
    target: Target | None = None  # None: it was never resolved
    steps: tuple[StepRecord, ...] = ()
    isolation: Isolation | None = None  # None: no isolation was part of the run
    artifacts: tuple[Artifact, ...] = ()
    gaps: tuple[Gap, ...] = ()
    audit: AuditSummary | None = None  # None: no audit source was given
    timeline: tuple[Moment, ...] = ()
    bundle: str = ""  # path or URL; "" until sealed
    scope: Scope | None = None  # None: the run is about one pod
    tool_sha256: str = ""  # of irkit's installed files; "" in a record of a version that did not tell
    authority: str = ""  # who authorised the run, in their words; "" when nobody said

    @property
    def whom(self) -> str:
        """Whom it is about, in a sentence."""
        return "the pods" if self.scope else "the pod"
