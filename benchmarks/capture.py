"""`irkit capture deployment/web` of a crowd of pods against a loop of `kubectl logs`.

The capture asks for current and previous logs, proves whose each is, takes the pods and all around them, hashes, seals
and ships; the loops take current logs alone, or previous ones too. They run in quarters, a whole capture after each, so
that a machine which others use slows both alike. What redaction costs is told by a capture for two audiences: secrets
are hidden, and every original that held one is encrypted. Each pod has a password in its environment, each tenth in its
logs. No folder is removed before the last run: ext4 without a
journal passes over every inode that was freed in the last minutes, one by one, to find one for a new file.

On the practice cluster for volume (`IRKIT_BENCH_PODS`, 200), served from a process of its own; on the real cluster of
tests/cluster, with a tenth of the pods, for truth.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path

from pyrage import x25519  # type: ignore[import-untyped]

from benchmarks._crowd import CONTAINERS, ENV, LEAKY, LINE, LOGIN, NAMESPACE
from benchmarks._timing import Cost, race, table
from irkit.bundle.reader import names
from tests.cluster.real import RealCluster
from tests.cluster.start import in_use, stop

PODS = int(os.environ.get("IRKIT_BENCH_PODS", "200"))
LINES = 500  # of each container's log: some 65 kB with timestamps
QUARTERS = 4
CURRENT, PREVIOUS = "--previous=false", "--previous"
CAPTURE = "irkit capture, sealed and shipped"
REDACTED = "the same, for two audiences"
IMAGE = "docker.io/local/busybox:1"


def main() -> None:
    """Print both tables."""
    started = Path(tempfile.mkdtemp()) / "started-here"
    try:
        with in_use(started) as real:
            with _practice(PODS) as kubeconfig:
                _measure("practice cluster", real.kubectl_path, kubeconfig, PODS)
            with _deployed(real, PODS // 10 or 1) as kubeconfig:
                _measure(f"Kubernetes {real.version}", real.kubectl_path, kubeconfig, PODS // 10 or 1)
    finally:
        if started.exists():
            stop()


def _measure(where: str, kubectl: str, kubeconfig: Path, pods: int) -> None:
    command = [kubectl, "--kubeconfig", str(kubeconfig), "-n", NAMESPACE]
    listed = subprocess.run([*command, "get", "pods", "-l", "app=web", "-o", "name"], check=True, capture_output=True)
    named = listed.stdout.decode().split()
    assert len(named) == pods, f"{len(named)} pods, not {pods}"

    def loop(quarters: Iterator[list[str]], *runs: str) -> None:
        folder = Path(tempfile.mkdtemp(dir=whole))
        for number, (pod, container, run) in enumerate(product(next(quarters), CONTAINERS, runs)):
            asked = [*command, "logs", pod, "-c", container, "--timestamps", run]
            with (folder / f"{number}.log").open("wb") as log:
                done = subprocess.run(asked, check=False, stdout=log, stderr=subprocess.DEVNULL)
            assert done.returncode == 0 or run == PREVIOUS

    def capture(*more: str) -> None:
        home = tempfile.mkdtemp(dir=whole)
        out = Path(home) / "out"
        arguments = ["capture", "deployment/web", "-n", NAMESPACE, "--kubeconfig", str(kubeconfig), "-q"]
        command = [sys.executable, "-m", "irkit", *arguments, "--out", str(out), *more]
        done = subprocess.run(command, env=_environment(home), capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        (bundle,) = out.glob("*.tar.gz")
        logs, sealed = (sum(name.endswith(end) for name in names(bundle)) for end in (".current.log", ".json.age"))
        assert logs == pods * len(CONTAINERS), f"{logs} logs in the bundle"
        assert sealed >= pods if more else not sealed, f"{sealed} objects sealed"

    print(f"\n  {where}: {pods} pods x {len(CONTAINERS)} containers, {LINES} lines each")
    contestants: dict[str, Callable[[], None]] = {
        "kubectl logs": partial(loop, _quarters(named), CURRENT),
        "kubectl logs, then --previous": partial(loop, _quarters(named), CURRENT, PREVIOUS),
        CAPTURE: capture,
        REDACTED: partial(capture, "--recipient", str(x25519.Identity.generate().to_public())),
    }
    with tempfile.TemporaryDirectory() as whole:
        costs = race(contestants, rounds=QUARTERS, warm=False)
    table([cost if cost.name in (CAPTURE, REDACTED) else _whole(cost) for cost in costs], against=CAPTURE)


def _quarters(named: list[str]) -> Iterator[list[str]]:
    return iter([named[start::QUARTERS] for start in range(QUARTERS)])


def _environment(home: str) -> dict[str, str]:
    """Ours, with runs kept in `home`, and with what Python and Jinja compile kept as on any machine."""
    return {**os.environ, "IRKIT_HOME": home, "PYTHONDONTWRITEBYTECODE": ""}


def _whole(quarter: Cost) -> Cost:
    return replace(quarter, wall=QUARTERS * quarter.wall, cpu=QUARTERS * quarter.cpu)


@contextmanager
def _practice(pods: int) -> Iterator[Path]:
    """The practice cluster with the crowd, in a process of its own."""
    with tempfile.TemporaryDirectory() as home:
        command = [sys.executable, "-m", "benchmarks._crowd", home, str(pods), str(LINES)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as serving:
            assert serving.stdout
            yield Path(serving.stdout.readline().strip())
            serving.communicate()


@contextmanager
def _deployed(real: RealCluster, pods: int) -> Iterator[Path]:
    """The crowd on the real cluster."""
    login = f"[ $((RANDOM % {LEAKY})) -gt 0 ] || echo '{LOGIN}'"
    say = f"{login}; i=0; while [ $i -lt {LINES} ]; do echo '{LINE}'; i=$((i+1)); done; exec sleep 100000"
    containers = [
        {"name": name, "image": IMAGE, "imagePullPolicy": "Never", "command": ["sh", "-c", say], "env": ENV}
        for name in CONTAINERS
    ]
    spec = {"containers": containers, "terminationGracePeriodSeconds": 0}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": NAMESPACE},
        "spec": {
            "replicas": pods,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": spec},
        },
    }
    real.kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found")
    real.kubectl("create", "namespace", NAMESPACE)
    try:
        real.kubectl("wait", "--for=create", "-n", NAMESPACE, "serviceaccount/default", "--timeout=30s")
        real.kubectl("apply", "-f", "-", given=json.dumps(deployment))
        real.kubectl("rollout", "status", "-n", NAMESPACE, "deployment/web", "--timeout=170s")
        yield real.kubeconfig
    finally:
        real.kubectl("delete", "namespace", NAMESPACE, "--wait=false")
