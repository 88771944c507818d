"""A playbook as a document: the nouns of `apiVersion: irkit/v1`, `kind: Playbook`."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

API_VERSION = "irkit/v1"
# One whole value and nothing around it: text is never pasted into text.
EXPRESSION = r"^\$\{\{ *inputs\.([a-z][a-z0-9_]*) *\}\}$"

APPROVE = "approve"  # what the registry calls a step that asks people
NAME = r"^[a-z][a-z0-9_]{0,39}$"
MAX_STEPS = 50

Identifier = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
Span = Annotated[str, Meta(pattern=r"^[1-9]\d{0,4}[smhd]$", description="a length of time: 45s, 10m, 12h or 7d")]
InputName = Annotated[str, Meta(pattern=NAME)]
InputType = Literal["string", "integer", "number", "boolean", "list", "paths"]


class Metadata(Struct, frozen=True, forbid_unknown_fields=True):
    """What a reader sees first. `attack` and `d3fend` are ids of those catalogues."""

    name: Identifier
    version: Annotated[str, Meta(pattern=r"^\d+\.\d+\.\d+$")]
    title: str = ""
    description: str = ""
    attack: tuple[Annotated[str, Meta(pattern=r"^T\d{4}(\.\d{3})?$")], ...] = ()
    d3fend: tuple[Annotated[str, Meta(pattern=r"^D3-[A-Z]+$")], ...] = ()


class Input(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One value that a run is given. `list` is a list of strings; `pattern` must match the whole of each string.

    `paths` is a list of files, folders, globs, URLs and `-`: files are kept absolute, so that a run resumed from
    another folder finds them.
    """

    type: InputType
    required: bool = False
    pattern: Annotated[str, Meta(max_length=500)] | None = None  # None: any text
    default: Any = None  # None: no default
    description: str = ""


class Escalate(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Who is asked the same where nobody answered in time. If they do not answer either, it is denied."""

    roles: Annotated[tuple[Identifier, ...], Meta(min_length=1)]
    quorum: Annotated[int, Meta(ge=1, le=9)] = 1
    timeout: Span = "1h"


class Approve(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What people are asked before the steps that follow. `roles`: who may answer, one of them; none: anybody.

    `not: [initiator]` keeps out whoever started the run. Without an answer in time it is denied, gone on, or others
    are asked: those of `escalate`.
    """

    prompt: Annotated[str, Meta(min_length=1, max_length=500)]
    roles: tuple[Identifier, ...] = ()
    quorum: Annotated[int, Meta(ge=1, le=9)] = 1
    exclude: tuple[Literal["initiator"], ...] = msgspec.field(default=(), name="not")
    timeout: Span = "1h"
    on_timeout: Literal["deny", "continue", "escalate"] = "deny"
    escalate: Escalate | None = None  # None unless on_timeout says escalate

    @property
    def escalated(self) -> Approve:
        """What is asked once nobody has answered."""
        wider = self.escalate
        assert wider is not None, "the lint lets no on_timeout: escalate pass without it"  # noqa: S101
        return Approve(self.prompt, wider.roles, wider.quorum, self.exclude, wider.timeout)


class Retry(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A step that fails is taken again, after twice as long each time; `attempts` counts the first."""

    attempts: Annotated[int, Meta(ge=1, le=10)]
    backoff: Span = "2s"
    max: Span = "30s"


class Undo(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What `irkit run undo` does about a step, instead of what the step itself would."""

    uses: str
    params: dict[str, Any] = msgspec.field(default_factory=dict, name="with")


class StepSpec(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One step: `uses` names it in the registry, or people are asked, or several are taken in parallel.

    `needs`: what must have ended well before it; `if`: a condition without which it is left out.
    """

    id: Identifier = ""  # "" for a parallel block, which has none
    uses: str = ""  # "" for one that asks for approval, and for a parallel block
    params: dict[str, Any] = msgspec.field(default_factory=dict, name="with")
    approve: Approve | None = None  # None: it asks nobody
    parallel: Parallel | None = None  # None: it is one step
    condition: str = msgspec.field(default="", name="if")  # "": always
    needs: tuple[str, ...] = ()
    on_error: Annotated[str, Meta(pattern=r"^(stop|continue|goto:[a-z][a-z0-9_-]{0,39})$")] = "stop"
    retry: Retry | None = None  # None: the playbook's default
    timeout: Span | None = None  # None: the playbook's default
    undo: Undo | None = None  # None: the step's own

    @property
    def does(self) -> str:
        """The name under which the registry knows it."""
        return APPROVE if self.approve else self.uses

    @property
    def goto(self) -> str:
        """Where a run goes on that this step stopped; "" for nowhere."""
        return self.on_error.partition(":")[2]


class Parallel(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Steps taken at once, `max` at a time. With `fail_fast`, none begins any more once one has failed."""

    steps: Annotated[tuple[StepSpec, ...], Meta(min_length=1, max_length=MAX_STEPS)]
    max: Annotated[int, Meta(ge=1, le=16)] = 4
    fail_fast: bool = False


class Defaults(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What steps have that do not say otherwise; approvals and what is always done are left alone."""

    timeout: Span | None = None  # None: no end
    retry: Retry | None = None  # None: not again


class Limits(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How far one run may go, whatever its steps would do. `max_duration` begins anew when a run is gone on with."""

    max_mutations: Annotated[int, Meta(ge=0)] | None = None  # None: no limit, as below
    max_pods: Annotated[int, Meta(ge=0)] | None = None
    max_duration: Span | None = None


class Concurrency(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Of this playbook one run at a time for each `key`: another is given the open one, waits for it, or is refused."""

    key: Annotated[str, Meta(min_length=1, max_length=500)]
    on_conflict: Literal["join", "queue", "reject"] = "join"


class Playbook(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A whole playbook: `steps` in order, then `always` however they ended."""

    apiVersion: Literal["irkit/v1"]
    kind: Literal["Playbook"]
    metadata: Metadata
    steps: Annotated[tuple[StepSpec, ...], Meta(min_length=1, max_length=MAX_STEPS)]
    inputs: dict[InputName, Input] = {}
    always: Annotated[tuple[StepSpec, ...], Meta(max_length=MAX_STEPS)] = ()
    defaults: Defaults = Defaults()
    limits: Limits = Limits()
    concurrency: Concurrency | None = None  # None: as many at once as are started

    @property
    def blocks(self) -> tuple[Parallel, ...]:
        """`steps` as what is taken together; one step by itself is a block of one."""
        return tuple(spec.parallel or Parallel((spec,)) for spec in self.steps)

    @property
    def every_step(self) -> tuple[StepSpec, ...]:
        """Steps in the order in which they are written."""
        return tuple(spec for block in self.blocks for spec in block.steps) + self.always

    def retrying(self, spec: StepSpec) -> Retry:
        """How often `spec` is taken."""
        once = Retry(1)
        return spec.retry or (once if spec.approve or spec in self.always else self.defaults.retry or once)

    def patience(self, spec: StepSpec) -> Span | None:
        """How long `spec` may take; None for as long as it does."""
        return spec.timeout or (None if spec.approve or spec in self.always else self.defaults.timeout)


@dataclass(frozen=True, slots=True)
class Pinned:
    """A playbook bound to the text it was read from: a file changed later never alters a run."""

    playbook: Playbook
    text: str
    source: str = ""  # file path; "" for one that irkit composed

    @property
    def sha256(self) -> str:
        """The hash that a run is pinned to."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def name(self) -> str:
        """The playbook's own name."""
        return self.playbook.metadata.name
