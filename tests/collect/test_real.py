"""The same on a real API server, with a real kubelet's logs."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from irkit.cluster.client import connect
from irkit.cluster.protocol import Cluster
from irkit.cluster.resolve import resolve
from irkit.collect.capture import capture
from irkit.collect.inside.checkpoint import Checkpoint
from irkit.collect.inside.processes import Processes
from irkit.collect.pod.metrics import USAGE
from irkit.collect.registry import NEEDS
from irkit.model.evidence import GapReason
from irkit.model.isolation import Change
from irkit.model.pod import PodRef, Target
from irkit.settings import ClusterSettings
from tests.cluster.real import RealCluster
from tests.collect.scene import artifacts, files, gaps

pytestmark = pytest.mark.real

# What no terminal should see and no line-based reader keeps: escapes, NUL, bytes that are not UTF-8, no last newline.
NASTY = r"printf 'plain\n\033[2Jescape\n\000nul\n\377\376 not utf-8\ncarriage\rreturn\r\n'; printf 'no newline'"


def container(name: str, script: str) -> dict[str, Any]:
    command = ["sh", "-c", script]
    return {"name": name, "image": "docker.io/local/busybox:1", "imagePullPolicy": "Never", "command": command}


def deployment(namespace: str) -> dict[str, Any]:
    template = {
        "metadata": {"labels": {"app": "web"}},
        "spec": {
            "terminationGracePeriodSeconds": 0,
            "initContainers": [container("setup", "echo set up")],
            "containers": [
                container("app", f"{NASTY}; seq 1 20000; sleep 100000"),
                container("flaky", "[ -e /tmp/keep ]; echo run; sleep 1; exit 1"),
            ],
        },
    }
    selector = {"matchLabels": {"app": "web"}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": namespace},
        "spec": {"selector": selector, "template": template},
    }


def bare(namespace: str, word: str) -> dict[str, Any]:
    spec = {"containers": [container("app", f"echo {word}; sleep 100000")], "terminationGracePeriodSeconds": 0}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": namespace}, "spec": spec}


def printed(cluster: RealCluster, *arguments: str) -> bytes:
    command = [cluster.kubectl_path, "--kubeconfig", str(cluster.kubeconfig), *arguments]
    return subprocess.run(command, check=True, capture_output=True, timeout=60).stdout


def there(real: RealCluster) -> Cluster:
    return connect(ClusterSettings(kubeconfig=str(real.kubeconfig)))


def pinned(real: RealCluster, namespace: str, name: str) -> Target:
    return resolve(PodRef(namespace, name), there(real))[0]


def restarted_and_debugged(cluster: RealCluster, namespace: str) -> str:
    """The name of the deployment's pod, once its flaky container has restarted and its ephemeral one runs."""
    ns = ("-n", namespace)
    cluster.kubectl(*ns, "wait", "--for=create", "pod", "-l", "app=web", "--timeout=60s")
    pod = cluster.kubectl(*ns, "get", "pods", "-l", "app=web", "-o", "jsonpath={.items[0].metadata.name}")
    restarts = "{.status.containerStatuses[?(@.name=='flaky')].restartCount}=1"
    cluster.kubectl(*ns, "wait", f"pod/{pod}", f"--for=jsonpath={restarts}", "--timeout=90s")
    image = ("--image=docker.io/local/busybox:1", "--image-pull-policy=Never")
    script = ("--", "sh", "-c", "echo looked; sleep 100000")
    cluster.kubectl(*ns, "debug", pod, *image, "-c", "looker", "--target=app", "--profile=general", *script)
    running = "{.status.ephemeralContainerStatuses[0].state.running}"
    cluster.kubectl(*ns, "wait", f"pod/{pod}", f"--for=jsonpath={running}", "--timeout=60s")
    return pod


