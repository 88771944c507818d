"""Where a run meets the rails: before each step that changes the cluster, and after it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from irkit.cluster.protocol import Cluster
from irkit.errors import NotFound, PodReplaced, UsageError
from irkit.model.codec import plain
from irkit.model.pod import PodRef
from irkit.model.run import Outcome, Status
from irkit.playbook.rails.decide import decide
from irkit.playbook.rails.facts import Decision, Deed, Facts, Occasion, Ruling, Subject
from irkit.playbook.rails.lint import ACTIONS, Rules
from irkit.playbook.rails.look import look
from irkit.playbook.rails.memory import Freeze, Memory
from irkit.playbook.steps.step import Context, Step
from irkit.times import rfc3339

_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_GOOD = (Status.DONE, Status.GAPS, Status.SKIPPED)

Note = Callable[[dict[str, Any]], object]


@dataclass(frozen=True, slots=True)
class Guard:
    """The rails of one run: its rules, what was done before, and why the run exists."""

    rules: Rules
    memory: Memory
    occasion: Occasion

    def perform(self, step: str, acting: Step, params: Any, context: Context, note: Note) -> Outcome:  # noqa: ANN401 - the step's own
        """What `acting` did, as far as the rails let it; `note` journals the decision before anything follows from it.

        Raises what the step raises, ClusterErrors about the pod, and RailsError: without a decision nothing is done.
        """
        decision = self._decide(step, acting, context)
        note(self._told(decision))
        match decision.ruling:
            case Ruling.GO:
                return self._go(step, acting, params, context)
            case Ruling.REHEARSE:
                return self._rehearsed(acting.run(params, _harmless(context)), decision)
            case Ruling.WATCH:
                return Outcome(Status.DONE, f"rails observe: would {acting.about}", {"rails": self._told(decision)})
            case Ruling.WAIT | Ruling.REFUSE:
                return self._refused(decision)

    def explain(self, action: str, playbook: str, pod: PodRef, cluster: Cluster, now: datetime) -> Decision:
        """What would be decided about a new run, now; nothing is remembered.

        Raises what `perform` raises, and UsageError for what rails are never asked about.
        """
        if action not in ACTIONS:
            raise UsageError(f"no such action: {action}", f"rails decide about {', '.join(sorted(ACTIONS))}")
        facts = self._facts("", "", playbook, action, self._look(pod, cluster), cluster, now)
        deeds = self.memory.deeds(facts.cluster, now)
        return decide(self.rules.policy, _complete(facts, deeds, self.memory.frozen()))

    def _decide(self, step: str, acting: Step, context: Context) -> Decision:
        cluster, playbook = context.connect(), context.record.playbook
        subject = self._subject(acting, context.pod, cluster)
        facts = self._facts(context.run, step, playbook, acting.name, subject, cluster, context.clock())

        def ask(deeds: tuple[Deed, ...], frozen: Freeze | None) -> tuple[Decision, Deed | None]:
            decision = decide(self.rules.policy, _complete(facts, deeds, frozen))
            return decision, _deed(facts, decision) if decision.passes else None

        return self.memory.decide(ask, facts.cluster, facts.now)

    def _subject(self, acting: Step, pod: PodRef, cluster: Cluster) -> Subject:
        """Of a pod that is gone its name is all there is: enough for a step that takes back what is left of it."""
        try:
            return self._look(pod, cluster)
        except (NotFound, PodReplaced):
            if not acting.outlives:
                raise
            return Subject(pod.namespace, pod.name, str(pod.uid), control_plane=False)

    def _look(self, pod: PodRef, cluster: Cluster) -> Subject:
        return look(pod, cluster, node=self.rules.policy.protect.control_plane_nodes)

    def _facts(
        self, run: str, step: str, playbook: str, action: str, subject: Subject, cluster: Cluster, now: datetime
    ) -> Facts:
        own = _NAMESPACE.read_text().strip() if _NAMESPACE.exists() else ""
        return Facts(run, step, playbook, action, cluster.server, self.occasion, subject, now, own_namespace=own)

    def _go(self, step: str, acting: Step, params: Any, context: Context) -> Outcome:  # noqa: ANN401 - the step's own
        try:
            outcome = acting.run(params, context)
        except BaseException:
            self.memory.failed(context.run, step)
            raise
        if outcome.status not in _GOOD:
            self.memory.failed(context.run, step)
        return outcome

    def _told(self, decision: Decision) -> dict[str, Any]:
        return {
            "ruling": decision.ruling,
            "reasons": plain(decision.reasons),
            "until": decision.until and rfc3339(decision.until),
            "mode": self.rules.policy.mode,
            "rules_sha256": self.rules.sha256,
            "trigger": self.occasion.trigger,
            "severity": self.occasion.severity,
        }

    def _rehearsed(self, outcome: Outcome, decision: Decision) -> Outcome:
        """A dry run's outcome that nobody takes for the deed: no isolation to report, nothing to undo."""
        details = {"rails": self._told(decision), "would": [action.what for action in outcome.actions]}
        return replace(outcome, summary=f"rails dry-run: {outcome.summary}", details=details, actions=())

    def _refused(self, decision: Decision) -> Outcome:
        why = "; ".join(reason.why for reason in decision.reasons)
        later = f"it may be asked again at {rfc3339(decision.until)}" if decision.until else ""
        hint = later or "a person may: irkit isolate, or irkit run resume"
        word = "wait" if decision.until else "refuse"
        return Outcome(Status.REFUSED, f"the rails {word}: {why}", {"rails": self._told(decision)}, hint=hint)


def _complete(facts: Facts, deeds: tuple[Deed, ...], frozen: Freeze | None) -> Facts:
    return replace(facts, deeds=deeds, frozen=str(frozen) if frozen else "")


def _deed(facts: Facts, decision: Decision) -> Deed:
    subject = facts.subject
    return Deed(
        facts.run,
        facts.step,
        facts.now,
        facts.playbook,
        facts.action,
        facts.cluster,
        subject.namespace,
        subject.uid,
        subject.workload,
        decision.ruling is Ruling.GO,
    )


def _harmless(context: Context) -> Context:
    return replace(context, dry_run=True, intend=lambda _: None)
