"""Whole runs on the practice cluster: what ends how, and what is kept whatever happens."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from irkit.bundle.verify import verify
from irkit.cluster.resources import NETWORK_POLICIES, PODS
from irkit.drill.range.access.users import User
from irkit.drill.range.server import start
from irkit.errors import Exit, IrkitError, UsageError
from irkit.model.evidence import GapReason
from irkit.model.isolation import Verdict
from irkit.model.pod import PodRef
from irkit.model.run import Effect, Outcome, RunRecord, Status
from irkit.playbook import engine, runs
from irkit.playbook.drive.guarded import guarded
from irkit.playbook.journal.record import fold
from irkit.playbook.registry import single, step
from irkit.playbook.steps.step import failed
from tests.playbook.practice import NAMESPACE, Practice, bundled, listed


def statuses(record: RunRecord) -> dict[str, Status]:
    return {one.id: one.status for one in record.steps}


def test_respond_isolates_collects_seals_and_ships(practice: Practice) -> None:
    record = practice.run()
    assert statuses(record) == {
        "resolve": Status.DONE,
        "isolate": Status.DONE,
        "collect": Status.DONE,
        "audit": Status.GAPS,  # the scenario's audit log begins after the pod
        "report": Status.DONE,
        "seal": Status.DONE,
        "ship": Status.DONE,
    }
    assert record.status is Status.GAPS
    assert record.case == "C-1"
    assert record.operator.kubernetes_user
    assert record.cluster
    assert record.audit
    assert sum(record.audit.matched.values()) > 0
    assert record.timeline
    assert len(practice.policies()) == 1
    assert practice.quarantined()

    run = runs.show(practice.home, "r-1")
    assert run.bundle
    assert run.receipt
    verified = verify(run.bundle.path)
    assert verified.ok, verified.problems
    assert run.receipt.sha256 == run.bundle.sha256
    assert json.loads((run.folder / "receipt.json").read_bytes())["sha256"] == run.bundle.sha256
    assert [path.name for path in practice.stored()] == [run.bundle.path.name]
    assert set(listed(run.bundle.path)) == {artifact.path for artifact in record.artifacts}
    assert b"isolated" in bundled(run.bundle.path, "report/report.md")
    assert replace(fold(practice.journal()), timeline=record.timeline) == record
    engine.undo("r-1", practice.setup())
    assert practice.released()


def test_custody_in_the_bundle_tells_all_up_to_the_seal(practice: Practice) -> None:
    practice.run("collect-only")
    bundle = runs.show(practice.home, "r-1").bundle
    assert bundle
    from irkit.bundle.reader import cat

    lines = b"".join(cat(bundle.path, "custody.jsonl")).splitlines()
    told = [(entry["kind"], entry.get("step")) for entry in map(json.loads, lines)]
    assert told[0] == ("run.started", None)
    assert told[-1] == ("step.started", "seal")
    assert sum(kind == "artifact" for kind, _ in told) == len(listed(bundle.path))


def test_collect_only_changes_nothing(practice: Practice) -> None:
    before = practice.pod_object()
    record = practice.run("collect-only")
    assert record.status in (Status.DONE, Status.GAPS)
    assert record.isolation is None
    assert practice.pod_object() == before
    assert not practice.policies()
    assert engine.undo("r-1", practice.setup()) == ()


def test_a_dry_run_changes_nothing_and_takes_nothing(practice: Practice) -> None:
    record = practice.run(dry_run=True)
    assert record.status is Status.DONE
    assert record.dry_run
    assert practice.released()
    assert record.isolation
    assert {change.kind for change in record.isolation.changes} == {"NetworkPolicy", "Pod", "PodDisruptionBudget"}
    assert all("would be" in action.what and not action.undo for one in record.steps for action in one.actions)
    assert [one.summary for one in record.steps if one.effect is Effect.COLLECT] == [
        "dry run: would collect the pod's evidence",
        "dry run: would search the audit log for the pod",
        "dry run: would write the report",
        "dry run: would seal the evidence in a bundle",
        "dry run: would ship the bundle to the store",
    ]
    assert not practice.kinds("change.intended")
    assert not list((runs.locate(practice.home, "r-1") / "data").iterdir())
    assert not list(practice.stored())
    assert engine.undo("r-1", practice.setup()) == ()


def test_an_isolation_that_does_not_hold_costs_no_evidence(practice: Practice) -> None:
    leak = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "let-all-in", "namespace": NAMESPACE},
        "spec": {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{}]},
    }
    made = practice.cluster.create(NETWORK_POLICIES.path(NAMESPACE), leak).json()
    try:
        record = practice.run()
    finally:
        engine.undo("r-1", practice.setup())
        path = NETWORK_POLICIES.path(NAMESPACE, "let-all-in")
        practice.cluster.delete(path, uid=made["metadata"]["uid"])
    assert record.status is Status.UNVERIFIED
    assert record.status.exit_code is Exit.UNVERIFIED
    assert record.isolation
    assert Verdict.INEFFECTIVE in record.isolation.verdict.values()
    isolate = next(one for one in record.steps if one.id == "isolate")
    assert "let-all-in" in isolate.hint
    assert len(list(practice.stored())) == 1
    assert practice.released()


def test_an_isolation_that_is_forbidden_costs_no_evidence(practice: Practice) -> None:
    reader = practice.range.kubeconfig_for(User("reader@example.com", ("system:authenticated",)), "reader")
    rules = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list"]}]
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "t-reader"}}
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "t-reader"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "t-reader"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "reader@example.com"}],
    }
    root = "/apis/rbac.authorization.k8s.io/v1"
    practice.cluster.create(f"{root}/clusterroles", role | {"rules": rules})
    practice.cluster.create(f"{root}/clusterrolebindings", binding)
    record = practice.run(settings=practice.settings(reader))
    assert statuses(record)["isolate"] is Status.REFUSED
    assert statuses(record)["ship"] is Status.DONE
    assert record.status is Status.REFUSED
    assert record.artifacts
    assert practice.released()


def replace_pod(practice: Practice) -> None:
    """Delete the pod, create another of the same name."""
    old = practice.pod_object()
    practice.cluster.delete(PODS.path(NAMESPACE, old["metadata"]["name"]), uid=old["metadata"]["uid"])
    # Other labels: the ReplicaSet, which has made a pod of its own by now, would adopt it and delete one too many.
    named = {key: old["metadata"][key] for key in ("name", "namespace")} | {"labels": {"app": "successor"}}
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": named, "spec": old["spec"]}
    practice.cluster.create(PODS.path(NAMESPACE), body)


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Practice]:
    """A range of this test's own, to be broken."""
    with start(home=tmp_path / "range") as range_:
        yield Practice(range_, tmp_path)


