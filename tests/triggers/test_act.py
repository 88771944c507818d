"""From an alert over HTTP to a run that has ended, by real processes, on the practice cluster and on a real one."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from irkit.bundle.verify import verify
from irkit.cluster.resources import NETWORK_POLICIES, PODS
from irkit.contain.hand import Hand
from irkit.contain.preserve.keep import Preserving
from irkit.contain.quarantine import Extent, quarantine
from irkit.contain.release import release
from irkit.model.pod import PodRef
from irkit.model.run import Status
from irkit.playbook import runs
from irkit.playbook.journal import log
from irkit.playbook.rails.memory import Memory
from irkit.times import now
from irkit.triggers.queue.protocol import State
from tests.audit.logs import event, line
from tests.audit.shell import irkit
from tests.cluster.real import RealCluster
from tests.contracts.worlds import open_
from tests.contracts.worlds import pod as pod_of
from tests.playbook.practice import NAMESPACE, Practice
from tests.triggers.scene import Scene
from tests.waiting import until


@pytest.fixture
def scene(practice: Practice) -> Scene:
    return Scene(practice.home, practice.range.kubeconfig, NAMESPACE)


def step(scene: Scene, name: str) -> Status:
    return next(one.status for one in scene.run().steps if one.id == name)


def test_an_alert_that_the_rails_allow_isolates_once_however_often_it_comes(scene: Scene, practice: Practice) -> None:
    with scene.serving("--rails", scene.rails) as wire:
        assert scene.post(wire, practice.pod)["status"] == "accepted"
        until(scene.settled, "the run ends")
        assert scene.post(wire, practice.pod)["status"] == "duplicate"
    (job,) = scene.jobs()
    assert (job.state, job.word, job.attempts) == (State.DONE, scene.run().id, 1)
    assert len(practice.policies()) == 1
    assert practice.quarantined()
    (bundle,) = scene.bundles()
    assert verify(bundle).ok


def test_without_a_rails_file_evidence_is_taken_and_nothing_is_changed(scene: Scene, practice: Practice) -> None:
    with scene.serving() as wire:
        scene.post(wire, practice.pod)
        until(scene.settled, "the run ends")
    assert [job.state for job in scene.jobs()] == [State.DONE]
    assert (step(scene, "isolate"), step(scene, "ship")) == (Status.REFUSED, Status.DONE)
    assert scene.run().artifacts
    assert len(scene.bundles()) == 1
    assert practice.released()


def test_a_server_may_only_receive_and_another_process_work(scene: Scene, practice: Practice) -> None:
    with scene.serving("--workers", "0") as wire:
        scene.post(wire, practice.pod)
    assert [job.state for job in scene.jobs()] == [State.WAITING]
    with scene.irkit("queue", "work", "--workers", "2", "--rails", scene.rails):
        until(scene.settled, "the run ends")
        path = scene.home / "audit.log"
        path.write_bytes(line(event(sub="exec", code=101)))
        far = irkit("audit", "detect", path, "--queue", scene.queue, "-o", "json").stdout
    assert far == irkit("audit", "detect", path, "-o", "json").stdout
    assert len(practice.policies()) == 1
    assert [job.word for job in scene.jobs()] == [scene.run().id]


@pytest.mark.slow
def test_what_a_freeze_holds_back_is_done_after_the_thaw(scene: Scene, practice: Practice) -> None:
    memory = Memory(practice.home)
    memory.freeze("ana", "drill", now())
    with scene.serving("--rails", scene.rails) as wire:
        scene.post(wire, practice.pod)
        until(lambda: "waits" in scene.jobs()[0].word, "the rails hold it back")
        assert scene.run().artifacts, "evidence is not held back"
        assert practice.released()
        memory.thaw("ana", now())
        until(scene.settled, "it goes on")
    assert [job.word for job in scene.jobs()] == [scene.run().id]
    assert len(practice.policies()) == 1


@pytest.mark.parametrize(("mode", "record"), [("before", 1), ("torn", 1), ("after", 1), ("before", 8), ("after", 30)])
def test_who_is_killed_in_the_middle_is_replaced_and_the_run_goes_on(
    scene: Scene, practice: Practice, mode: str, record: int
) -> None:
    with scene.serving("--workers", "0") as wire:
        scene.post(wire, practice.pod)
    words: list[str | Path] = [
        sys.executable,
        "-m",
        "tests.triggers.hand",
        scene.queue,
        scene.home,
        scene.kubeconfig,
        scene.rails,
    ]
    with subprocess.Popen([*words, mode, str(record)]) as killed:
        assert killed.wait(60) == -signal.SIGKILL
    with subprocess.Popen([*words, "after", "0"]) as heir:
        until(scene.settled, "the heir ends the run")
        heir.terminate()
    assert heir.returncode == 0
    (job,) = scene.jobs()
    assert (job.state, job.attempts, job.word) == (State.DONE, 2, scene.run().id)
    assert len(practice.policies()) == 1
    (bundle,) = scene.bundles()
    assert verify(bundle).ok
    begun = [one["kind"] for one in log.read(runs.locate(scene.home, job.word))]
    assert begun.count("run.started") == 1


RELEASING = """\
apiVersion: irkit/v1
kind: Rails
mode: enforce
allow: [{{actions: [pod.release@1], namespaces: [{namespace}], triggers: [irkit-ttl]}}]
protect: {{control_plane_nodes: false}}
"""


def overdue(practice: Practice, name: str = "") -> PodRef:
    """A quarantine whose time is over."""
    ref = PodRef(NAMESPACE, name or practice.pod)
    extent = Extent(preserve=Preserving(), until=now() - timedelta(minutes=1))
    done = quarantine(ref, Hand(practice.cluster, lambda _: None, False), extent, case="IR-7", run="")
    return ref.pinned(done.uid)


def releasing(scene: Scene) -> Path:
    """A rails file that lets what is past its time be released."""
    path = scene.home / "releasing.yaml"
    path.write_text(RELEASING.format(namespace=NAMESPACE))
    return path


def test_a_server_releases_what_is_past_its_time_once(scene: Scene, practice: Practice) -> None:
    overdue(practice)
    with scene.serving("--rails", releasing(scene)):
        until(lambda: scene.jobs() and scene.settled(), "it is released")
    (job,) = scene.jobs()
    assert (job.state, job.word) == (State.DONE, scene.run().id)
    assert step(scene, "release") is Status.DONE
    assert practice.released()
    decided = [one for one in log.read(runs.locate(scene.home, job.word)) if one["kind"] == "rails.decided"]
    assert [one["decision"]["trigger"] for one in decided] == ["irkit-ttl"]


def test_what_no_rail_allows_to_release_stays_and_is_shown(scene: Scene, practice: Practice) -> None:
    ref = overdue(practice)
    with scene.serving("--rails", scene.rails):
        until(lambda: scene.jobs() and scene.settled(), "it is decided")
    assert step(scene, "release") is Status.REFUSED
    assert practice.quarantined()
    assert "no rule allows" in next(one.summary for one in scene.run().steps if one.id == "release")
    release(ref, practice.cluster, before=lambda _: None)


def test_what_is_left_of_a_pod_that_is_gone_is_released_too(scene: Scene, practice: Practice) -> None:
    practice.cluster.create(PODS.path(NAMESPACE), pod_of("brief", NAMESPACE))
    ref = overdue(practice, "brief")
    practice.cluster.delete(PODS.path(NAMESPACE, "brief"), uid=ref.uid or "")
    with scene.serving("--rails", releasing(scene)):
        until(lambda: scene.jobs() and scene.settled(), "what is left is taken back")
    assert step(scene, "release") is Status.DONE
    assert practice.policies() == []


@pytest.mark.real
def test_on_a_real_cluster_the_isolation_is_in_the_api(
    real_cluster: RealCluster, real_namespace: str, tmp_path: Path
) -> None:
    real_cluster.apply(pod_of("victim", real_namespace))
    real_cluster.kubectl("wait", "-n", real_namespace, "--for=condition=Ready", "pod/victim", "--timeout=90s")
    scene = Scene(tmp_path, real_cluster.kubeconfig, real_namespace)
    with scene.serving("--rails", scene.rails) as wire:
        scene.post(wire, "victim")
        until(scene.settled, "the run ends", 120)
    assert [job.word for job in scene.jobs()] == [scene.run().id]
    pages = open_(real_cluster.kubeconfig).pages(NETWORK_POLICIES.path(real_namespace))
    (policy,) = [item["metadata"]["name"] for page in pages for item in page.json()["items"]]
    assert policy.startswith("irkit")
    assert len(scene.bundles()) == 1
