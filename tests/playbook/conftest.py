"""The practice cluster, one for the session; each test finds it as seeded and leaves it so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from irkit.drill.range.server import Range, start
from tests.playbook.practice import Practice


@pytest.fixture(scope="session")
def shared_range(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Range]:
    with start(home=tmp_path_factory.mktemp("range")) as range_:
        yield range_


@pytest.fixture
def practice(shared_range: Range, tmp_path: Path) -> Practice:
    return Practice(shared_range, tmp_path)
