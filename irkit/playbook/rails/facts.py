"""The nouns of a decision: who is to be touched, what was done before, what is decided and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from irkit.model.audit import Severity


@dataclass(frozen=True, slots=True)
class Subject:
    """The pod as the API server shows it at the moment of the decision."""

    namespace: str
    name: str
    uid: str
    labels: dict[str, str] = field(default_factory=dict)
    priority_class: str = ""
    mirror: bool = False  # run by a kubelet from a file, not by the API server
    workload: str = ""  # "Deployment/web"; "" for a pod that nothing owns
    replicas: int = 1  # of the workload; 1 where that is not known
    control_plane: bool | None = None  # whether its node is one; None: not asked, or not to be seen


@dataclass(frozen=True, slots=True)
class Occasion:
    """Why there is a run at all."""

    trigger: str  # the name of the source: "alertmanager"
    severity: Severity


@dataclass(frozen=True, slots=True)
class Deed:
    """One change that the rails let pass: made (`real`), or only checked or told."""

    run: str
    step: str
    at: datetime
    playbook: str
    action: str
    cluster: str
    namespace: str
    uid: str
    workload: str
    real: bool
    failed: bool = False  # it did not end well


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a decision is made from."""

    run: str
    step: str
    playbook: str
    action: str
    cluster: str  # the API server's URL
    occasion: Occasion
    subject: Subject
    now: datetime
    deeds: tuple[Deed, ...] = ()  # on this cluster, for as long as any window of the policy
    frozen: str = ""  # who froze it and why; "": nobody did
    own_namespace: str = ""  # where irkit itself runs; "": not in a cluster


class Ruling(StrEnum):
    """What becomes of the step."""

    GO = "go"  # done
    REHEARSE = "rehearse"  # sent as a dry run
    WATCH = "watch"  # told, not sent
    WAIT = "wait"  # not now; `until` says when to ask again
    REFUSE = "refuse"  # not without a person


@dataclass(frozen=True, slots=True)
class Reason:
    """One rule that speaks against a step. `until`: None when time alone does not heal it."""

    rule: str  # "budget", "cool-down", ...
    why: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """The ruling and everything that spoke against, so that the report can tell all of it."""

    ruling: Ruling
    reasons: tuple[Reason, ...] = ()

    @property
    def until(self) -> datetime | None:
        """When every reason will have passed; None unless the ruling is to wait."""
        healing = [reason.until for reason in self.reasons if reason.until]
        return max(healing) if self.ruling is Ruling.WAIT else None

    @property
    def passes(self) -> bool:
        """True when nothing spoke against."""
        return not self.reasons
