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
from irkit.model.run import Status
from irkit.playbook import engine, runs
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


def kill(victim: Victim, practice: Practice, mode: str, record: int) -> int:
    """The signal that the run died of."""
    order = {
        "mode": mode,
        "record": record,
        "run": "r-1",
        "playbook": "compromised-pod",
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


def survives(practice: Practice, whole: list[dict[str, Any]], victim: Victim, mode: str, number: int) -> None:
    created = creations(practice)
    died = kill(victim, practice, mode, number)
    where = f"killed {mode} record {number} of {len(whole)}"
    assert died == signal.SIGKILL, where
    if not (practice.home / "runs/r-1/journal.jsonl").exists() or not practice.journal():
        with pytest.raises(JournalError, match="before its journal began"):
            engine.resume("r-1", practice.setup())
        assert practice.released(), where
        return

    known = {entry["artifact"]["path"]: entry["artifact"]["sha256"] for entry in practice.kinds("artifact")}
    ended = [entry["step"] for entry in practice.kinds("step.ended")]
    record = engine.resume("r-1", practice.setup())

    expected = Status(whole[-1]["status"])
    assert record.status is expected, (where, record.steps, record.gaps)
    assert len(practice.policies()) == 1, where
    assert practice.quarantined(), where
    assert creations(practice) - created == 1, where
    assert record.isolation
    assert sorted(change.kind for change in record.isolation.changes) == ["NetworkPolicy", "Pod"], where

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
