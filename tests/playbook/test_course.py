"""The course of a run: conditions, failures gone around, attempts, time, steps at once, limits, turns, the way back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from threading import Event
from typing import Any

import pytest
from typer.testing import CliRunner

from irkit.cli.commands import load
from irkit.cluster.protocol import Cluster, Reply
from irkit.errors import DeadlineExceeded, IrkitError, Refused, Unreachable
from irkit.model.run import Outcome, RunRecord, Status
from irkit.playbook import engine, find, runs, turns
from irkit.playbook.approvals import desk
from irkit.playbook.approvals.standing import Person
from irkit.playbook.drive import lease
from irkit.playbook.drive.lease import Lease, held
from irkit.playbook.journal import log
from irkit.settings import ClusterSettings
from irkit.times import now
from tests.playbook.practice import Practice, listed

HEAD = """\
apiVersion: irkit/v1
kind: Playbook
metadata: {name: mine, version: 1.0.0}
inputs:
  namespace: {type: string, required: true, pattern: '[a-z0-9-]+'}
  pod: {type: string, required: true, pattern: '[a-z0-9.-]+'}
  audit: {type: paths, default: []}
"""
RESOLVE = (
    "  - {id: resolve, uses: pod.resolve@1, with: {namespace: '${{ inputs.namespace }}', pod: '${{ inputs.pod }}'}}\n"
)
ISOLATE = "  - {id: isolate, uses: pod.isolate@1}\n"


@pytest.fixture
def book(practice: Practice) -> Iterator[Callable[..., str]]:
    """Makes a playbook of steps, and whatever else; every run is undone afterwards."""
    practice.home.mkdir(exist_ok=True)

    def write(steps: str, rest: str = "") -> str:
        path = practice.home / "mine.yaml"
        path.write_text(f"{HEAD}{rest}steps:\n{RESOLVE}{steps}")
        return str(path)

    yield write
    for run_id in runs.ids(practice.home):
        engine.undo(run_id, practice.setup())
    assert practice.released()


def statuses(record: RunRecord) -> dict[str, Status]:
    return {one.id: one.status for one in record.steps}


@dataclass
class Weak:
    """A cluster that does not answer the first `fails` reads of a pod, or only when `stuck` is set."""

    inner: Cluster
    fails: int = 0
    stuck: Event | None = None
    seconds: float = 60.0
    asked: list[str] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a cluster offers
        return getattr(self.inner, name)

    def within(self, seconds: float) -> Weak:
        return replace(self, inner=self.inner.within(seconds), seconds=seconds)

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Reply:
        if "/pods/" in path:
            self.asked.append(path)
            if len(self.asked) <= self.fails:
                raise Unreachable("no answer")
            if self.stuck and not self.stuck.wait(self.seconds):
                raise DeadlineExceeded("no answer in time")
        return self.inner.get(path, query)


def run(practice: Practice, name: str, setup: engine.Setup, run_id: str = "r-1", **inputs: str) -> RunRecord:
    given = practice.inputs() | inputs
    return engine.run(find.load(name), given, setup, run_id=run_id, settings=practice.settings())


def weak(practice: Practice, cluster: Weak, rests: list[float] | None = None) -> engine.Setup:
    def connect(_: ClusterSettings) -> Cluster:
        return cluster

    rest = (lambda _: None) if rests is None else rests.append
    return replace(practice.setup(), connect=connect, rest=rest)


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("steps.resolve.status == 'done' && target.namespace == inputs.namespace", True),
        ("run.trigger != 'cli'", False),
        ("effects.next == 'collect' || effects.gravest == 'destroy'", False),
        ("inputs.pod.startsWith('web-') && size(inputs.audit) > 0", True),
        ("!(inputs.namespace in ['kube-system', 'payments'])", False),
    ],
)
def test_a_step_is_left_out_when_its_condition_does_not_hold(
    practice: Practice, book: Callable[..., str], condition: str, holds: bool
) -> None:
    step = f'  - {{id: isolate, uses: pod.isolate@1, if: "{condition}"}}\n'
    record = practice.run(book(step + "  - {id: last, uses: pod.release@1, needs: [isolate]}\n"))
    assert statuses(record)["isolate"] is (Status.DONE if holds else Status.SKIPPED)
    assert statuses(record)["last"] is (Status.DONE if holds else Status.SKIPPED)
    assert record.status is Status.DONE
    before = practice.journal()
    engine.resume("r-1", practice.setup())
    assert len(practice.journal()) in (len(before), len(before) + 2), "nothing is decided anew"


def test_an_approval_that_is_not_needed_is_as_good_as_given(practice: Practice, book: Callable[..., str]) -> None:
    gate = (
        "  - id: gate\n    approve: {prompt: 'Isolate?', roles: [ir-lead]}\n"
        "    if: \"effects.next == 'mutate' && run.trigger != 'cli'\"\n"
    )
    record = practice.run(book(gate + "  - {id: isolate, uses: pod.isolate@1, needs: [gate]}\n"))
    assert statuses(record) == {"resolve": Status.DONE, "gate": Status.SKIPPED, "isolate": Status.DONE}


def test_a_failure_is_gone_around(practice: Practice, book: Callable[..., str]) -> None:
    steps = (
        "  - {id: gone, uses: pod.resolve@1, with: {namespace: payments, pod: gone}, on_error: 'goto:seal'}\n"
        + ISOLATE
        + "  - {id: seal, uses: bundle.seal@1}\n"
    )
    record = practice.run(book(steps))
    assert statuses(record) == {
        "resolve": Status.DONE,
        "gone": Status.FAILED,
        "isolate": Status.SKIPPED,
        "seal": Status.DONE,
    }
    assert record.steps[2].blocked == "gone"


def test_a_step_is_taken_again_while_it_fails_ever_later(practice: Practice, book: Callable[..., str]) -> None:
    rests: list[float] = []
    path = book("", "defaults: {retry: {attempts: 4, backoff: 2s, max: 5s}}\n")
    record = run(practice, path, weak(practice, Weak(practice.cluster, fails=3), rests))
    assert record.status is Status.DONE
    assert rests == [2, 4, 5]
    assert [entry["attempt"] for entry in practice.kinds("step.started")] == [1, 2, 3, 4]
    assert len(record.steps) == 1


def test_it_is_not_taken_more_often_than_that(practice: Practice, book: Callable[..., str]) -> None:
    rests: list[float] = []
    path = book(ISOLATE, "defaults: {retry: {attempts: 2}}\n")
    setup = weak(practice, Weak(practice.cluster, fails=3), rests)
    record = run(practice, path, setup)
    assert (record.status, rests) == (Status.FAILED, [2])
    assert statuses(engine.resume("r-1", setup))["isolate"] is Status.DONE, "a person may have it tried once more"
    assert [entry["attempt"] for entry in practice.kinds("step.started") if entry["step"] == "resolve"] == [1, 2, 1, 2]


def test_what_a_failed_attempt_began_can_still_be_undone(practice: Practice, book: Callable[..., str]) -> None:
    # The same change tried again counts once: four different ones are made.
    path = book("  - {id: isolate, uses: pod.isolate@1, retry: {attempts: 2}}\n", "limits: {max_mutations: 4}\n")
    cluster, failed = practice.cluster, list[str]()

    class Once(Weak):
        def patch(self, path: str, operations: Any, *, dry_run: bool = False) -> Reply:  # noqa: ANN401
            if not dry_run and not failed:
                failed.append(path)
                raise Unreachable("no answer")
            return self.inner.patch(path, operations, dry_run=dry_run)

    record = run(practice, path, weak(practice, Once(cluster)))
    assert statuses(record)["isolate"] is Status.DONE
    assert record.isolation
    assert sorted(change.kind for change in record.isolation.changes) == [
        "NetworkPolicy",
        "Pod",
        "Pod",
        "PodDisruptionBudget",
    ]
    assert len(practice.policies()) == 1
    (undone,) = engine.undo("r-1", practice.setup())
    assert undone.status is Status.DONE


def test_a_step_that_outlives_its_time_has_failed_with_what_it_has(
    practice: Practice, book: Callable[..., str]
) -> None:
    path = book("", "defaults: {timeout: 1s}\nalways: [{id: ship, uses: bundle.ship@1}]\n")
    record = run(practice, path, weak(practice, Weak(practice.cluster, stuck=Event())))
    assert statuses(record)["resolve"] is Status.FAILED
    assert statuses(record)["ship"] is Status.FAILED, "always is taken, and has nothing to ship"


def test_what_does_not_stop_by_itself_is_let_go_and_may_do_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "GRACE", 0.0)
    go_on, tried, mine = Event(), Event(), Lease(0.1)
    refused: list[str] = []

    def act() -> Outcome:
        go_on.wait(30)
        try:
            mine.check()
        except DeadlineExceeded as error:
            refused.append(error.message)
        tried.set()
        return Outcome(Status.DONE, "too late")

    outcome = held(act, mine)
    assert outcome.status is Status.FAILED
    assert "did not end within" in outcome.summary
    go_on.set()
    assert tried.wait(30)
    assert refused == ["the step's time is up"]
    with pytest.raises(DeadlineExceeded):
        Lease(5, mine).check()


TOGETHER = """\
  - parallel:
      max: 3
      fail_fast: {fail_fast}
      steps:
        - {{id: isolate, uses: pod.isolate@1}}
        - {{id: collect, uses: evidence.collect@1, on_error: continue}}
        - {{id: audit, uses: audit.match@1, with: {{sources: '${{{{ inputs.audit }}}}'}}}}
  - {{id: seal, uses: bundle.seal@1, needs: [isolate, collect, audit]}}
