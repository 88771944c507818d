"""One versitygw for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.ship import servers


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    with servers.running("versitygw", tmp_path_factory.mktemp("versitygw")) as server:
        yield server


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    servers.environment(monkeypatch)
    return monkeypatch
