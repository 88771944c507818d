"""What every test may use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.ship import servers

# On a busy machine the first example may take a second, and says nothing about the code; a fixture that all examples
# share is made to be shared.
settings.register_profile(
    "busy",
    parent=settings.get_profile(settings.get_current_profile_name()),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("busy")

pytest_plugins = ["tests.cluster.harness", "tests.audit.told", "tests.counted"]


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    """One real S3 server for all tests that need no more."""
    with servers.running("versitygw", tmp_path_factory.mktemp("versitygw")) as server:
        yield server