@pytest.mark.parametrize("moment", ["ended resolve", "ended isolate"])
def test_nothing_is_done_to_a_successor(alone: Practice, moment: str) -> None:
    name, uid = alone.pod, alone.pod_object()["metadata"]["uid"]
    alone.progress.at(moment, lambda: replace_pod(alone))
    record = alone.run()
    successor = alone.cluster.get(PODS.path(NAMESPACE, name)).json()
    assert successor["metadata"]["uid"] != uid
    assert record.target
    assert record.target.uid == uid
    assert not [key for key in successor["metadata"]["labels"] if key.startswith("irkit.dev/")]
    assert successor["metadata"]["uid"].encode() not in b"".join(
        path.read_bytes() for path in (alone.home / "runs/r-1/data/pod").glob("pod.json")
    )
    assert GapReason.REPLACED in {gap.reason for gap in record.gaps}
    report = (alone.home / "runs/r-1/data/report/report.md").read_text()
    assert "belongs to another pod" in report or "replaced" in report
    if moment == "ended resolve":
        assert statuses(record)["isolate"] is Status.FAILED
        assert not alone.policies()


def test_a_pod_that_is_not_there_stops_the_run_at_once(practice: Practice) -> None:
    record = practice.run(inputs={"pod": "nope"})
    assert record.status is Status.FAILED
    resolve, *rest = record.steps
    assert resolve.summary == f"there is no pod {NAMESPACE}/nope"
    assert {one.status for one in rest} == {Status.SKIPPED}
    assert not list(practice.stored())


def test_a_cluster_that_does_not_answer_stops_the_run_at_once(practice: Practice, tmp_path: Path) -> None:
    config = json.loads(practice.range.kubeconfig.read_text())
    config["clusters"][0]["cluster"]["server"] = "http://127.0.0.1:1"
    dead = tmp_path / "dead"
    dead.write_text(json.dumps(config))
    record = practice.run(settings=practice.settings(dead))
    assert record.status is Status.FAILED
    assert record.steps[0].status is Status.FAILED
    assert record.cluster is None