"""


def test_steps_at_once_all_end_and_lose_nothing(practice: Practice, book: Callable[..., str]) -> None:
    record = practice.run(book(TOGETHER.format(fail_fast="false")))
    assert {one: str(status) for one, status in statuses(record).items()} == {
        "resolve": "done",
        "isolate": "done",
        "collect": "done",
        "audit": "gaps",
        "seal": "done",
    }
    begun = [entry["step"] for entry in practice.kinds("step.started")]
    ended = [entry["step"] for entry in practice.kinds("step.ended")]
    assert sorted(begun) == sorted(ended)
    assert begun.index("seal") == 4
    bundle = runs.show(practice.home, "r-1").bundle
    assert bundle
    assert set(listed(bundle.path)) == {artifact.path for artifact in record.artifacts}


def test_with_fail_fast_nothing_begins_once_one_has_failed(practice: Practice, book: Callable[..., str]) -> None:
    steps = TOGETHER.format(fail_fast="true").replace("max: 3", "max: 1")
    steps = steps.replace("uses: pod.isolate@1", "uses: pod.resolve@1, with: {namespace: payments, pod: gone}")
    record = practice.run(book(steps))
    assert statuses(record) == {
        "resolve": Status.DONE,
        "isolate": Status.FAILED,
        "collect": Status.SKIPPED,
        "audit": Status.SKIPPED,
        "seal": Status.SKIPPED,
    }
    assert {one.blocked for one in record.steps if one.status is Status.SKIPPED} == {"isolate"}


def test_an_interrupt_of_steps_at_once_is_gone_on_with(practice: Practice, book: Callable[..., str]) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    practice.progress.at("Artifact", interrupt, time=3)
    with pytest.raises(IrkitError, match="interrupted"):
        practice.run(book(TOGETHER.format(fail_fast="false")))
    taken = {entry["artifact"]["path"] for entry in practice.kinds("artifact")}
    assert len(taken) >= 3
    with log.opened(runs.locate(practice.home, "r-1"), now) as journal:
        assert journal.records[-1]["kind"] == "run.interrupted", "nothing is written after it"
    record = engine.resume("r-1", practice.setup())
    assert statuses(record)["seal"] is Status.DONE
    assert len(practice.policies()) == 1
    paths = [entry["artifact"]["path"] for entry in practice.kinds("artifact")]
    assert [path for path in taken if paths.count(path) > 1 and not path.startswith("audit/")] == []


@pytest.mark.parametrize(
    ("limits", "why"), [("max_mutations: 1", "limit of 1 changes"), ("max_pods: 0", "limit of 0 pods")]
)
def test_a_limit_keeps_a_step_from_its_next_change(
    practice: Practice, book: Callable[..., str], limits: str, why: str
) -> None:
    record = practice.run(book(ISOLATE, f"limits: {{{limits}}}\n"))
    assert statuses(record)["isolate"] is Status.REFUSED
    assert why in record.steps[1].summary
    assert not practice.quarantined()
    assert len(practice.kinds("change.intended")) == 1


def test_a_run_takes_no_further_step_once_it_took_too_long(practice: Practice, book: Callable[..., str]) -> None:
    path = book(ISOLATE, "limits: {max_duration: 10m}\nalways: [{id: seal, uses: bundle.seal@1}]\n")
    late = [timedelta(0)]
    practice.progress.at("ended resolve", lambda: late.append(timedelta(minutes=11)))
    record = run(practice, path, replace(practice.setup(), clock=lambda: now() + late[-1]))
    assert statuses(record) == {"resolve": Status.DONE, "isolate": Status.REFUSED, "seal": Status.DONE}
    assert "may take 10m" in record.steps[1].summary
    assert statuses(engine.resume("r-1", practice.setup()))["isolate"] is Status.DONE, "going on begins it anew"


KEYED = "concurrency: {{key: '${{{{ inputs.namespace }}}}/${{{{ inputs.pod }}}}', on_conflict: {how}}}\n"
GATE = "  - {id: gate, approve: {prompt: 'Go on?'}}\n"


def test_a_second_run_of_one_key_joins_the_first(practice: Practice, book: Callable[..., str]) -> None:
    path = book(GATE + ISOLATE, KEYED.format(how="join"))
    first = run(practice, path, practice.setup())
    assert first.status is Status.WAITING
    assert run(practice, path, practice.setup(), "r-2").id == "r-1"
    assert runs.ids(practice.home) == ["r-1"]
    desk.deny(practice.home, "r-1", Person("ana"), now())
    engine.resume("r-1", practice.setup())
    assert run(practice, path, practice.setup(), "r-2").id == "r-2", "the first has ended"


def test_the_command_says_that_it_joined(practice: Practice, book: Callable[..., str]) -> None:
    path = book(GATE, KEYED.format(how="join"))
    env = {"IRKIT_HOME": str(practice.home), "KUBECONFIG": str(practice.range.kubeconfig)}
    words = ["playbook", "run", path, "-n", "payments", "-i", f"pod={practice.pod}"]
    first, second = (CliRunner().invoke(load(), words, env=env) for _ in range(2))
    assert (first.exit_code, second.exit_code) == (3, 3)
    (run_id,) = runs.ids(practice.home)
    assert f"joined run {run_id}" in second.output
    assert "joined" not in first.output


def test_a_second_run_of_one_key_is_refused(practice: Practice, book: Callable[..., str]) -> None:
    path = book(GATE, KEYED.format(how="reject"))
    run(practice, path, practice.setup())
    with pytest.raises(Refused, match=r"run r-1 of mine is under way for payments/web-"):
        run(practice, path, practice.setup(), "r-2")
    other = run(practice, path, practice.setup(), "r-3", pod="gone")
    assert other.id == "r-3", "another key"
    assert runs.ids(practice.home) == ["r-3", "r-1"]


def test_a_second_run_of_one_key_waits_for_the_first(practice: Practice, book: Callable[..., str]) -> None:
    path = book(GATE, KEYED.format(how="queue"))
    run(practice, path, practice.setup())
    said: list[str] = []

    def rest(_: float) -> None:
        desk.cancel(practice.home, "r-1", Person("ana"), now())
        engine.resume("r-1", practice.setup())

    setup = replace(practice.setup(), rest=rest)
    with pytest.raises(turns.Occupied):
        run(practice, path, setup, "r-2")
    record = engine.run_in_turn(lambda: run(practice, path, setup, "r-2"), setup, said.append)
    assert record.id == "r-2"
    assert len(said) == 1
    assert "this one waits" in said[0]


def test_a_run_that_was_cut_off_has_lost_its_turn(practice: Practice, book: Callable[..., str]) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    path = book(ISOLATE, KEYED.format(how="reject"))
    practice.progress.at("ended resolve", interrupt)
    with pytest.raises(Exception, match="interrupted"):
        run(practice, path, practice.setup())
    assert run(practice, path, practice.setup(), "r-2").status is Status.DONE


def test_the_author_says_how_to_undo(practice: Practice, book: Callable[..., str]) -> None:
    path, label = f"/api/v1/namespaces/payments/pods/{practice.pod}", "/metadata/labels/app"
    before = practice.pod_object()["metadata"]["labels"]["app"]
    practice.run(book("  - {id: isolate, uses: pod.isolate@1, undo: {uses: pod.release@1, with: {force: true}}}\n"))
    practice.cluster.patch(path, [{"op": "add", "path": label, "value": "theirs"}])
    (undone,) = engine.undo("r-1", practice.setup())
    assert undone.status is Status.DONE, "what others changed since would be refused without force"
    assert practice.pod_object()["metadata"]["labels"]["app"] == "theirs"
    practice.cluster.patch(path, [{"op": "replace", "path": label, "value": before}])
