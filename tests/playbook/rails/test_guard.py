"""Runs on rails, on the practice cluster: what the policy says is what happens to the pod."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from irkit.errors import PodReplaced
from irkit.model.audit import Severity
from irkit.model.pod import PodRef
from irkit.model.run import RunRecord, Status
from irkit.playbook import engine, find
from irkit.playbook.rails.facts import Occasion
from irkit.playbook.rails.guard import Guard
from irkit.playbook.rails.lint import parse
from irkit.playbook.rails.look import look
from irkit.playbook.rails.memory import Memory
from irkit.times import now
from tests.playbook.practice import NAMESPACE, Practice

RAILS = """\
apiVersion: irkit/v1
kind: Rails
mode: {mode}
allow: [{{actions: [pod.isolate@1], namespaces: [{namespace}], min_severity: medium}}]
protect: {{control_plane_nodes: false}}
"""


@pytest.fixture(autouse=True)
def clean(practice: Practice) -> Iterator[None]:
    """Give back what a run took."""
    yield
    for run in ("r-1", "r-2"):
        if (practice.home / "runs" / run).exists():
            engine.undo(run, practice.setup())
    assert practice.released()


def guard(practice: Practice, mode: str = "enforce", namespace: str = NAMESPACE, text: str = "") -> Guard:
    rules = parse(text or RAILS.format(mode=mode, namespace=namespace))
    return Guard(rules, Memory(practice.home), Occasion("alertmanager", Severity.HIGH))


def run(practice: Practice, rails: Guard, run_id: str = "r-1", pod: str = "") -> RunRecord:
    setup = replace(practice.setup(), rails=rails)
    inputs = {"namespace": NAMESPACE, "pod": pod or practice.pod}
    return engine.run(
        find.load("compromised-pod"), inputs, setup, run_id=run_id, settings=practice.settings(), case="C-1"
    )


def isolate(record: RunRecord) -> Any:  # noqa: ANN401 - StepRecord
    return next(step for step in record.steps if step.id == "isolate")


def test_what_is_allowed_is_done_and_the_decision_is_on_record_first(practice: Practice) -> None:
    record = run(practice, guard(practice))
    assert isolate(record).status in (Status.DONE, Status.UNVERIFIED)
    assert len(practice.policies()) == 1
    kinds = [entry["kind"] for entry in practice.journal() if entry.get("step") == "isolate"]
    assert kinds.index("rails.decided") < kinds.index("change.intended")
    (decided,) = practice.kinds("rails.decided")
    assert (decided["decision"]["ruling"], decided["decision"]["trigger"]) == ("go", "alertmanager")
    assert [deed.real for deed in Memory(practice.home).deeds(practice.cluster.server, now())] == [True]


@pytest.mark.parametrize("mode", ["dry-run", "observe"])
def test_a_gentler_mode_changes_nothing_and_claims_nothing(practice: Practice, mode: str) -> None:
    record = run(practice, guard(practice, mode))
    assert practice.released()
    assert practice.kinds("change.intended") == []
    assert record.isolation is None
    assert mode in isolate(record).summary
    assert isolate(record).actions == ()
    assert record.artifacts, "reading goes on"


def test_what_is_not_allowed_is_refused_and_evidence_is_taken_all_the_same(practice: Practice) -> None:
    record = run(practice, guard(practice, namespace="elsewhere"))
    assert (isolate(record).status, record.status) == (Status.REFUSED, Status.REFUSED)
    assert "no rule allows" in isolate(record).summary
    assert practice.released()
    assert record.artifacts
    assert Memory(practice.home).deeds(practice.cluster.server, now()) == ()


def test_a_freeze_holds_and_a_thaw_lets_the_same_run_go_on(practice: Practice) -> None:
    rails = guard(practice)
    rails.memory.freeze("ana", "drill", now())
    assert "frozen by ana" in isolate(run(practice, rails)).summary
    assert practice.released()
    rails.memory.thaw("ana", now())
    engine.resume("r-1", replace(practice.setup(), rails=rails))
    assert len(practice.policies()) == 1


def test_a_second_run_on_the_pod_waits_until_it_has_cooled_down(practice: Practice) -> None:
    pod = practice.pod
    run(practice, guard(practice), pod=pod)
    record = run(practice, guard(practice), "r-2", pod)
    assert isolate(record).status is Status.REFUSED
    decision = practice.kinds("rails.decided", "r-2")[0]["decision"]
    assert (decision["ruling"], decision["reasons"][0]["rule"]) == ("wait", "cool-down")
    assert decision["until"] in isolate(record).hint


def test_rails_that_cannot_remember_let_nothing_pass(practice: Practice) -> None:
    rails = guard(practice)
    practice.home.mkdir(exist_ok=True)
    rails.memory.path.write_text("broken, and long enough to be looked at" * 30)
    assert isolate(run(practice, rails)).status is Status.FAILED
    assert practice.released()


def test_a_person_who_starts_a_run_is_not_asked(practice: Practice) -> None:
    practice.run()
    assert practice.kinds("rails.decided") == []


def test_the_pod_is_looked_at_as_it_is(practice: Practice) -> None:
    metadata = practice.pod_object()["metadata"]
    subject = look(PodRef(NAMESPACE, practice.pod, metadata["uid"]), practice.cluster, node=True)
    assert (subject.uid, subject.labels) == (metadata["uid"], metadata["labels"])
    assert subject.workload.startswith("Deployment/")
    assert subject.replicas >= 1
    with pytest.raises(PodReplaced):
        look(PodRef(NAMESPACE, practice.pod, "another"), practice.cluster, node=False)
