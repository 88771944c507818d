"""A practice cluster, given back by each test as it was, and a queue in a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from irkit.drill.range.server import Range, start
from irkit.playbook import engine, runs
from irkit.triggers.queue.opening import Opened, opened
from tests.playbook.practice import Practice


@pytest.fixture(scope="session")
def shared_range(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Range]:
    with start(home=tmp_path_factory.mktemp("range")) as range_:
        yield range_


@pytest.fixture
def practice(shared_range: Range, tmp_path: Path) -> Iterator[Practice]:
    """The practice cluster, given back as it was."""
    made = Practice(shared_range, tmp_path)
    yield made
    for run_id in runs.ids(tmp_path):
        engine.undo(run_id, made.setup())
    assert made.released()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Opened]:
    made = opened(f"sqlite://{tmp_path}/queue.db")
    yield made
    made.close()
