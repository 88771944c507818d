"""What a plan tells and an approved run does, on the practice cluster and on a real one."""

from __future__ import annotations

from pathlib import Path

from irkit.cluster.resources import NETWORK_POLICIES, NODES, PODS
from irkit.model.run import Status
from irkit.playbook import engine, find, lint
from irkit.playbook.approvals import desk
from irkit.playbook.approvals.standing import Person
from irkit.playbook.plan.plan import plan
from irkit.settings import ClusterSettings, StoreSettings
from irkit.times import now
from tests.contracts.worlds import World

ASKED = """\
apiVersion: irkit/v1
kind: Playbook
metadata: {name: asked, version: 1.0.0}
inputs:
  namespace: {type: string, required: true}
  pod: {type: string, required: true}
defaults: {timeout: 5m, retry: {attempts: 2}}
steps:
  - {id: resolve, uses: pod.resolve@1, with: {namespace: '${{ inputs.namespace }}', pod: '${{ inputs.pod }}'}}
  - {id: gate, approve: {prompt: 'Isolate ${{ inputs.pod }}?', not: [initiator]}}
  - parallel:
      steps:
        - {id: isolate, uses: pod.isolate@1, on_error: continue}
        - {id: collect, uses: evidence.collect@1, on_error: continue}
always:
  - {id: seal, uses: bundle.seal@1, needs: [resolve]}
"""


def settings(world: World, home: Path) -> engine.Settings:
    return engine.Settings(ClusterSettings(str(world.kubeconfig)), StoreSettings(f"file://{home}/store"))


def policies(world: World) -> int:
    return sum(len(page.json()["items"]) for page in world.cluster.pages(NETWORK_POLICIES.path(world.namespace)))


def test_a_plan_is_what_the_api_server_says_and_changes_nothing(world: World, tmp_path: Path) -> None:
    pod = world.running()
    seen = world.cluster.get(PODS.path(pod.namespace, pod.name)).json()
    inputs = {"namespace": pod.namespace, "pod": pod.name}
    told = plan(find.load("privileged-pod"), inputs, engine.Setup(tmp_path), settings(world, tmp_path))
    by_id = {one.id: one for one in told.steps}
    assert told.target
    assert told.target.uid == seen["metadata"]["uid"]
    made, labelled = by_id["isolate"].differences[:2]
    assert (made.verb, made.path) == ("create", NETWORK_POLICIES.path(pod.namespace))
    assert (labelled.verb, labelled.path) == ("patch", PODS.path(pod.namespace, pod.name))
    assert by_id["revoke"].differences
    (cordon,) = by_id["cordon"].differences
    assert cordon.path == NODES.path(name=seen["spec"]["nodeName"])
    assert ("spec.unschedulable", True) in [(each.field, each.after) for each in cordon.fields]
    assert not world.cluster.get(cordon.path).json()["spec"].get("unschedulable")
    assert policies(world) == 0
    after = world.cluster.get(PODS.path(pod.namespace, pod.name)).json()
    assert after["metadata"].get("labels") == seen["metadata"].get("labels")


def test_an_approved_run_isolates_and_collects_at_once_and_is_undone(world: World, tmp_path: Path) -> None:
    pod, setup = world.running(), engine.Setup(tmp_path)
    inputs = {"namespace": pod.namespace, "pod": pod.name}
    pinned = lint.parse(ASKED)
    record = engine.run(pinned, inputs, setup, run_id="r-1", settings=settings(world, tmp_path))
    assert record.status is Status.WAITING
    assert policies(world) == 0
    desk.approve(tmp_path, "r-1", Person("ana"), now())
    record = engine.resume("r-1", setup)
    status = {one.id: one.status for one in record.steps}
    assert status["isolate"] in (Status.DONE, Status.UNVERIFIED)
    assert status["seal"] in (Status.DONE, Status.GAPS)
    assert policies(world) == 1
    assert record.artifacts
    (undone,) = engine.undo("r-1", setup)
    assert undone.status is Status.DONE
    assert policies(world) == 0
