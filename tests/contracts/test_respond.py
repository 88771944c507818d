"""The whole job through the command line, as a responder runs it: on the practice cluster and on a real one."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from irkit.bundle.reader import cat
from irkit.cluster.resources import NETWORK_POLICIES, PODS
from irkit.errors import NotFound
from irkit.model.evidence import GapReason
from irkit.playbook import engine, find
from irkit.settings import ClusterSettings, StoreSettings
from tests.cluster.real import RealCluster
from tests.contracts.worlds import IMAGE, World
from tests.playbook.practice import Watcher

READ = {"apiGroups": [""], "resources": ["pods", "events", "services", "serviceaccounts"], "verbs": ["get", "list"]}
CONTAIN = [
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["patch"]},
    {"apiGroups": ["networking.k8s.io"], "resources": ["networkpolicies"], "verbs": ["list", "create", "delete"]},
]


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """What it printed on stdout, one document."""
        parsed: dict[str, Any] = json.loads(self.out)
        return parsed


@dataclass(frozen=True)
class Responder:
    """Somebody at a shell of their own."""

    home: Path
    kubeconfig: Path

    def irkit(self, *arguments: str, kubeconfig: Path | None = None) -> Ended:
        """Run irkit; whatever happens there is never a traceback."""
        done = subprocess.run(
            [sys.executable, "-m", "irkit", *arguments],
            check=False,
            capture_output=True,
            text=True,
            timeout=120,
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            env={
                "PATH": "/usr/bin:/bin",
                "HOME": str(self.home),
                "IRKIT_HOME": str(self.home / "irkit"),
                "KUBECONFIG": str(kubeconfig or self.kubeconfig),
                "PYTHONPATH": str(Path(__file__).parents[2]),
            },
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Ended(done.returncode, done.stdout, done.stderr)

    def respond(self, pod: str, namespace: str, *more: str, kubeconfig: Path | None = None) -> Ended:
        """The main command, answering in JSON."""
        return self.irkit("respond", pod, "-n", namespace, "-o", "json", *more, kubeconfig=kubeconfig)


@pytest.fixture
def responder(world: World, tmp_path: Path) -> Responder:
    return Responder(tmp_path, world.kubeconfig)


def bundle_of(ended: Ended) -> Path:
    """The bundle of a run told as JSON."""
    path = Path(ended.json["bundle"])
    assert path.is_file()
    return path


def member(bundle: Path, name: str) -> bytes:
    """One file of a bundle."""
    return b"".join(cat(bundle, name))


def test_the_main_job(world: World, responder: Responder) -> None:
    pod = world.crashed()
    ended = responder.respond(pod.name, pod.namespace, "--case", "CASE-7", "--store", f"file://{responder.home}/store")
    assert ended.code == 0, ended.err
    record = ended.json
    assert record["isolation"]["verdict"] == {"ingress": "unverified", "egress": "unverified"}
    assert {gap["reason"] for gap in record["gaps"]} <= {"never-existed"}

    bundle = bundle_of(ended)
    assert bundle.name.startswith("irkit-CASE-7-crashed-")
    assert (responder.home / "store" / bundle.name).read_bytes() == bundle.read_bytes()
    assert responder.irkit("bundle", "verify", str(bundle)).code == 0
    assert member(bundle, "data/logs/app.previous.log").endswith(b" first\n")
    assert member(bundle, "data/logs/app.current.log").endswith(b" second\n")
    assert json.loads(member(bundle, "data/pod/pod.json"))["metadata"]["uid"] == record["target"]["uid"]
    assert b"<!doctype html>" in member(bundle, "data/report/report.html")[:200].lower()

    assert responder.irkit("run", "undo", "last").code == 0
    labels = world.cluster.get(PODS.path(pod.namespace, pod.name)).json()["metadata"].get("labels", {})
    assert not any(key.startswith("irkit.dev") for key in labels)
    assert world.cluster.get(NETWORK_POLICIES.path(pod.namespace)).json()["items"] == []


def test_a_dry_run_touches_and_takes_nothing(world: World, responder: Responder) -> None:
    pod = world.running()
    path = PODS.path(pod.namespace, pod.name)
    before = world.cluster.get(path).json()["metadata"]["resourceVersion"]
    ended = responder.respond(pod.name, pod.namespace, "--dry-run")
    assert ended.code == 0, ended.err
    kinds = [change["kind"] for change in ended.json["isolation"]["changes"]]
    assert kinds == ["NetworkPolicy", "Pod", "Pod", "PodDisruptionBudget"]
    assert world.cluster.get(path).json()["metadata"]["resourceVersion"] == before
    assert world.cluster.get(NETWORK_POLICIES.path(pod.namespace)).json()["items"] == []
    assert ended.json["artifacts"] == []


def test_a_policy_that_still_admits_is_named(world: World, responder: Responder) -> None:
    pod = world.running()
    allow = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "allow-everyone", "namespace": pod.namespace},
        "spec": {"podSelector": {}, "ingress": [{}]},
    }
    world.cluster.create(NETWORK_POLICIES.path(pod.namespace), allow)
    ended = responder.irkit("isolate", pod.name, "-n", pod.namespace, "-o", "json")
    assert ended.code == 5, ended.err
    assert ended.json["verdict"] == {"ingress": "ineffective", "egress": "unverified"}
    assert [left["policy"] for left in ended.json["residual"]] == ["allow-everyone"]
    assert set(ended.json) >= {"pod", "engine", "changes", "residual", "verdict", "proof", "run"}

    again = responder.irkit("isolate", pod.name, "-n", pod.namespace, "-o", "json")
    assert (again.code, again.json["changes"]) == (5, [])


def test_gaps_are_named_with_their_remedy(world: World, responder: Responder, tmp_path: Path) -> None:
    pod = world.running()
    limited = _limited(world, READ, *CONTAIN)  # no pods/log, no endpoint slices, nothing of RBAC
    missing = tmp_path / "no-audit.log"
    not_audit = tmp_path / "not-audit.log"
    not_audit.write_text("Nov 23 03:00:00 node1 kubelet: not json\n" * 3)
    sources = ("--audit", str(missing), "--audit", str(not_audit))
    ended = responder.respond(pod.name, pod.namespace, *sources, kubeconfig=limited)
    assert ended.code == 4, ended.err
    gaps = {gap["target"]: gap for gap in ended.json["gaps"]}
    denied = next(gap for target, gap in gaps.items() if "log of container app" in target)
    assert (denied["reason"], "pods/log" in denied["detail"] + denied["remedy"]) == ("denied", True)
    assert next(gap for target, gap in gaps.items() if str(missing) in target)["reason"] == "absent"
    assert next(gap for target, gap in gaps.items() if str(not_audit) in target)["reason"] == "invalid"
    assert all(gap["remedy"] for gap in gaps.values() if gap["reason"] != "never-existed")
    bundle = bundle_of(ended)
    assert responder.irkit("bundle", "verify", str(bundle)).code == 0
    assert len(json.loads(member(bundle, "data/collection.json"))["gaps"]) == len(gaps)
    assert "data/pod/pod.json" in responder.irkit("bundle", "ls", str(bundle)).out


def _limited(world: World, *rules: dict[str, Any]) -> Path:
    """A kubeconfig that holds only `rules`."""
    world.limited(*rules)
    return world.limited_kubeconfig()


def test_a_successor_of_the_same_name_is_left_alone(world: World, responder: Responder) -> None:
    pod = world.running()
    first = responder.irkit("isolate", pod.name, "-n", pod.namespace, "-o", "json")
    path = PODS.path(pod.namespace, pod.name)
    old = world.cluster.get(path).json()["metadata"]["uid"]
    world.cluster.delete(path, uid=old)
    _until_gone(world, path)
    world.running()
    new = world.cluster.get(path).json()["metadata"]
    assert new["uid"] != old

    undone = responder.irkit("run", "undo", first.json["run"], "-o", "json")
    assert undone.code == 0, undone.err
    after = world.cluster.get(path).json()["metadata"]
    assert (after["uid"], after.get("labels")) == (new["uid"], new.get("labels"))
    assert world.cluster.get(NETWORK_POLICIES.path(pod.namespace)).json()["items"] == []


@pytest.mark.parametrize("moment", ["ended resolve", "ended isolate"])
def test_a_pod_replaced_between_two_steps_costs_its_successor_nothing(
    world: World, tmp_path: Path, moment: str
) -> None:
    pod = world.running()
    path = PODS.path(pod.namespace, pod.name)
    old = world.cluster.get(path).json()["metadata"]["uid"]

    def replace() -> None:
        world.cluster.delete(path, uid=old)
        _until_gone(world, path)
        world.running()

    watcher = Watcher()
    watcher.at(moment, replace)
    cluster = ClusterSettings(str(world.kubeconfig), timeout=20)
    record = engine.run(
        find.load("compromised-pod"),
        {"namespace": pod.namespace, "pod": pod.name},
        engine.Setup(tmp_path, progress=watcher),
        run_id="r-1",
        settings=engine.Settings(cluster, StoreSettings(f"file://{tmp_path}/store")),
    )
    successor = world.cluster.get(path).json()["metadata"]
    assert successor["uid"] != old
    assert not [key for key in successor.get("labels", {}) if key.startswith("irkit.dev/")]
    assert record.target
    assert record.target.uid == old
    assert GapReason.REPLACED in {gap.reason for gap in record.gaps}
    taken = [artifact.path for artifact in record.artifacts if artifact.path.startswith(("logs/", "pod/pod"))]
    assert all(successor["uid"].encode() not in (tmp_path / "runs/r-1/data" / name).read_bytes() for name in taken)
    report = (tmp_path / "runs/r-1/data/report/report.md").read_text()
    assert "belongs to another pod" in report or "replaced" in report


def _until_gone(world: World, path: str) -> None:
    for _ in range(300):
        try:
            world.cluster.get(path)
        except NotFound:
            return
        time.sleep(0.1)
    pytest.fail(f"{path} is still there")


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("respond", "nobody", "-n", "NS"), 1, "there is no pod"),
        (("isolate", "web", "-n", "no-such-namespace"), 1, "there is no namespace"),
        (("capture", "--all", "-n", "no-such-namespace"), 1, "there is no namespace"),
        (("reach", "-n", "no-such-namespace"), 1, "there is no namespace"),
        (("isolate", "Not_A_Name", "-n", "NS"), 2, "not a pod name"),
        (("isolate", "web", "-n", "NS", "--context", "elsewhere"), 2, "no context 'elsewhere'"),
        (("isolate", "web", "-n", "NS", "--kubeconfig", "/nowhere/config"), 2, "no such kubeconfig"),
        (("respond", "web", "-n", "NS", "--playbook", "/nowhere.yaml"), 2, "cannot read /nowhere.yaml"),
        (("respond", "web", "-n", "NS", "--playbook", "no-such"), 2, "no such playbook"),
        (("respond", "web", "-n", "NS", "--store", "ftp://x"), 2, "unknown kind of store"),
        (("run", "show", "nothing"), 2, "no run is called"),
        (("bundle", "verify", "/nowhere.tar.gz"), 1, "cannot read"),
    ],
)
def test_what_cannot_be_done_is_one_clear_line(
    world: World, responder: Responder, arguments: tuple[str, ...], code: int, says: str
) -> None:
    ended = responder.irkit(*(world.namespace if word == "NS" else word for word in arguments))
    lines = [line for line in ended.err.splitlines() if line.startswith("irkit: ")]
    assert (ended.code, len(lines)) == (code, 1), ended.err
    assert says in lines[0]


@pytest.mark.real
class TestOnTheRealCluster:
    """What only real containers and a real audit log can show."""

    @pytest.fixture
    def attacked(self, real_cluster: RealCluster, real_namespace: str) -> Iterator[str]:
        """The name of one of two pods of a Deployment, into which somebody has just exec'ed."""
        container = {
            "name": "app",
            "image": IMAGE,
            "imagePullPolicy": "Never",
            "command": ["sh", "-c", "i=0; while [ $i -lt 200 ]; do echo line $i; i=$((i+1)); done; sleep 3600"],
        }
        labels = {"app": "web"}
        spec = {
            "replicas": 2,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [container], "terminationGracePeriodSeconds": 1},
            },
        }
        meta = {"name": "web", "namespace": real_namespace}
        real_cluster.apply({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec})
        real_cluster.kubectl("wait", "--for=condition=Available", "--timeout=60s", "-n", real_namespace, "deploy/web")
        victim, other = json.loads(
            real_cluster.kubectl("get", "pods", "-n", real_namespace, "-o", "jsonpath=[{.items[*].metadata.name}]")
            .replace("[", '["')
            .replace("]", '"]')
            .replace(" ", '","')
        )
        real_cluster.kubectl("exec", "-n", real_namespace, victim, "--", "id")
        real_cluster.kubectl("exec", "-n", real_namespace, other, "--", "hostname")
        yield victim

    def test_evidence_is_what_kubectl_and_the_audit_log_say(
        self, real_cluster: RealCluster, real_namespace: str, attacked: str, tmp_path: Path
    ) -> None:
        if real_cluster.audit_log is None:
            pytest.skip("AUDIT LOG LEFT OUT: this cluster's audit log cannot be read here")
        responder = Responder(tmp_path, real_cluster.kubeconfig)
        ended = responder.respond(attacked, real_namespace, "--audit", str(real_cluster.audit_log))
        assert ended.code == 0, (ended.err, ended.json["gaps"])
        bundle = bundle_of(ended)

        by_kubectl = real_cluster.kubectl("logs", "--timestamps", "-n", real_namespace, attacked)
        assert member(bundle, "data/logs/app.current.log").decode() == by_kubectl

        events = [json.loads(line) for line in member(bundle, "data/audit/events.jsonl").splitlines()]
        execs = [event for event in events if event["objectRef"].get("subresource") == "exec"]
        assert {event["objectRef"]["name"] for event in execs} == {attacked}
        assert len({event["auditID"] for event in execs}) == 1
        assert all("command=id" in event["requestURI"] for event in execs)
        about = {e["objectRef"].get("name") for e in events if e["objectRef"].get("resource") == "pods"}
        assert not any(name for name in about if name and name != attacked), about

        with tarfile.open(bundle) as tar:
            assert {info.name.split("/")[1] for info in tar} >= {"bagit.txt", "custody.jsonl", "data"}
