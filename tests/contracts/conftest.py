"""The worlds that contracts are kept in."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from irkit.drill.range import server
from irkit.drill.range.server import Range
from tests.contracts.worlds import PracticeWorld, RealWorld, World


@pytest.fixture(scope="session")
def practice_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Range]:
    """The practice cluster, as `irkit demo` starts it."""
    with server.start(0, home=tmp_path_factory.mktemp("range")) as practice:
        yield practice


@pytest.fixture(params=["practice", pytest.param("real", marks=pytest.mark.real)])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    """A namespace to play in, once on the practice cluster and once on the real one."""
    if request.param == "practice":
        return PracticeWorld(request.getfixturevalue("practice_cluster"), f"contract-{uuid.uuid4().hex[:8]}")
    real, namespace = request.getfixturevalue("real_cluster"), request.getfixturevalue("real_namespace")
    return RealWorld(real, namespace, tmp_path)
