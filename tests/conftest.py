"""What every test may use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.ship import servers

pytest_plugins = ["tests.cluster.harness", "tests.audit.told"]


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    """One real S3 server for all tests that need no more."""
    with servers.running("versitygw", tmp_path_factory.mktemp("versitygw")) as server:
        yield server
