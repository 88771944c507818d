"""Every shipped playbook run on the practice cluster: what it does, what it leaves, how it is undone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from irkit.bundle.verify import verify
from irkit.cluster.resources import NODES
from irkit.errors import UsageError
from irkit.model.run import RunRecord, Status
from irkit.playbook import engine, find, runs
from irkit.playbook.approvals import desk
from irkit.playbook.approvals.standing import Person
from irkit.playbook.registry import step
from irkit.times import now
from tests.playbook.practice import Practice, bundled

CHANGING = {
    "compromised-pod": {"isolate"},
    "cryptominer": {"isolate"},
    "leaked-service-account-token": {"revoke"},
    "privileged-pod": {"isolate", "revoke", "cordon"},
    "node-suspect": {"cordon"},
}
LOOKING = ("collect-only", "collect-inside", "exec-into-production", "secret-sweep", "tabletop")
WIDE = ("collect-wide",)  # takes no pod: tests/cli/test_capture.py runs it
GOOD = (Status.DONE, Status.GAPS, Status.SKIPPED)


@pytest.fixture
def clean(practice: Practice) -> Iterator[Practice]:
    """The practice cluster, given back as it was."""
    yield practice
    for run_id in runs.ids(practice.home):
        engine.undo(run_id, practice.setup())
    assert practice.released()
    assert not unschedulable(practice)


def unschedulable(practice: Practice) -> bool:
    node = practice.cluster.get(NODES.path(name=practice.pod_object()["spec"]["nodeName"])).json()
    marked = any(key.startswith("irkit.dev/") for key in node["metadata"].get("annotations", {}))
    assert marked == bool(node["spec"].get("unschedulable"))
    return marked


def through(practice: Practice, record: RunRecord) -> RunRecord:
    """The run with everything that it asks approved."""
    while record.status is Status.WAITING:
        desk.approve(practice.home, record.id, Person("ana"), now())
        record = engine.resume(record.id, practice.setup())
    return record


def test_each_is_named_here_and_has_its_section() -> None:
    names = {path.stem for path in find.SHIPPED.iterdir()}
    assert {*CHANGING, *LOOKING, *WIDE} == names
    page = (Path(__file__).parents[2] / "docs/playbooks.md").read_text()
    assert [name for name in names if f"### {name}\n" not in page] == []


@pytest.mark.parametrize("name", sorted({*CHANGING, *LOOKING}))
def test_it_does_its_steps_seals_and_is_undone(clean: Practice, name: str) -> None:
    before = clean.pod_object()["metadata"].get("labels")
    record = through(clean, clean.run(name))
    assert {one.id: one.summary for one in record.steps if one.status not in GOOD} == {}
    changed = {one.id for one in record.steps if one.actions and step(one.uses).effect.changes_cluster}
    assert changed == CHANGING.get(name, set())
    assert all(action.undo for one in record.steps for action in one.actions)
    bundle = runs.show(clean.home, "r-1").bundle
    assert bundle
    verified = verify(bundle.path)
    assert verified.ok, verified.problems
    assert len(list(clean.stored())) == 1
    undone = engine.undo("r-1", clean.setup())
    assert {one.status for one in undone} <= {Status.DONE}
    assert len(undone) == len(changed)
    assert clean.pod_object()["metadata"].get("labels") == before


@pytest.mark.parametrize("name", sorted({*CHANGING, *LOOKING, *WIDE}))
def test_it_says_when_to_use_it_what_it_touches_and_how_to_undo_it(name: str) -> None:
    told = find.load(name).playbook.metadata.description
    assert "se it " in told or name == "collect-only"
    assert "ndo" in told or "cannot be removed" in told


def lines(practice: Practice, member: str) -> list[dict[str, Any]]:
    bundle = runs.show(practice.home, "r-1").bundle
    assert bundle
    return [json.loads(line) for line in bundled(bundle.path, member).splitlines()]


def test_exec_into_production_finds_the_shells(clean: Practice) -> None:
    clean.run("exec-into-production")
    found = lines(clean, "audit/shells.jsonl")
    assert found
    assert {one["event"]["objectRef"]["subresource"] for one in found} <= {"exec", "attach", "portforward"}


def test_secret_sweep_names_secrets_and_who_read_them(clean: Practice) -> None:
    clean.run("secret-sweep")
    whole = json.loads(bundled(next(clean.stored()), "identity/secrets.json"))
    assert whole["secrets"]
    by_anybody = lines(clean, "audit/secrets-by-anybody.jsonl")
    own = lines(clean, "audit/secrets-by-account.jsonl")
    assert by_anybody
    assert len(own) <= len(by_anybody)
    assert {one["event"]["user"]["username"] for one in own} <= {
        f"system:serviceaccount:payments:{clean.pod_object()['spec']['serviceAccountName']}"
    }


def test_a_suspect_node_is_cordoned_for_as_long_as_one_run_needs_it(clean: Practice) -> None:
    clean.run("node-suspect")
    assert unschedulable(clean)
    assert lines(clean, "node/pods.jsonl")
    engine.run(find.load("node-suspect"), clean.inputs(), clean.setup(), run_id="r-2", settings=clean.settings())
    assert [step.id for step in engine.undo("r-2", clean.setup())] == ["undo-cordon"]
    assert unschedulable(clean), "r-1 needs it so"
    assert [step.id for step in engine.undo("r-1", clean.setup())] == ["undo-cordon"]
    assert not unschedulable(clean)


def test_a_node_that_somebody_else_cordoned_stays_so(clean: Practice) -> None:
    place = NODES.path(name=clean.pod_object()["spec"]["nodeName"])
    clean.cluster.patch(place, [{"op": "add", "path": "/spec/unschedulable", "value": True}])
    was = clean.cluster.get(place).json()
    clean.run("node-suspect")
    engine.undo("r-1", clean.setup())
    after = clean.cluster.get(place).json()
    assert after["spec"] == was["spec"]
    assert all(after["metadata"].get(key) == was["metadata"].get(key) for key in ("labels", "annotations"))
    clean.cluster.patch(place, [{"op": "remove", "path": "/spec/unschedulable"}])


def test_a_search_for_everything_is_refused(clean: Practice) -> None:
    params = step("audit.search@1").Params
    with pytest.raises(UsageError, match="takes a filter"):
        step("audit.search@1").check(params(name="x"), clean.settings().store)
    with pytest.raises(UsageError):
        step("audit.search@1").check(params(name="x", filter="and and"), clean.settings().store)


def test_a_decision_of_the_exercise_is_in_its_journal(clean: Practice) -> None:
    record = clean.run("tabletop")
    desk.approve(clean.home, "r-1", Person("ana"), now(), note="it is")
    record = engine.resume("r-1", clean.setup())
    assert record.status is Status.WAITING
    desk.deny(clean.home, "r-1", Person("ben"), now(), note="too early")
    record = through(clean, engine.resume("r-1", clean.setup()))
    told = {one.id: one.summary for one in record.steps}
    assert told["declare"] == "approved by ana"
    assert told["contain"] == "denied by ben: too early"
    assert [one.effect.changes_cluster for one in record.steps].count(True) == 0
