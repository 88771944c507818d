"""The shell of the tests of this folder."""

from __future__ import annotations

import pytest

from tests.ship import servers


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    servers.environment(monkeypatch)
    return monkeypatch
