"""Find a real cluster, or bring one up; when none can be had, say why.

`IRKIT_TEST_KUBECONFIG` names one (with `IRKIT_TEST_AUDIT_LOG` if its audit log can be read here). Otherwise Kubernetes
`IRKIT_TEST_K8S_VERSION` (1.37.2) is built once and started, which takes root, Linux and Go. Sessions share a running
one: whoever started it stops it, unless another session still uses it.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tests.cluster.real import HERE, RealCluster

VERSION = os.environ.get("IRKIT_TEST_K8S_VERSION", "1.37.2")
CACHE = Path("~/.cache/irkit-cluster").expanduser()
STATE = Path(os.environ.get("IRKIT_CLUSTER", "/tmp/irkit-cluster"))  # noqa: S108 - as the script `cluster` has it
BINARIES = CACHE / f"v{VERSION}"


class NoClusterError(Exception):
    """Why there is no real cluster."""


@contextmanager
def in_use(mine: Path) -> Iterator[RealCluster]:
    """A cluster that stays up while the context lasts; `mine` comes into being if it was started here."""
    if given := os.environ.get("IRKIT_TEST_KUBECONFIG"):
        yield _given(Path(given))
        return
    with _locked("start", fcntl.LOCK_EX):
        if not _answers():
            _start(mine)
        held = (CACHE / "use.lock").open("w")
        fcntl.flock(held, fcntl.LOCK_SH)
    with held:
        yield _ours()


def stop() -> bool:
    """Take our cluster down unless another session uses it; whether it is down."""
    try:
        with _locked("start", fcntl.LOCK_EX), _locked("use", fcntl.LOCK_EX | fcntl.LOCK_NB):
            subprocess.run([HERE / "cluster", "down"], check=True, capture_output=True)
    except BlockingIOError:
        return False
    return True


def _given(kubeconfig: Path) -> RealCluster:
    kubectl = shutil.which("kubectl") or str(BINARIES / "kubectl")
    if not Path(kubectl).exists():
        raise NoClusterError("IRKIT_TEST_KUBECONFIG is given, but there is no kubectl on PATH")
    audit_log = os.environ.get("IRKIT_TEST_AUDIT_LOG")
    found = RealCluster(kubeconfig, kubectl, "", "IRKIT_TEST_KUBECONFIG", Path(audit_log) if audit_log else None)
    return _versioned(found)


def _ours() -> RealCluster:
    kubectl = str(BINARIES / "kubectl")
    found = RealCluster(
        STATE / "admin.conf", kubectl, "", "built here", STATE / "audit" / "audit.log", enforceable=True
    )
    found = _versioned(found)
    if "IRKIT_TEST_K8S_VERSION" in os.environ and found.version != f"v{VERSION}":
        raise NoClusterError(f"{found.version} is running, not v{VERSION}: run `tests/cluster/cluster down` first")
    return found


def _versioned(cluster: RealCluster) -> RealCluster:
    version = json.loads(cluster.kubectl("get", "--raw", "/version"))["gitVersion"]
    return replace(cluster, version=version)


def _answers() -> bool:
    """Whether a cluster of ours is up."""
    config, kubectl = STATE / "admin.conf", BINARIES / "kubectl"
    if not (config.exists() and kubectl.exists()):
        return False
    command = [str(kubectl), "--kubeconfig", str(config), "--request-timeout=5s", "get", "--raw", "/readyz"]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def _start(mine: Path) -> None:
    if sys.platform != "linux" or os.geteuid() != 0:
        raise NoClusterError("it takes root on Linux")
    if not shutil.which("go") and not (BINARIES / "kubectl").exists():
        raise NoClusterError("no Go toolchain to build Kubernetes with")
    if not (BINARIES / "kubectl").exists():
        print(f"\nbuilding Kubernetes v{VERSION}: about 5 minutes, once", file=sys.__stderr__, flush=True)
    build = subprocess.run([HERE / "build.sh", VERSION], check=False, capture_output=True, text=True)
    if build.returncode:
        raise NoClusterError(f"Kubernetes v{VERSION} does not build: {build.stderr[-2000:]}")
    mine.touch()
    up = subprocess.run([HERE / "cluster", "up", BINARIES], check=False, capture_output=True, text=True)
    if up.returncode:
        raise NoClusterError(f"the cluster does not start: {up.stderr[-2000:]}")


@contextmanager
def _locked(name: str, how: int) -> Iterator[None]:
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as file:
        fcntl.flock(file, how)
        yield