def test_everything_of_a_deployments_pod(real_cluster: RealCluster, real_namespace: str, tmp_path: Path) -> None:
    ns = ("-n", real_namespace)
    real_cluster.apply(deployment(real_namespace))
    pod = restarted_and_debugged(real_cluster, real_namespace)

    found = list(capture(pinned(real_cluster, real_namespace, pod), there(real_cluster), tmp_path))
    taken, missing = artifacts(found), gaps(found)

    for each in ("setup", "app", "looker"):
        expected = printed(real_cluster, *ns, "logs", pod, "-c", each, "--timestamps")
        assert (tmp_path / f"logs/{each}.current.log").read_bytes() == expected
        assert expected
    assert b"\xff\xfe not utf-8" in (tmp_path / "logs/app.current.log").read_bytes()
    # Whether the runtime still has the previous log of a container in a crash loop is a matter of the moment.
    lost = missing.pop("previous log of container flaky", None)
    if lost is None:
        assert (tmp_path / "logs/flaky.previous.log").read_bytes().endswith(b" run\n")
    else:
        assert lost.reason is GapReason.ABSENT
    assert {gap.reason for gap in missing.values()} == {GapReason.NEVER_EXISTED}
    never = ("init container setup", "container app", "ephemeral container looker")
    missing.pop(USAGE.about, None)  # a matter of the cluster
    assert set(missing) == {f"previous log of {each}" for each in never}
    assert json.loads((tmp_path / "pod/images.json").read_bytes())["looker"]["kind"] == "ephemeral"
    by_hand = json.loads((tmp_path / "owners/changes.json").read_bytes())
    assert "kubectl-client-side-apply" in {each["manager"] for each in by_hand}
    assert any(path.startswith("owners/replicaset-web-") for path in taken)
    assert {"owners/deployment-web.json", "node/node.json", "pod/namespace.json", "identity/reach.json"} <= set(taken)
    uids = {
        each["involvedObject"]["uid"] for each in json.loads((tmp_path / "events/events.json").read_bytes())["items"]
    }
    assert uids == {json.loads((tmp_path / "pod/pod.json").read_bytes())["metadata"]["uid"]}
    assert files(tmp_path) == set(taken)
    assert all(each.source is None or each.source.audit_id for each in taken.values())


def test_a_same_named_successor_is_left_alone(real_cluster: RealCluster, real_namespace: str, tmp_path: Path) -> None:
    ns = ("-n", real_namespace)
    real_cluster.apply(bare(real_namespace, "first"))
    real_cluster.kubectl(*ns, "wait", "pod/web", "--for=condition=Ready", "--timeout=60s")
    target = pinned(real_cluster, real_namespace, "web")
    real_cluster.kubectl(*ns, "delete", "pod", "web", "--wait")

    gone = list(capture(target, there(real_cluster), tmp_path / "gone"))
    assert gaps(gone)["current log of container app"].reason is GapReason.ABSENT
    assert {"events/events.json", "node/node.json", "identity/serviceaccount.json"} <= set(artifacts(gone))

    real_cluster.apply(bare(real_namespace, "second"))
    real_cluster.kubectl(*ns, "wait", "pod/web", "--for=condition=Ready", "--timeout=60s")
    found = list(capture(target, there(real_cluster), tmp_path / "replaced"))
    missing = gaps(found)
    assert missing["the pod's object"].reason is GapReason.REPLACED
    assert missing["current log of container app"].reason is GapReason.REPLACED
    successor = real_cluster.kubectl(*ns, "get", "pod", "web", "-o", "jsonpath={.metadata.uid}")
    everything = b"".join(each.read_bytes() for each in (tmp_path / "replaced").rglob("*") if each.is_file())
    assert successor.encode() not in everything
    assert target.uid.encode() in everything


def test_a_container_that_waits_has_no_log_yet(real_cluster: RealCluster, real_namespace: str, tmp_path: Path) -> None:
    pod = bare(real_namespace, "never")
    pod["spec"]["containers"][0]["image"] = "docker.io/local/no-such-image:1"
    real_cluster.apply(pod)
    waiting = "{.status.containerStatuses[0].state.waiting.reason}=ErrImageNeverPull"
    real_cluster.kubectl("-n", real_namespace, "wait", "pod/web", f"--for=jsonpath={waiting}", "--timeout=60s")
    found = gaps(capture(pinned(real_cluster, real_namespace, "web"), there(real_cluster), tmp_path))
    assert found["current log of container app"].reason is GapReason.NEVER_EXISTED
    assert found["previous log of container app"].reason is GapReason.NEVER_EXISTED


def role(namespace: str, *without: str) -> list[dict[str, Any]]:
    """A service account that may do what the collectors need in its namespace, but for `without`."""
    may = [each for each in NEEDS if each.scope == "namespace" and str(each) not in without]
    rules = [{"apiGroups": [each.group], "resources": [each.resource], "verbs": [each.verb]} for each in may]
    group = "rbac.authorization.k8s.io"
    metadata = {"name": "irkit", "namespace": namespace}
    bound = {
        "subjects": [{"kind": "ServiceAccount", "name": "irkit", "namespace": namespace}],
        "roleRef": {"apiGroup": group, "kind": "Role", "name": "irkit"},
    }
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata},
        {"apiVersion": f"{group}/v1", "kind": "Role", "metadata": metadata, "rules": rules},
        {"apiVersion": f"{group}/v1", "kind": "RoleBinding", "metadata": metadata, **bound},
    ]


