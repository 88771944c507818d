"""`irkit release` of pods that are there no more, as somebody at a shell or cron uses it."""

from __future__ import annotations

import json
from datetime import timedelta

from irkit import times
from irkit.cluster.objects import items
from irkit.cluster.resources import NETWORK_POLICIES, POD_DISRUPTION_BUDGETS, PODS, Resource
from irkit.contain import marks
from irkit.contain.hand import Hand
from irkit.contain.preserve.keep import Preserving
from irkit.contain.quarantine import Extent, quarantine
from irkit.model.pod import PodRef
from irkit.playbook import runs
from tests.contain.commands.shell import Shell
from tests.contracts.worlds import pod


def left(shell: Shell, resource: Resource) -> list[str]:
    listed = items(shell.cluster.pages(resource.path("default"), marks.OURS))
    return [str(one["metadata"]["annotations"][marks.POD]) for one in listed]


def isolated(shell: Shell, name: str, *, until_past: bool = False) -> PodRef:
    if name != "web":
        shell.cluster.create(PODS.path("default"), pod(name, "default"))
    until = times.now() - timedelta(minutes=1) if until_past else None
    extent = Extent(preserve=Preserving(), until=until)
    hand = Hand(shell.cluster, lambda _: None, False)
    return PodRef("default", name, quarantine(PodRef("default", name), hand, extent, case="c", run="").uid)


def deleted(shell: Shell, ref: PodRef) -> None:
    shell.cluster.delete(PODS.path(ref.namespace, ref.name), uid=ref.uid or "")


def test_what_is_left_of_a_pod_that_is_gone_is_taken_back_by_its_name(shell: Shell) -> None:
    ref = isolated(shell, "web")
    deleted(shell, ref)
    place = NETWORK_POLICIES.path("default", marks.policy_name(ref.uid or ""))
    shell.cluster.delete(place, uid=shell.cluster.get(place).json()["metadata"]["uid"])
    assert left(shell, POD_DISRUPTION_BUDGETS) == ["web"]
    told = json.loads(shell("release", "-o", "json").stdout)
    assert told["pod"] == {"namespace": "default", "name": "web", "uid": ""}
    assert ["PodDisruptionBudget" in change for change in told["changes"]] == [True]
    assert left(shell, POD_DISRUPTION_BUDGETS) == []
    assert "there is no pod default/web" in shell("release", code=1).stderr


def test_a_successor_of_the_name_is_left_alone(shell: Shell) -> None:
    ref = isolated(shell, "web")
    deleted(shell, ref)
    shell.cluster.create(PODS.path("default"), pod("web", "default"))
    shell("release")
    assert (left(shell, NETWORK_POLICIES), left(shell, POD_DISRUPTION_BUDGETS)) == ([], [])
    metadata = shell.cluster.get(PODS.path("default", "web")).json()["metadata"]
    assert (metadata.get("labels"), metadata.get("annotations")) == (None, None)


def test_one_that_is_gone_or_refuses_does_not_keep_the_others_past_their_time(shell: Shell) -> None:
    gone, altered, whole = (isolated(shell, name, until_past=True) for name in ("gone", "altered", "whole"))
    later = isolated(shell, "web")
    deleted(shell, gone)
    label = [{"op": "add", "path": "/metadata/labels/app", "value": "else"}]
    shell.cluster.patch(PODS.path("default", altered.name), label)
    ended = shell.run("release", "--expired", "-o", "json", code=3)
    assert "app is else" in ended.stderr
    released = {one["pod"]["name"]: one for one in json.loads(ended.stdout)["released"]}
    assert released[whole.name]["run"]
    assert "app is else" in released[altered.name]["error"]["message"]
    assert set(left(shell, NETWORK_POLICIES)) == {altered.name, later.name}
    assert set(left(shell, POD_DISRUPTION_BUDGETS)) == {altered.name, later.name}
    labels = shell.cluster.get(PODS.path("default", whole.name)).json()["metadata"].get("labels", {})
    assert marks.QUARANTINE not in labels
    told = shell.run("release", "--expired", "--yes", "--authority", "night shift", "-o", "jsonl").stdout
    run = json.loads(told.splitlines()[-1])["run"]
    assert left(shell, NETWORK_POLICIES) == [later.name]
    assert runs.show(shell.home / "irkit", run).record.authority == "night shift"
