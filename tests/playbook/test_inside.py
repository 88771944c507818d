"""What is taken only when asked for: journalled before it is done, and told in the bundle."""

from __future__ import annotations

import json
import re

import pytest

from irkit.errors import UsageError
from irkit.model.run import Status
from irkit.playbook import runs
from tests.playbook.practice import Practice, bundled

BOOK = "collect-inside"


def test_a_checkpoint_and_the_nodes_journal(practice: Practice) -> None:
    record = practice.run(BOOK, inputs={"checkpoint": True, "node_logs": True})
    inside = next(step for step in record.steps if step.id == "inside")
    assert inside.status is Status.GAPS  # the kubelet hands out no memory
    changes = practice.kinds("change.intended")
    assert {change["change"]["action"] for change in changes} == {"checkpoint"}
    bundle = runs.show(practice.home, "last").bundle
    assert bundle
    checkpoint, *others = [each for each in record.artifacts if each.collector == "checkpoint"]
    assert len(changes) == 1 + len(others)
    path = json.loads(bundled(bundle.path, checkpoint.path))["items"][0]
    assert re.fullmatch(rf"/var/lib/kubelet/checkpoints/checkpoint-{practice.pod}_payments-.*\.tar", path)
    memories = [gap.detail for gap in record.gaps if gap.target.startswith("memory of container")]
    assert any(path in detail for detail in memories)
    told = json.loads(bundled(bundle.path, "collection.json"))["alterations"]
    assert {(each["step"], "the kubelet writes its memory" in each["what"]) for each in told} == {("inside", True)}
    for unit in ("kubelet", "containerd"):
        assert practice.pod.encode() in bundled(bundle.path, f"node/{unit}.log")
    assert "irkit run undo" not in "".join(action.undo for step in record.steps for action in step.actions)


def test_a_dry_run_says_what_it_would_alter(practice: Practice) -> None:
    inputs = {"processes": "ephemeral", "probe_image": "tools@sha256:0", "checkpoint": True}
    record = practice.run(BOOK, inputs=inputs, dry_run=True)
    (inside,) = [step for step in record.steps if step.id == "inside"]
    assert "adds an ephemeral container to the pod for good" in inside.summary
    assert "to the node's disk" in inside.summary
    assert practice.kinds("change.intended") == []
    assert "ephemeralContainers" not in practice.pod_object()["spec"]


def test_nothing_is_taken_that_nobody_asked_for(practice: Practice) -> None:
    record = practice.run(BOOK)
    (inside,) = [step for step in record.steps if step.id == "inside"]
    assert (inside.status, inside.summary) == (Status.DONE, "nothing was asked for")


def test_an_ephemeral_container_takes_an_image(practice: Practice) -> None:
    with pytest.raises(UsageError, match="--probe-image"):
        practice.run(BOOK, inputs={"processes": "ephemeral"})
    assert not practice.home.joinpath("runs").exists()