def test_what_rbac_forbids_is_named(real_cluster: RealCluster, real_namespace: str, tmp_path: Path) -> None:
    real_cluster.apply(bare(real_namespace, "hello"), *role(real_namespace, "get pods/log", "get serviceaccounts"))
    real_cluster.kubectl("-n", real_namespace, "wait", "pod/web", "--for=condition=Ready", "--timeout=60s")
    limited = connect(ClusterSettings(kubeconfig=str(real_cluster.limited(real_namespace, "irkit", tmp_path))))
    found = list(capture(resolve(PodRef(real_namespace, "web"), limited)[0], limited, tmp_path / "data"))
    missing = gaps(found)
    missing.pop(USAGE.about, None)
    denied = {gap.target: gap.remedy for gap in missing.values()}
    assert {gap.reason for gap in missing.values()} == {GapReason.DENIED}
    assert set(denied) == {
        "current log of container app",
        "previous log of container app",
        "service account default",
        "cluster role bindings",
        "Falco's alerts about the pod",
        f"namespace {real_namespace}",
        f"node {json.loads((tmp_path / 'data/pod/pod.json').read_bytes())['spec']['nodeName']}",
    }
    assert "`get pods/log`" in denied["current log of container app"]
    assert {"pod/pod.json", "events/events.json", "network/services.json"} <= set(artifacts(found))


def test_processes_are_seen_through_a_probe_and_deleted_executables_hashed(
    real_cluster: RealCluster, real_namespace: str, tmp_path: Path
) -> None:
    """A miner that deleted itself, with a listener beside it; the environment goes into a file of its own."""
    box = "/bin/busybox"
    miner = (
        f"{box} cp {box} /tmp/busybox-x; /tmp/busybox-x sleep 4242 & sleep 1; {box} rm /tmp/busybox-x; nc -l -p 4444"
    )
    made = bare(real_namespace, "word")
    made["spec"]["containers"][0] |= {"command": ["sh", "-c", miner], "env": [{"name": "TOKEN", "value": "s3cr3t"}]}
    real_cluster.apply(made)
    real_cluster.kubectl("-n", real_namespace, "wait", "pod/web", "--for=condition=Ready", "--timeout=60s")
    listens = "until netstat -ltn | grep -q 4444; do true; done"  # the miner has deleted itself by then
    real_cluster.kubectl("-n", real_namespace, "exec", "web", "--", "sh", "-c", listens)
    target, changes = pinned(real_cluster, real_namespace, "web"), list[Change]()
    by_exec = list(
        capture(target, there(real_cluster), tmp_path / "exec", collectors=[Processes("", False, changes.append)])
    )
    assert set(gaps(by_exec)) == {"environment of the processes of container app"}
    assert b"sleep" in (tmp_path / "exec/processes/app/processes.json").read_bytes()
    assert [change.action for change in changes] == ["exec"]

    looking = Processes("docker.io/local/busybox:1", True, changes.append)
    found = list(capture(target, there(real_cluster), tmp_path, collectors=[looking]))

    assert gaps(found) == {}
    folder = tmp_path / "processes/app"
    miners = [each for each in json.loads((folder / "processes.json").read_bytes()) if each["deleted"]]
    assert [each["args"] for each in miners] == [["/tmp/busybox-x", "sleep", "4242"]]  # noqa: S108
    assert miners[0]["sha256"] == hashlib.sha256(Path("/bin/busybox").read_bytes()).hexdigest()
    listening = [each for each in json.loads((folder / "sockets.json").read_bytes()) if each.get("state") == "LISTEN"]
    assert [(each["local"].rpartition(":")[2], len(each["pids"])) for each in listening] == [("4444", 1)]
    assert b"TOKEN=s3cr3t" in (folder / "environ").read_bytes()
    assert b"s3cr3t" not in (folder / "proc.jsonl").read_bytes()
    assert [change.action for change in changes] == ["exec", "patch"]


def test_a_checkpoint_that_the_node_cannot_make_says_why(
    real_cluster: RealCluster, real_namespace: str, tmp_path: Path
) -> None:
    real_cluster.apply(bare(real_namespace, "word"))
    real_cluster.kubectl("-n", real_namespace, "wait", "pod/web", "--for=condition=Ready", "--timeout=60s")
    target, changes = pinned(real_cluster, real_namespace, "web"), list[Change]()
    found = list(capture(target, there(real_cluster), tmp_path, collectors=[Checkpoint(changes.append)]))
    assert [change.action for change in changes] == ["checkpoint"]
    gap = gaps(found)["checkpoint of container app"]
    assert gap.detail.startswith("the kubelet says ")
    assert "CRIU" in gap.remedy
