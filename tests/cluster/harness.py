"""The pytest plugin of the real cluster: fixtures, and a line at the end that says what was run against what."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.real import RealCluster
from tests.cluster.start import NoClusterError, in_use, stop

# One folder for a session and all its xdist workers, which inherit the environment.
SHARED = "IRKIT_TEST_SESSION"


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        os.environ[SHARED] = tempfile.mkdtemp(prefix="irkit-tests-")


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        shutil.rmtree(_shared(), ignore_errors=True)


def _shared() -> Path:
    return Path(os.environ[SHARED])


@pytest.fixture(scope="session")
def real_cluster() -> Iterator[RealCluster]:
    """A real Kubernetes; without one the test is skipped, or fails where IRKIT_TEST_REQUIRE_REAL is set, as in CI."""
    try:
        with in_use(_shared() / "started-here") as cluster:
            (_shared() / "ran").write_text(f"real cluster: Kubernetes {cluster.version} ({cluster.origin})")
            yield cluster
    except NoClusterError as error:
        told = f"REAL CLUSTER LEFT OUT: {error}"
        (_shared() / "ran").write_text(told)
        if os.environ.get("IRKIT_TEST_REQUIRE_REAL"):
            pytest.fail(told)
        pytest.skip(told)


@pytest.fixture
def real_namespace(real_cluster: RealCluster) -> Iterator[str]:
    """A namespace of the test's own, ready for pods and gone afterwards."""
    name = f"irkit-test-{uuid.uuid4().hex[:8]}"
    real_cluster.kubectl("create", "namespace", name)
    try:
        real_cluster.kubectl("wait", "--for=create", "--timeout=30s", "-n", name, "serviceaccount/default")
        yield name
    finally:
        real_cluster.kubectl("delete", "namespace", name, "--wait=false")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    ran = _shared() / "ran"
    told = ran.read_text() if ran.exists() else "real cluster: not asked for by any test of this run"
    terminalreporter.write_sep("=", told, bold=True, yellow="LEFT OUT" in told, green="Kubernetes" in told)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Workers are done by now: what this session started, it stops."""
    if not hasattr(session.config, "workerinput") and (_shared() / "started-here").exists():
        stop()
