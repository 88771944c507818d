"""The real kubectl on the practice cluster."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from irkit.drill.range import server
from irkit.drill.range.server import Range
from tests.drill.client import VICTIM

Kubectl = Callable[..., str]
POLICY = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: quarantine}
spec: {podSelector: {matchLabels: {quarantine: "%s"}}, policyTypes: [Ingress, Egress]}
"""


@pytest.fixture(scope="module")
def binary() -> str:
    """kubectl 1.34 or newer: the one built for the real cluster, or one on the PATH that answers."""
    built = sorted(Path("~/.cache/irkit-cluster").expanduser().glob("v*/kubectl"), reverse=True)
    for found in filter(None, [*map(str, built), shutil.which("kubectl")]):
        done = subprocess.run([found, "version", "--client", "-o", "json"], capture_output=True, text=True, check=False)
        if done.returncode == 0 and int(json.loads(done.stdout)["clientVersion"]["minor"].rstrip("+")) >= 34:
            return found
    pytest.skip("no kubectl 1.34 or newer: tests/cluster/build.sh builds one")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Range]:
    with server.start(home=tmp_path_factory.mktemp("kubectl")) as running:
        yield running


@pytest.fixture
def kubectl(binary: str, home: Range, tmp_path: Path) -> Kubectl:
    def run(*arguments: str, given: str = "", code: int = 0) -> str:
        command = [
            binary,
            "--kubeconfig",
            str(home.kubeconfig),
            f"--cache-dir={tmp_path}",
            "-n",
            "payments",
            *arguments,
        ]
        done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == code, done.stderr
        return done.stdout + done.stderr

    return run


def test_what_a_responder_looks_at_first(kubectl: Kubectl) -> None:
    assert "1 (31m ago)" in kubectl("get", "pods", "-o", "wide")
    assert "replicaset.apps/web-6d9f7c5b8" in kubectl("get", "all")
    described = kubectl("describe", "pod", VICTIM)
    assert "Controlled By:  ReplicaSet/web-6d9f7c5b8" in described
    assert "OOMKilled" in described
    assert "Liveness probe failed" in described
    assert "web-6d9f7c5b8-x2x7k" in kubectl("describe", "node", "node-2")
    assert "web-6d9f7c5b8 (2/2 replicas created)" in kubectl("describe", "deployment", "web")
    assert "From:\n      PodSelector: app=web" in kubectl("describe", "netpol", "db-from-apps")
    assert "BackOff" in kubectl("events", "--for", f"pod/{VICTIM}")


def test_output_forms(kubectl: Kubectl) -> None:
    assert json.loads(kubectl("get", "pod", VICTIM, "-o", "json"))["spec"]["placementIntent"]
    assert "placementIntent:" in kubectl("get", "pod", VICTIM, "-o", "yaml")
    assert kubectl("get", "ns", "-o", "name").splitlines()[0] == "namespace/default"
    assert "networkpolicies" in kubectl("api-resources")
    assert "Server Version: v1.37" in kubectl("version")


def test_logs(kubectl: Kubectl, home: Range) -> None:
    victim = home.store.find("Pod", VICTIM, "payments")
    current = home.logs.path(victim, "app").read_text()
    assert kubectl("logs", VICTIM, "-c", "app", "--timestamps") == current
    assert kubectl("logs", VICTIM, "-c", "app", "-p", "--tail=1").endswith("(cgroup limit 536870912)\n")
    assert kubectl("logs", VICTIM, "-c", "app", "--since=1s") == ""
    assert 'previous terminated container "metrics"' in kubectl("logs", VICTIM, "-c", "metrics", "-p", code=1)


def test_apply_in_both_ways(kubectl: Kubectl) -> None:
    apply = ("apply", "-f", "-")
    assert "created (server dry run)" in kubectl(*apply, "--dry-run=server", given=POLICY % "a")
    assert kubectl(*apply, given=POLICY % "a").endswith("created\n")
    assert kubectl(*apply, given=POLICY % "a").endswith("unchanged\n")
    assert kubectl(*apply, given=POLICY % "b").endswith("configured\n")
    conflict = kubectl(*apply, "--server-side", "--field-manager=other", given=POLICY % "c", code=1)
    assert 'conflict with "kubectl-client-side-apply" using networking.k8s.io/v1: .spec.podSelector' in conflict
    forced = kubectl(*apply, "--server-side", "--field-manager=other", "--force-conflicts", given=POLICY % "c")
    assert forced.endswith("serverside-applied\n")
    unknown = kubectl(*apply, given=(POLICY % "d").replace("policyTypes", "policyType"), code=1)
    assert 'unknown field "spec.policyType"' in unknown
    assert "deleted" in kubectl("delete", "netpol", "quarantine")