@pytest.mark.parametrize(
    ("inputs", "kubeconfig", "url"),
    [
        ({"pod": "NOPE"}, "", ""),
        ({"pods": "web"}, "", ""),
        ({}, "/nonexistent", ""),
        ({}, "", "ftp://x"),
        ({}, "", "s3://key:secret@bucket/x"),
    ],
)
def test_what_cannot_be_used_is_said_before_anything_is_written(
    practice: Practice, inputs: dict[str, object], kubeconfig: str, url: str
) -> None:
    with pytest.raises(UsageError) as caught:
        practice.run(inputs=inputs, settings=practice.settings(kubeconfig, url))
    assert "secret" not in caught.value.message
    assert not (practice.home / "runs").exists()


def test_a_report_that_cannot_be_written_costs_no_evidence(practice: Practice) -> None:
    def block() -> None:
        (practice.home / "runs/r-1/data/report").write_text("in the way")

    practice.progress.at("ended audit", block)
    record = practice.run("collect-only")
    assert statuses(record)["report"] is Status.FAILED
    assert statuses(record)["ship"] is Status.DONE
    assert record.status is Status.FAILED


def test_a_progress_that_breaks_costs_nothing(practice: Practice) -> None:
    def broken() -> None:
        raise BrokenPipeError

    practice.progress.at("Artifact", broken)
    record = practice.run("collect-only")
    assert record.status in (Status.DONE, Status.GAPS)
    assert practice.progress.told[-1] == "Artifact"


def test_one_step_alone_is_a_run_as_well(practice: Practice) -> None:
    pod = PodRef(NAMESPACE, practice.pod)

    def one(uses: str, run: str) -> RunRecord:
        setup, settings = practice.setup(), practice.settings()
        return engine.run(single(uses, pod), {}, setup, run_id=run, settings=settings)

    assert one("pod.isolate@1", "i-1").status is Status.DONE
    assert practice.quarantined()
    again = one("pod.isolate@1", "i-2")
    assert again.isolation
    assert again.isolation.changes == ()
    released = one("pod.release@1", "r-1")
    assert [one.status for one in released.steps] == [Status.DONE, Status.DONE]
    assert practice.released()
    assert one("pod.release@1", "r-2").steps[-1].summary.startswith("was not isolated")
    assert released.case == "r-1"


def test_a_pinned_uid_that_is_not_the_pods_is_refused(practice: Practice) -> None:
    playbook = single("pod.isolate@1", PodRef(NAMESPACE, practice.pod, "another-uid"))
    record = engine.run(playbook, {}, practice.setup(), run_id="r-1", settings=practice.settings())
    assert record.status is Status.FAILED
    assert practice.released()


def test_parameters_of_a_step_are_heeded(practice: Practice, tmp_path: Path) -> None:
    text = Path("playbooks/collect-only.yaml").read_text().replace("    on_error: continue\n", "", 1)
    text = text.replace("${{ inputs.deadline }}", "0.000001")
    assert "deadline: '0.000001'" in text
    text = text.replace("'0.000001'", "0.000001")
    mine = tmp_path / "mine.yaml"
    mine.write_text(text)
    record = practice.run(str(mine))
    assert statuses(record)["collect"] is Status.GAPS
    late = {gap.reason for gap in record.gaps if gap.collector != "audit"}
    assert late == {GapReason.DEADLINE}


def test_whatever_a_step_raises_is_told_in_its_outcome() -> None:
    def full() -> Outcome:
        raise OSError(28, "No space left on device", "x")

    def defect() -> Outcome:
        raise ZeroDivisionError("division by zero")

    assert guarded(full) == Outcome(Status.FAILED, "No space left on device: x", hint="free some disk space")
    told = guarded(defect)
    assert (told.status, told.summary) == (Status.FAILED, "ZeroDivisionError: division by zero")
    assert "in defect" in told.details["traceback"]


def test_exit_codes_become_statuses() -> None:
    assert failed(IrkitError("x", "y")).status is Status.FAILED
    assert failed(UsageError("x")).status is Status.FAILED
    assert step("pod.isolate@1").effect is Effect.MUTATE
