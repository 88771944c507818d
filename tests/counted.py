"""Which tests coverage counts: its tracer makes a test more than twice as slow.

A test with parameters is counted until one of them runs nothing new, and property tests, which run the same lines
hundreds of times, never are. Thus coverage is told a little too low, never too high; IRKIT_TEST_COUNT_ALL=1 counts
every test.
"""

from __future__ import annotations

import os
import pkgutil
from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import pytest
from coverage import Coverage
from pytest_cov.engine import CovController  # type: ignore[import-untyped]

import irkit

# A server that is up is no longer counted after the first test that is not: the practice cluster's own tests all are.
ALWAYS = Path(__file__).parent / "drill"


class Counting:
    """Of one worker, or of a run without workers."""

    def __init__(self, controller: CovController) -> None:
        self._controller = controller
        self._known_well: set[str] = set()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        if ALWAYS in item.path.parents:
            return (yield)
        test = item.nodeid.partition("[")[0]
        if test in self._known_well or item.get_closest_marker("hypothesis"):
            with self.paused():
                return (yield)
        before = self._ways()
        try:
            return (yield)
        finally:
            if self._ways() == before:
                self._known_well.add(test)

    @contextmanager
    def paused(self) -> Generator[None]:
        self._controller.pause()
        try:
            yield
        finally:
            self._controller.resume()

    def _ways(self) -> int:
        """How many ways from line to line were gone so far; no public name tells it without a write to the disk."""
        return sum(map(len, self._controller.cov._collector.data.values()))


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Count what the import of irkit runs, but not that of the tests: to compile them under a tracer takes long."""
    plugins = session.config.pluginmanager
    counts = plugins.get_plugin("_cov")
    if counts is None or counts.cov_controller is None or plugins.has_plugin("dsession"):
        return (yield)
    counting = Counting(counts.cov_controller)
    for module in pkgutil.walk_packages(irkit.__path__, "irkit."):
        if module.name != "irkit.__main__":
            import_module(module.name)
    if not os.environ.get("IRKIT_TEST_COUNT_ALL"):
        plugins.register(counting)
    with counting.paused():
        # In a worker pytest-cov starts a second one first, whose findings nobody reads: it would go on in each pause.
        if (twin := Coverage.current()) is not None:
            twin.stop()
        return (yield)
