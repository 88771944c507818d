"""Plans: what would be done, field by field, and nothing done."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from irkit.cli.commands import load
from irkit.errors import Refused, UsageError
from irkit.model.run import Status
from irkit.playbook import find
from irkit.playbook.plan.plan import Plan, plan
from irkit.playbook.plan.rehearsal import Rehearsal, differences
from tests.playbook.practice import NAMESPACE, Practice
from tests.playbook.test_course import HEAD, RESOLVE


def planned(practice: Practice, name: str = "compromised-pod", **inputs: str) -> Plan:
    return plan(find.load(name), practice.inputs() | inputs, practice.setup(), practice.settings())


def test_a_plan_tells_targets_rights_and_differences_and_does_nothing(practice: Practice) -> None:
    before = practice.pod_object()
    told = planned(practice)
    assert practice.pod_object() == before
    assert not practice.policies()
    assert not (practice.home / "runs").exists()
    assert not list(practice.stored())
    assert told.target
    assert told.target.uid == before["metadata"]["uid"]
    isolate = next(one for one in told.steps if one.id == "isolate")
    assert (isolate.effect, isolate.status) == ("mutate", Status.DONE)
    assert any("networkpolicies" in verb for verb in isolate.verbs)
    made, labelled = isolate.differences[:2]
    assert made.verb == "create"
    assert made.path.endswith("/networkpolicies")
    assert any(each.field.startswith("spec.podSelector.matchLabels") and each.before is None for each in made.fields)
    assert labelled.path.endswith(f"/pods/{practice.pod}")
    assert all(each.field.startswith(("metadata.labels.", "metadata.annotations.")) for each in labelled.fields)
    others = [one for one in told.steps if one.id != "isolate"]
    assert not any(one.differences for one in others)


def test_a_plan_tells_who_would_be_asked_and_what_would_be_left_out(practice: Practice) -> None:
    path = practice.home / "mine.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(
        f"{HEAD}steps:\n{RESOLVE}"
        "  - {id: gate, approve: {prompt: 'Go on?', roles: [ir-lead], quorum: 2, timeout: 15m}}\n"
        "  - parallel:\n      steps:\n"
        "        - {id: revoke, uses: pod.revoke@1}\n"
        "        - {id: isolate, uses: pod.isolate@1, if: \"run.trigger != 'cli'\"}\n"
    )
    told = planned(practice, str(path))
    by_id = {one.id: one for one in told.steps}
    assert by_id["gate"].summary == "would ask 2 of ir-lead, for 15m"
    assert by_id["isolate"].status is Status.SKIPPED
    assert by_id["revoke"].differences


def test_a_plan_for_a_pod_that_is_gone_fails_as_the_run_would(practice: Practice) -> None:
    assert planned(practice, pod="gone").status is Status.FAILED
    with pytest.raises(UsageError):
        planned(practice, pod="NOT A NAME")


def test_a_plan_that_could_not_ask_says_what_and_why(practice: Practice, tmp_path: Path) -> None:
    stranger = json.loads(practice.range.kubeconfig.read_text())
    stranger["users"][0]["user"] = {"token": "expired"}
    file = tmp_path / "stranger"
    file.write_text(json.dumps(stranger))
    stranger["clusters"][0]["cluster"]["server"] = "http://127.0.0.1:1"
    dead = tmp_path / "dead"
    dead.write_text(json.dumps(stranger))
    words = ["playbook", "plan", "collect-only", "-i", "pod=gone", "-n", NAMESPACE]
    asked = {"HOME": str(tmp_path), "IRKIT_HOME": str(practice.home)}
    for kubeconfig, code, why, hint in (
        (file, 3, "Unauthorized", "log in again"),
        (dead, 1, "no connection to http://127.0.0.1:1", ""),
        (practice.range.kubeconfig, 1, f"there is no pod {NAMESPACE}/gone", ""),
    ):
        ended = CliRunner().invoke(load(), words, env=asked | {"KUBECONFIG": str(kubeconfig)})
        assert ended.exit_code == code, ended.output
        assert ended.stdout.startswith(f"collect-only  could not find the pod and pin its uid: {why}")
        assert hint in ended.stdout
        assert "on not found" not in ended.stdout


def test_a_plan_for_many_pods_tells_them(practice: Practice) -> None:
    told = plan(find.load("collect-wide"), {"namespace": NAMESPACE}, practice.setup(), practice.settings())
    assert told.about.startswith(f"on every pod in {NAMESPACE}, ")


def test_the_command_shows_it(practice: Practice) -> None:
    env = {"IRKIT_HOME": str(practice.home), "KUBECONFIG": str(practice.range.kubeconfig)}
    words = ["playbook", "plan", "compromised-pod", "-i", f"pod={practice.pod}", "-n", NAMESPACE]
    ended = CliRunner().invoke(load(), words, env=env)
    assert ended.exit_code == 0, ended.output
    assert "metadata.labels." in ended.output
    assert "networkpolicies" in ended.output
    ended = CliRunner().invoke(load(), [*words, "-o", "json"], env=env)
    assert json.loads(ended.stdout)["steps"][1]["differences"][0]["verb"] == "create"
    assert practice.released()


def test_nothing_earnest_gets_through(practice: Practice, tmp_path: Path) -> None:
    rehearsal = Rehearsal(practice.cluster)
    path = f"/api/v1/namespaces/{NAMESPACE}/pods/{practice.pod}"
    uid = practice.pod_object()["metadata"]["uid"]
    with pytest.raises(Refused):
        rehearsal.patch(path, [])
    with pytest.raises(Refused):
        rehearsal.create(path.rpartition("/")[0], {})
    with pytest.raises(Refused):
        rehearsal.delete(path, uid=uid)
    with pytest.raises(Refused):
        rehearsal.within(5).apply(path, {})
    with pytest.raises(Refused):
        rehearsal.execute(path, ["true"], "c")
    with pytest.raises(Refused):
        rehearsal.post(path)
    rehearsal.delete(path, uid=uid, dry_run=True)
    (told,) = rehearsal.told
    assert (told.verb, told.fields[0].after) == ("delete", None)
    assert practice.pod_object()["metadata"]["uid"] == uid


JSON = st.integers(0, 3) | st.none() | st.lists(st.integers(0, 3), max_size=2)
OBJECTS = st.dictionaries(st.sampled_from("abc"), JSON | st.dictionaries(st.sampled_from("de"), JSON), max_size=3)


@settings(max_examples=50)
@given(OBJECTS, OBJECTS)
def test_only_what_differs_is_a_difference(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert differences(one, one) == ()
    assert {each.field for each in differences(one, other)} == {each.field for each in differences(other, one)}
