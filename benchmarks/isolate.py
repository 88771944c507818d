"""`irkit isolate` against the four kubectl commands that do the same by hand, on the real cluster.

Uses the cluster of tests/cluster, started where none runs, or IRKIT_TEST_KUBECONFIG.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks._timing import race, table
from tests.cluster.real import RealCluster
from tests.cluster.start import in_use, stop

NAMESPACE = "bench-isolate"
POLICY = "bench-deny"
PODS = 24  # every round isolates a pod that is not yet isolated

# From the first request to the verdict, without the start of Python and the import of the client.
VERDICT_ONLY = """
import sys, time
from irkit.cluster.client import connect
from irkit.contain.isolate import isolate
from irkit.model.pod import PodRef
from irkit.settings import ClusterSettings
cluster = connect(ClusterSettings(kubeconfig=sys.argv[1]))
began = time.perf_counter()
isolate(PodRef(sys.argv[2], sys.argv[3]), cluster, case="bench", before=lambda change: None)
print(time.perf_counter() - began)
"""


def main() -> None:
    """Print the table."""
    started = Path(tempfile.mkdtemp()) / "started-here"
    try:
        with in_use(started) as real, _pods(real) as names:
            _measure(real, names)
    finally:
        if started.exists():
            stop()


def _measure(real: RealCluster, names: list[str]) -> None:
    pods = iter(names)
    verdicts: list[float] = []

    def by_hand() -> None:
        for arguments in _four(next(pods)):
            _kubectl(real, *arguments)

    def whole() -> None:
        with tempfile.TemporaryDirectory() as home:
            command = [sys.executable, "-m", "irkit", "isolate", next(pods), "-n", NAMESPACE, "-q", "-o", "json"]
            _checked([*command, "--kubeconfig", str(real.kubeconfig)], {"IRKIT_HOME": home})

    def verdict() -> None:
        command = [sys.executable, "-c", VERDICT_ONLY, str(real.kubeconfig), NAMESPACE, next(pods)]
        verdicts.append(float(_checked(command, {})))

    costs = race({"kubectl x 4": by_hand, "irkit isolate": whole, "connect + isolate": verdict}, rounds=6)
    table(costs, against="kubectl x 4")
    verdicts.sort()
    middle = verdicts[len(verdicts) // 2]
    print(f"  first request to verdict: {middle:.3f} s, {middle / costs[0].wall:.2f} x kubectl x 4")
    helped = race({"irkit --help": [[sys.executable, "-m", "irkit", "--help"]]})
    print(f"  irkit --help: {helped[0].wall:.3f} s")


def _four(pod: str) -> Iterator[list[str]]:
    """What a responder types today."""
    yield ["get", "pod", pod, "-o", "json"]
    yield ["create", "-f", str(_manifest(pod))]
    yield ["label", "pod", pod, f"bench={pod}"]
    yield ["get", "networkpolicies", "-o", "json"]


def _manifest(pod: str) -> Path:
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": f"{POLICY}-{pod}"},
        "spec": {"podSelector": {"matchLabels": {"bench": pod}}, "policyTypes": ["Ingress", "Egress"]},
    }
    path = Path(tempfile.gettempdir()) / f"{POLICY}-{pod}.json"
    path.write_text(json.dumps(policy), encoding="utf-8")
    return path


@contextmanager
def _pods(real: RealCluster) -> Iterator[list[str]]:
    """A namespace with pods to isolate; none needs to run for that."""
    names = [f"victim-{number}" for number in range(PODS)]
    items = [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": {
                "nodeSelector": {"bench": "nowhere"},
                "containers": [{"name": "app", "image": "docker.io/local/pause:1"}],
            },
        }
        for name in names
    ]
    _kubectl(real, "delete", "namespace", NAMESPACE, "--ignore-not-found", namespaced=False)
    _kubectl(real, "create", "namespace", NAMESPACE, namespaced=False)
    _kubectl(real, "wait", "--for=create", "serviceaccount/default", "--timeout=30s")
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump({"apiVersion": "v1", "kind": "List", "items": items}, file)
        file.flush()
        _kubectl(real, "create", "-f", file.name)
    try:
        yield names
    finally:
        _kubectl(real, "delete", "namespace", NAMESPACE, "--wait=false", namespaced=False)


def _kubectl(real: RealCluster, *arguments: str, namespaced: bool = True) -> str:
    where = ["-n", NAMESPACE] if namespaced else []
    return _checked([real.kubectl_path, "--kubeconfig", str(real.kubeconfig), *where, *arguments], {})


def _checked(command: list[str], env: dict[str, str]) -> str:
    ended = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **env}, check=False)
    if ended.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {ended.returncode}: {ended.stderr[-500:]}")
    return ended.stdout
