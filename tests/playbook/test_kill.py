"""SIGKILL at every journal record, then resume: nothing twice, nothing lost, one verified bundle."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from irkit import digest
from irkit.bundle.reader import cat
from irkit.bundle.verify import verify
from irkit.chain import verify as chained
from irkit.drill.range.server import Range
from irkit.errors import JournalError
from irkit.model.run import RunRecord, Status
from irkit.playbook import engine, runs
from irkit.playbook.approvals import desk
from irkit.playbook.approvals.standing import Person
from irkit.times import now
from tests.playbook.practice import NAMESPACE, Practice, listed

Victim = subprocess.Popen[str]
MODES = ("before", "torn", "after")


@pytest.fixture(scope="module")
def victim() -> Iterator[Victim]:
    command = [sys.executable, "-m", "tests.playbook.victim"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        assert process.stdin
        process.stdin.close()
        assert process.wait(timeout=30) == 0


def kill(victim: Victim, practice: Practice, mode: str, record: int, playbook: str) -> int:
    """The signal that the run died of."""
    order = {
        "mode": mode,
        "record": record,
        "run": "r-1",
        "playbook": playbook,
        "inputs": practice.inputs(),
        "home": str(practice.home),
        "store": f"file://{practice.store}",
        "kubeconfig": str(practice.range.kubeconfig),
    }
    assert victim.stdin
    assert victim.stdout
    victim.stdin.write(json.dumps(order) + "\n")
    victim.stdin.flush()
    return int(victim.stdout.readline())


@pytest.fixture(scope="module")
def whole(shared_range: Range, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The journal of a run that nobody cuts off."""
    undisturbed = Practice(shared_range, tmp_path_factory.mktemp("whole"))
    undisturbed.run()
    journal = undisturbed.journal()
    engine.undo("r-1", undisturbed.setup())
    return journal


def creations(practice: Practice) -> int:
    """How many network policies the API server was made to create, by its own audit log."""
    created = 0
    for line in practice.range.audit_log.read_bytes().splitlines():
        event = json.loads(line)
        about = event.get("objectRef") or {}
        is_policy = about.get("resource") == "networkpolicies" and about.get("namespace") == NAMESPACE
        done = (event.get("responseStatus") or {}).get("code") == 201
        created += is_policy and done and event["verb"] == "create" and "dryRun" not in event["requestURI"]
    return created


def to_the_end(practice: Practice) -> RunRecord:
    """The run gone on with, whatever it asks answered."""
    record = engine.resume("r-1", practice.setup())
    if record.status is Status.WAITING:
        desk.approve(practice.home, "r-1", Person("ana"), now())
        record = engine.resume("r-1", practice.setup())
    return record


def survives(
    practice: Practice,
    whole: list[dict[str, Any]],
    victim: Victim,
    mode: str,
    number: int,
    playbook: str = "compromised-pod",
) -> None:
    created = creations(practice)
    died = kill(victim, practice, mode, number, playbook)
    where = f"killed {mode} record {number} of {len(whole)}"
    assert died == signal.SIGKILL, where
    if not (practice.home / "runs/r-1/journal.jsonl").exists() or not practice.journal():
        with pytest.raises(JournalError, match="before its journal began"):
            engine.resume("r-1", practice.setup())
        assert practice.released(), where
        return

    known = {entry["artifact"]["path"]: entry["artifact"]["sha256"] for entry in practice.kinds("artifact")}
    ended = [entry["step"] for entry in practice.kinds("step.ended")]
    record = to_the_end(practice)

    expected = Status(whole[-1]["status"])
    assert record.status is expected, (where, record.steps, record.gaps)
    assert len(practice.policies()) == 1, where
    assert practice.quarantined(), where
    assert creations(practice) - created == 1, where
    assert record.isolation
    kinds = sorted(change.kind for change in record.isolation.changes)
    assert kinds == ["NetworkPolicy", "Pod", "Pod", "PodDisruptionBudget"], where

    journal = practice.journal()
    begun = Counter(entry["step"] for entry in journal if entry["kind"] == "step.started")
    assert set(begun.values()) == {1}, (where, begun)
    again = [entry["step"] for entry in journal if entry["kind"] == "step.ended"]
    assert Counter(again).most_common(1)[0][1] == 1, where
    assert again[: len(ended)] == ended, where

    bundle = runs.show(practice.home, "r-1").bundle
    assert bundle
    verified = verify(bundle.path)
    assert verified.ok, (where, verified.problems)
    assert list(chained(b"".join(cat(bundle.path, "custody.jsonl")).splitlines())), where
    sealed = listed(bundle.path)
    paths = {entry["artifact"]["path"] for entry in whole if entry["kind"] == "artifact"}
    assert set(sealed) == paths, where
    assert {path: sealed[path]["sha256"] for path in known if not path.startswith("audit/")} == {
        path: sha256 for path, sha256 in known.items() if not path.startswith("audit/")
    }, where
    stored = list(practice.stored())
    assert [path.name for path in stored] == [bundle.path.name], where
    assert digest.of_file(stored[0]).sha256 == bundle.sha256, where
    (undone,) = engine.undo("r-1", practice.setup())
    assert undone.status is Status.DONE, where
    assert practice.released(), where


