"""Runs cut off, and gone on with; runs undone."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import pytest

from irkit.bundle.verify import verify
from irkit.cluster.resources import PODS
from irkit.drill.range.server import start
from irkit.errors import IrkitError, JournalError, UsageError, VerificationError
from irkit.model.run import Status
from irkit.playbook import engine, runs
from tests.playbook.practice import NAMESPACE, Practice


def interrupt() -> None:
    raise KeyboardInterrupt


def test_an_interrupted_run_says_how_to_go_on_and_goes_on(practice: Practice) -> None:
    practice.progress.at("Artifact", interrupt)
    with pytest.raises(IrkitError, match="interrupted") as caught:
        practice.run()
    assert caught.value.hint == "irkit run resume r-1"
    assert practice.kinds("run.interrupted")
    assert runs.show(practice.home, "r-1").record.status is Status.RUNNING

    record = engine.resume("r-1", practice.setup())
    assert record.status in (Status.DONE, Status.GAPS)
    taken = Counter(entry["artifact"]["path"] for entry in practice.kinds("artifact"))
    assert set(taken.values()) == {1}
    assert Counter(entry["step"] for entry in practice.kinds("step.started")).most_common(1)[0][1] == 1
    assert len(practice.policies()) == 1
    assert len(list(practice.stored())) == 1
    engine.undo("r-1", practice.setup())
    assert practice.released()


def test_evidence_changed_meanwhile_is_not_held(practice: Practice) -> None:
    practice.progress.at("Artifact", interrupt, time=3)
    with pytest.raises(IrkitError, match="interrupted"):
        practice.run("collect-only")
    folder = runs.locate(practice.home, "r-1")
    first, second, third = [entry["artifact"]["path"] for entry in practice.kinds("artifact")]
    (folder / "data" / first).write_bytes(b"tampered")
    (folder / "data" / second).unlink()
    record = engine.resume("r-1", practice.setup())
    why = {entry["path"]: entry["why"] for entry in practice.kinds("artifact.discarded")}
    assert why == {first: "changed", second: "missing"}
    taken = Counter(entry["artifact"]["path"] for entry in practice.kinds("artifact"))
    assert (taken[first], taken[second], taken[third]) == (2, 2, 1)
    assert {first, second, third} <= {artifact.path for artifact in record.artifacts}
    bundle = runs.show(practice.home, "r-1").bundle
    assert bundle
    assert verify(bundle.path).ok


def test_changed_evidence_leads_no_collector_astray(practice: Practice, tmp_path: Path) -> None:
    with start(home=tmp_path / "other") as other:
        practice = Practice(other, practice.home)
        practice.progress.at("Artifact", interrupt, time=15)
        with pytest.raises(IrkitError, match="interrupted"):
            practice.run("collect-only")
        folder = runs.locate(practice.home, "r-1")
        file = folder / "data/pod/pod.json"
        pod = json.loads(file.read_bytes())
        planted = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "planted", "uid": "0", "controller": True}
        pod["metadata"]["ownerReferences"] = [planted]
        file.write_text(json.dumps(pod))
        practice.cluster.delete(PODS.path(NAMESPACE, practice.pod), uid=pod["metadata"]["uid"])
        record = engine.resume("r-1", practice.setup())
    assert "planted" not in str(record)
    assert "pod/pod.json" not in {one.path for one in record.artifacts}
    (aside,) = folder.glob("discarded/*/pod/pod.json")
    assert "planted" in aside.read_text()


def test_a_failed_upload_is_all_that_is_done_again(practice: Practice) -> None:
    practice.home.mkdir(exist_ok=True)
    practice.store.write_text("a file where a folder should be")
    record = practice.run("collect-only")
    ship = record.steps[-1]
    assert (ship.id, ship.status, record.status) == ("ship", Status.FAILED, Status.FAILED)
    assert "irkit run resume r-1" in ship.hint
    bundle = runs.show(practice.home, "r-1").bundle
    assert bundle
    assert bundle.path.exists()
    assert str(bundle.path) in ship.summary

    practice.store.unlink()
    resumed = engine.resume("r-1", practice.setup())
    assert resumed.status in (Status.DONE, Status.GAPS)
    assert [path.name for path in practice.stored()] == [bundle.path.name]
    started = Counter(entry["step"] for entry in practice.kinds("step.started"))
    assert started.pop("ship") == 2
    assert set(started.values()) == {1}


def test_another_store_may_be_given_on_resuming(practice: Practice) -> None:
    practice.home.mkdir(exist_ok=True)
    practice.store.write_text("a file where a folder should be")
    practice.run("collect-only")
    other = practice.home / "other"
    engine.resume("r-1", practice.setup(), settings=practice.settings(url=f"file://{other}"))
    assert len(list(other.iterdir())) == 1


def test_what_comes_after_a_step_done_again_is_done_again(practice: Practice) -> None:
    blocker = practice.home / "runs/r-1/data/report"
    practice.progress.at("ended audit", lambda: blocker.write_text("in the way"))
    first = practice.run("collect-only")
    assert first.status is Status.FAILED
    blocker.unlink()
    second = engine.resume("r-1", practice.setup())
    assert second.status in (Status.DONE, Status.GAPS)
    started = Counter(entry["step"] for entry in practice.kinds("step.started"))
    assert started == {"resolve": 1, "collect": 1, "audit": 1, "report": 2, "seal": 2, "ship": 2}
    assert len(list(practice.stored())) == 2
    assert second.bundle != first.bundle


def test_a_finished_run_is_left_alone(practice: Practice) -> None:
    record = practice.run("collect-only")
    before = practice.journal()
    assert engine.resume("r-1", practice.setup()) == record
    assert practice.journal() == before


def test_a_run_is_resumed_on_its_own_cluster_only(practice: Practice, tmp_path: Path) -> None:
    practice.progress.at("ended resolve", interrupt)
    with pytest.raises(IrkitError):
        practice.run("collect-only")
    with start(home=tmp_path / "other") as other:
        settings = practice.settings(kubeconfig=str(other.kubeconfig))
        record = engine.resume("r-1", practice.setup(), settings=settings)
    collect = next(step for step in record.steps if step.id == "collect")
    assert collect.status is Status.FAILED
    assert "belongs to the cluster" in collect.summary
    assert not record.artifacts or all(artifact.path.startswith("audit/") for artifact in record.artifacts)


def test_a_full_disk_ends_the_run_and_says_how_to_go_on(practice: Practice) -> None:
    def fill() -> None:
        folder = Path("/proc/self/fd")
        journal = str(practice.home / "runs/r-1/journal.jsonl")
        descriptor = next(
            int(path.name) for path in folder.iterdir() if path.exists() and str(path.readlink()) == journal
        )
        full = os.open("/dev/full", os.O_RDWR)
        os.dup2(full, descriptor)
        os.close(full)

    practice.progress.at("Artifact", fill)
    with pytest.raises(JournalError, match="cannot write") as caught:
        practice.run("collect-only")
    assert caught.value.hint.endswith("then: irkit run resume r-1")
    record = engine.resume("r-1", practice.setup())
    assert record.status in (Status.DONE, Status.GAPS)


def test_a_tampered_journal_is_not_resumed(practice: Practice) -> None:
    practice.run("collect-only")
    path = practice.home / "runs/r-1/journal.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"case":"C-1"', b'"case":"C-2"'))
    with pytest.raises(VerificationError):
        engine.resume("r-1", practice.setup())


def test_a_run_without_a_beginning_is_nothing_to_resume(practice: Practice) -> None:
    runs.create(practice.home, "r-1")
    with pytest.raises(JournalError, match="before its journal began"):
        engine.resume("r-1", practice.setup())
    with pytest.raises(UsageError):
        engine.resume("r-2", practice.setup())


def test_undo_takes_back_once(practice: Practice) -> None:
    practice.run()
    assert practice.quarantined()
    (would,) = engine.undo("r-1", practice.setup(), dry_run=True)
    assert practice.quarantined()
    assert "would be" in would.summary
    assert not practice.kinds("run.undoing")
    (done,) = engine.undo("r-1", practice.setup(), authority="CASE-12, J. Doe")
    assert (done.id, done.status) == ("undo-isolate", Status.DONE)
    assert practice.released()
    (by,) = practice.kinds("run.undoing")
    assert (by["authority"], by["operator"]["os_user"]) == ("CASE-12, J. Doe", practice.setup().operator.os_user)
    assert practice.kinds("undo.intended")
    assert runs.show(practice.home, "r-1").record.steps[-1] == done
    assert engine.undo("r-1", practice.setup()) == ()
    assert engine.resume("r-1", practice.setup()).status in (Status.DONE, Status.GAPS)
    assert practice.released()


def test_an_interrupted_undo_says_how_to_go_on_and_goes_on(practice: Practice) -> None:
    practice.run()
    practice.progress.at("Change", interrupt, time=practice.progress.told.count("Change") + 2)
    with pytest.raises(IrkitError, match="interrupted; run r-1 keeps what it has") as caught:
        engine.undo("r-1", practice.setup())
    assert caught.value.hint == "irkit run undo r-1"
    (done,) = engine.undo("r-1", practice.setup())
    assert done.status is Status.DONE
    assert practice.released()


def test_an_isolation_cut_off_halfway_can_be_undone(practice: Practice) -> None:
    practice.progress.at("Change", interrupt, time=2)
    with pytest.raises(IrkitError, match="interrupted"):
        practice.run()
    assert len(practice.kinds("change.intended")) == 2
    engine.undo("r-1", practice.setup())
    assert practice.released()
    record = engine.resume("r-1", practice.setup())
    assert record.steps[1].summary == "cut off, then undone"
    assert record.status is Status.FAILED
    assert practice.released()
    assert len(list(practice.stored())) == 1
