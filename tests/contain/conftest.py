"""What the tests of containment share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from irkit.cluster.resources import PODS
from irkit.drill.range import server
from tests.cluster.real import RealCluster
from tests.contain.commands.shell import Shell
from tests.contain.packets.playground import Playground, playground
from tests.contracts.worlds import pod


@pytest.fixture(scope="session")
def ground(real_cluster: RealCluster) -> Iterator[Playground]:
    """Pods that listen and call, for all of these tests; whether policies are enforced is for each to say."""
    if not real_cluster.enforceable:
        pytest.skip("the policies of this cluster are not ours to enforce")
    with playground(real_cluster) as found:
        yield found


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    with server.start(0, home=tmp_path / "range", scenario=None) as practice:
        made = Shell(tmp_path, practice)
        body = pod("web", "default")
        body["metadata"]["labels"] = {"app": "web"}
        made.cluster.create(PODS.path("default"), body)
        service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}}
        spec = {"selector": {"app": "web"}, "ports": [{"port": 80}]}
        made.cluster.create("/api/v1/namespaces/default/services", {**service, "spec": spec})
        yield made