def test_create_label_annotate_patch_delete(kubectl: Kubectl) -> None:
    assert kubectl("create", "configmap", "c", "--from-literal=a=b") == "configmap/c created\n"
    assert 'configmaps "c" already exists' in kubectl("create", "configmap", "c", code=1)
    assert kubectl("label", "configmap", "c", "x=y").endswith("labeled\n")
    assert kubectl("annotate", "configmap", "c", "x=y").endswith("annotated\n")
    for kind, patch in (
        ("merge", '{"data":{"m":"1"}}'),
        ("strategic", '{"data":{"s":"1"}}'),
        ("json", '[{"op":"add","path":"/data/j","value":"1"}]'),
    ):
        assert kubectl("patch", "configmap", "c", f"--type={kind}", "-p", patch).endswith("patched\n")
    assert json.loads(kubectl("get", "cm", "c", "-o", "jsonpath={.data}")) == {"a": "b", "m": "1", "s": "1", "j": "1"}
    assert "deleted" in kubectl("delete", "configmap", "c")
    assert "NotFound" in kubectl("get", "configmap", "c", code=1)


def test_typed_creations_arrive_as_protobuf(kubectl: Kubectl) -> None:
    kubectl("create", "deployment", "d", "--image=registry.example.com/d:1", "--replicas=2", "--port=80")
    assert kubectl("get", "deployment", "d").splitlines()[1].split()[1:4] == ["2/2", "2", "2"]
    assert kubectl("rollout", "status", "deployment/d", "--timeout=5s").endswith("successfully rolled out\n")
    kubectl("expose", "deployment", "d")
    kubectl("scale", "deployment", "d", "--replicas=3")
    assert len(kubectl("get", "pods", "-l", "app=d", "-o", "name").splitlines()) == 3
    kubectl("create", "secret", "generic", "s", "--from-literal=a=b")
    assert kubectl("get", "secret", "s", "-o", "jsonpath={.data.a}") == "Yg=="
    kubectl("delete", "deployment,service,secret", "--all-namespaces=false", "-l", "app=d")
    assert "practice-" in kubectl("create", "token", "web")


def test_rights(kubectl: Kubectl) -> None:
    kubectl("create", "sa", "reader")
    kubectl("create", "role", "reader", "--verb=get,list", "--resource=pods")
    kubectl("create", "rolebinding", "reader", "--role=reader", "--serviceaccount=payments:reader")
    reader = "--as=system:serviceaccount:payments:reader"
    assert kubectl("auth", "can-i", "list", "pods", reader) == "yes\n"
    assert kubectl("auth", "can-i", "list", "secrets", reader, code=1) == "no\n"
    assert "cannot list resource" in kubectl("get", "secrets", reader, code=1)
    assert "oncall@example.com" in kubectl("auth", "whoami")


def test_a_watch_sees_what_happens(binary: str, home: Range, kubectl: Kubectl) -> None:
    command = [binary, "--kubeconfig", str(home.kubeconfig), "-n", "payments", "get", "pods", "-w", "-o", "name"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        first = {watching.stdout.readline() for _ in range(4)}
        assert f"pod/{VICTIM}\n" in first
        kubectl("run", "late", "--image=registry.example.com/late:1")
        assert "pod/late\n" in iter(watching.stdout.readline, "")
        watching.terminate()
    assert "deleted" in kubectl("delete", "pod", "late")


def test_waiting_draining_and_debugging(kubectl: Kubectl) -> None:
    assert "condition met" in kubectl("wait", "--for=condition=Ready", "pod", "-l", "app=web", "--timeout=5s")
    kubectl("debug", VICTIM, "--image=registry.example.com/tools:1", "--target=app", "-c", "look")
    assert "look" in kubectl("get", "pod", VICTIM, "-o", "jsonpath={.spec.ephemeralContainers[*].name}")
    drained = kubectl("drain", "node-3", "--force", "--delete-emptydir-data", "--ignore-daemonsets")
    assert drained.endswith("node/node-3 drained\n")
    assert kubectl("uncordon", "node-3").endswith("uncordoned\n")
