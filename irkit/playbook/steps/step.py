"""What a step is, and what it is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct

from irkit import digest
from irkit.cluster.protocol import Cluster
from irkit.errors import Exit, IrkitError, NotFound, UsageError
from irkit.model.bundle import Bundle
from irkit.model.evidence import Artifact, Gap
from irkit.model.isolation import Change
from irkit.model.permission import Permission
from irkit.model.pod import PodRef, Scope, Target
from irkit.model.run import Effect, Outcome, RunRecord, Status
from irkit.playbook.schema import Approve
from irkit.settings import SealSettings, StoreSettings
from irkit.text import slug

_STATUS = {Exit.REFUSED: Status.REFUSED, Exit.UNVERIFIED: Status.UNVERIFIED}


@dataclass(frozen=True, slots=True)
class Context:
    """What a step may know and use. `folder` is the run's own; `folder/data` is what the bundle will hold."""

    run: str
    case: str
    folder: Path
    store: StoreSettings
    record: RunRecord  # the run as it was when this attempt at the step began
    started: datetime  # when this attempt began; a resumed attempt keeps it
    custody: tuple[Mapping[str, Any], ...]  # the journal up to then
    connect: Callable[[], Cluster]
    clock: Callable[[], datetime]
    intend: Callable[[Change], None]  # journal a change before it is sent
    keep: Callable[[Artifact | Gap], None]  # journal evidence as it comes
    ask: Callable[[Approve], Outcome]  # what people answer; WAITING while they have not
    dry_run: bool = False
    intended: tuple[Change, ...] = ()  # by this attempt, before a crash
    sealing: SealSettings = field(default_factory=SealSettings)
    sealed: Bundle | None = None  # None: no bundle is sealed yet
    held: Mapping[str, Artifact] = field(
        default_factory=dict
    )  # evidence taken before a crash and still intact, by path

    @property
    def data(self) -> Path:
        """The staged payload of the bundle."""
        return self.folder / "data"

    @property
    def target(self) -> Target:
        """The pod of this run; raises UsageError when no step has resolved it."""
        if self.record.target is None:
            raise UsageError("the run has no pod yet", "a playbook resolves its pod first, with pod.resolve@1")
        return self.record.target

    @property
    def scope(self) -> Scope:
        """The pods of this run; raises UsageError when no step has resolved them."""
        if self.record.scope is None:
            raise UsageError("the run has no pods yet", "a playbook resolves them first, with pods.resolve@1")
        return self.record.scope

    @property
    def key_file(self) -> Path:
        """The key of the case, which hides its secrets, and keys their hashes; in no bundle in clear."""
        return self.folder.parent.parent / "cases" / f"{slug(self.case)}.key"

    @property
    def subject(self) -> str:
        """What the run is about, for a file's name."""
        scope = self.record.scope
        return f"{scope.namespace}-{scope.what}".replace("/", "-") if scope else self.target.name

    @property
    def pod(self) -> PodRef:
        """The pod of this run, pinned; raises NotFound for one that was gone already, and never had a uid here."""
        if not self.target.uid:
            raise NotFound(f"there is no pod {self.named}")
        return PodRef(self.target.namespace, self.target.name, self.target.uid)

    @property
    def named(self) -> PodRef:
        """The same by its name alone: any that has it, or had it."""
        return PodRef(self.target.namespace, self.target.name)

    def write(self, path: str, collector: str, chunks: Iterable[bytes], about: str) -> Artifact:
        """Write one piece of evidence to `path` under the payload and keep it; a second time writes it anew."""
        measured = digest.write(chunks, self.data / path)
        artifact = Artifact(path, collector, measured.sha256, measured.size, self.clock(), about=about)
        self.keep(artifact)
        return artifact


class Step(Protocol):
    """One thing a playbook can do. Its effect is its own, never the author's to declare."""

    @property
    def name(self) -> str:
        """Kind and version: "pod.isolate@1"."""
        ...

    @property
    def about(self) -> str:
        """What it does, as an infinitive: "cut the pod off from the network"."""
        ...

    @property
    def effect(self) -> Effect:
        """What it may do to the world."""
        ...

    @property
    def targeted(self) -> bool:
        """True when it works on the run's pod, so that pod.resolve@1 has to come before it."""
        ...

    @property
    def outlives(self) -> bool:
        """True when it works on what is left of a pod that is gone, too."""
        ...

    @property
    def reversible(self) -> bool:
        """True when `undo` may have something to take back."""
        ...

    @property
    def Params(self) -> type[Struct]:
        """The shape of `with`."""
        ...

    @property
    def needs(self) -> tuple[Permission, ...]:
        """What it takes on the cluster."""
        ...

    def also(self, params: Mapping[str, Any]) -> tuple[Permission, ...]:
        """What more it takes for what `with` asks for, references not looked up."""
        ...

    def check(self, params: Any, store: StoreSettings) -> None:  # noqa: ANN401
        """Raise UsageError for what can be known to be unusable before anything is done."""
        ...

    def run(self, params: Any, context: Context) -> Outcome:  # noqa: ANN401 - this step's own Params
        """Do it. May raise any IrkitError. Doing it again after a crash must not do it twice."""
        ...

    def observe(self, params: Any, context: Context) -> Outcome | None:  # noqa: ANN401
        """What the world says about an attempt cut off by a crash; None: it has to be run again."""
        ...

    def undo(self, params: Any, context: Context) -> Outcome | None:  # noqa: ANN401
        """Take it back; None for a step that leaves nothing to take back."""
        ...


class Base:
    """The usual step: no permissions, nothing to observe, nothing to undo, and no work without the pod."""

    outlives = False

    @property
    def reversible(self) -> bool:
        """Where it has an `undo` of its own."""
        return type(self).undo is not Base.undo

    @property
    def needs(self) -> tuple[Permission, ...]:
        """Nothing on the cluster."""
        return ()

    def also(self, params: Mapping[str, Any]) -> tuple[Permission, ...]:
        """Nothing more."""
        return ()

    def check(self, params: Any, store: StoreSettings) -> None:  # noqa: ANN401
        """Nothing to know before."""

    def observe(self, params: Any, context: Context) -> Outcome | None:  # noqa: ANN401
        """Run it again."""
        return None

    def undo(self, params: Any, context: Context) -> Outcome | None:  # noqa: ANN401
        """Nothing to take back."""
        return None


class NoParams(Struct, frozen=True, forbid_unknown_fields=True):
    """For a step that takes none."""


def failed(error: IrkitError) -> Outcome:
    """How a step ends that raised `error`."""
    return Outcome(_STATUS.get(error.exit_code, Status.FAILED), error.message, hint=error.hint)