def at(whole: list[dict[str, Any]], kind: str, step: str = "", *, last: bool = False) -> int:
    """The number, from 1, of the first or last record of a kind."""
    fits = [entry["seq"] + 1 for entry in whole if entry["kind"] == kind and step in ("", entry.get("step"))]
    return int(fits[-1 if last else 0])


POINTS = [
    ("before", "run.started", "", False),
    ("after", "change.intended", "isolate", False),
    ("after", "change.intended", "isolate", True),
    ("before", "step.ended", "isolate", False),
    ("torn", "artifact", "collect", True),
    ("before", "step.ended", "seal", False),
    ("before", "step.ended", "ship", False),
]


@pytest.mark.parametrize("point", POINTS, ids=lambda point: "-".join(map(str, point)))
def test_killed_where_it_hurts(
    practice: Practice, whole: list[dict[str, Any]], victim: Victim, point: tuple[str, str, str, bool]
) -> None:
    mode, kind, step, last = point
    survives(practice, whole, victim, mode, at(whole, kind, step, last=last))


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
def test_killed_at_every_record(
    practice: Practice, whole: list[dict[str, Any]], victim: Victim, mode: str, tmp_path: Path
) -> None:
    for number in range(1, len(whole) + (mode != "after")):
        survives(Practice(practice.range, tmp_path / f"{number}"), whole, victim, mode, number)


AT_ONCE = """\
apiVersion: irkit/v1
kind: Playbook
metadata: {name: at-once, version: 1.0.0}
inputs:
  namespace: {type: string, required: true, pattern: '[a-z0-9-]+'}
  pod: {type: string, required: true, pattern: '[a-z0-9.-]+'}
  audit: {type: paths, default: []}
defaults: {retry: {attempts: 2}, timeout: 5m}
concurrency: {key: '${{ inputs.namespace }}/${{ inputs.pod }}'}
steps:
  - {id: resolve, uses: pod.resolve@1, with: {namespace: '${{ inputs.namespace }}', pod: '${{ inputs.pod }}'}}
  - {id: gate, approve: {prompt: 'Isolate ${{ inputs.pod }}?'}, if: "run.trigger == 'cli'"}
  - parallel:
      steps:
        - {id: isolate, uses: pod.isolate@1, needs: [gate]}
        - {id: collect, uses: evidence.collect@1, on_error: continue}
        - {id: audit, uses: audit.match@1, with: {sources: '${{ inputs.audit }}'}, on_error: continue}
always:
  - {id: report, uses: report.write@1, needs: [resolve]}
  - {id: seal, uses: bundle.seal@1, needs: [resolve]}
  - {id: ship, uses: bundle.ship@1, needs: [seal]}
"""


@pytest.fixture(scope="module")
def at_once(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A playbook that asks people, and takes steps in parallel."""
    path = tmp_path_factory.mktemp("books") / "at-once.yaml"
    path.write_text(AT_ONCE)
    return str(path)


@pytest.fixture(scope="module")
def asked(shared_range: Range, tmp_path_factory: pytest.TempPathFactory, at_once: str) -> list[dict[str, Any]]:
    """The journal of such a run that nobody cuts off."""
    undisturbed = Practice(shared_range, tmp_path_factory.mktemp("asked"))
    undisturbed.run(at_once)
    desk.approve(undisturbed.home, "r-1", Person("ana"), now())
    engine.resume("r-1", undisturbed.setup())
    journal = undisturbed.journal()
    engine.undo("r-1", undisturbed.setup())
    return journal


ASKED = [
    ("before", "approval.asked", "gate", False),
    ("before", "run.waiting", "gate", False),
    ("before", "approval.given", "gate", False),
    ("after", "approval.given", "gate", False),
    ("before", "step.ended", "gate", False),
    ("torn", "artifact", "", True),
    ("before", "run.ended", "", False),
]


@pytest.mark.parametrize("point", ASKED, ids=lambda point: "-".join(map(str, point)))
def test_killed_while_people_are_asked_or_steps_are_taken_at_once(
    practice: Practice, asked: list[dict[str, Any]], victim: Victim, point: tuple[str, str, str, bool], at_once: str
) -> None:
    mode, kind, step, last = point
    survives(practice, asked, victim, mode, at(asked, kind, step, last=last), at_once)


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
def test_killed_at_every_record_of_steps_taken_at_once(
    practice: Practice, asked: list[dict[str, Any]], victim: Victim, mode: str, tmp_path: Path, at_once: str
) -> None:
    # Which record comes at which number is chance here, so each number is tried in one mode.
    for number in range(1 + MODES.index(mode), len(asked), len(MODES)):
        survives(Practice(practice.range, tmp_path / f"{number}"), asked, victim, mode, number, at_once)
