"""Every step there is: one visible tuple."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from irkit.errors import UsageError
from irkit.model.permission import Permission
from irkit.model.pod import PodRef
from irkit.playbook.schema import API_VERSION, Pinned, Playbook, StepSpec
from irkit.playbook.steps.approve import AskPeople
from irkit.playbook.steps.audit import MatchAudit
from irkit.playbook.steps.collect import CollectEvidence, IntrudeForEvidence, SweepEvidence
from irkit.playbook.steps.contain.isolate import IsolatePod
from irkit.playbook.steps.contain.release import ReleasePod
from irkit.playbook.steps.contain.revoke import RestoreIdentity, RevokeIdentity
from irkit.playbook.steps.look.log import DetectAttacks, SearchAudit
from irkit.playbook.steps.look.node import CordonNode, ListNodePods
from irkit.playbook.steps.look.sweep import SweepSecrets
from irkit.playbook.steps.report import WriteReport
from irkit.playbook.steps.resolve import ResolvePod, ResolvePods
from irkit.playbook.steps.seal import SealBundle
from irkit.playbook.steps.ship import ShipBundle
from irkit.playbook.steps.step import Step

STEPS: tuple[Step, ...] = (
    ResolvePod(),
    ResolvePods(),
    IsolatePod(),
    ReleasePod(),
    RevokeIdentity(),
    RestoreIdentity(),
    IntrudeForEvidence(),
    CollectEvidence(),
    SweepEvidence(),
    MatchAudit(),
    DetectAttacks(),
    SearchAudit(),
    SweepSecrets(),
    ListNodePods(),
    CordonNode(),
    WriteReport(),
    SealBundle(),
    ShipBundle(),
)


# Written as `approve:`, never as `uses:`.
APPROVAL: Step = AskPeople()


def step(name: str) -> Step:
    """The step called `name`; raises UsageError."""
    for candidate in (*STEPS, APPROVAL):
        if candidate.name == name:
            return candidate
    raise UsageError(f"no such step: {name}", f"the steps: {', '.join(known.name for known in STEPS)}")


def needs(playbook: Playbook) -> tuple[Permission, ...]:
    """Every permission that the playbook's steps take, sorted, none twice."""
    return tuple(sorted({need for spec in playbook.every_step for need in _needs(spec)}))


def _needs(spec: StepSpec) -> tuple[Permission, ...]:
    undoing = step(spec.undo.uses).needs if spec.undo else ()
    return (*step(spec.does).needs, *step(spec.does).also(spec.params), *undoing)


def single(uses: str, pod: PodRef, params: Mapping[str, Any] | None = None) -> Pinned:
    """The playbook of a command that does one thing to one pod: resolve it, then `uses`.

    To be released a pod need not be there any more; one that is named without its uid may have been several.
    """
    named: dict[str, Any] = {"namespace": pod.namespace, "pod": pod.name} | ({"uid": pod.uid} if pod.uid else {})
    if uses == ReleasePod.name:
        named["or_gone"], params = True, {**(params or {}), "former": pod.uid is None}
    verb = uses.partition("@")[0].rpartition(".")[2]
    document = {
        "apiVersion": API_VERSION,
        "kind": "Playbook",
        "metadata": {"name": verb, "version": "1.0.0", "description": f"One step: {uses}."},
        "steps": [
            {"id": "resolve", "uses": "pod.resolve@1", "with": named},
            {"id": verb, "uses": uses, "with": dict(params or {})},
        ],
    }
    text = msgspec.json.format(msgspec.json.encode(document)).decode() + "\n"
    return Pinned(msgspec.convert(document, Playbook), text)
