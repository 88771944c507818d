"""Every call failing in turn: always gaps that fit, never an exception, and nothing else is lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from irkit.collect.capture import capture
from irkit.model.evidence import GapReason
from tests.collect.api import Cut, Query, Route, Says, no, serving
from tests.collect.scene import LOG, POD, TARGET, artifacts, files, gaps, routes


def half(query: Query) -> Says:
    def body() -> Iterator[bytes]:
        yield b'{"metadata": '
        raise Cut

    return Says(body())


FAULTS: dict[str, tuple[Route, set[GapReason]]] = {
    "403": (no(403, "Forbidden", "no"), {GapReason.DENIED}),
    "500": (no(500, "InternalError", "sorry"), {GapReason.UNREACHABLE}),
    "cut": (half, {GapReason.UNREACHABLE, GapReason.TRUNCATED}),
    "a page of a proxy": (Says(b"<html>log in</html>"), {GapReason.FAILED}),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_call_failing_in_turn(tmp_path: Path, fault: str) -> None:
    broken, reasons = FAULTS[fault]
    with serving(routes()) as api:
        cluster = api.connect(tmp_path)
        for path in routes():
            api.routes = routes() | {path: broken}
            into = tmp_path / path.replace("/", "_")
            found = list(capture(TARGET, cluster, into))
            lost = {each.reason for each in gaps(found).values() if not each.expected}
            assert lost or (path == LOG and fault == "a page of a proxy"), path  # a log may be anything
            assert lost <= reasons, path
            assert files(into) == set(artifacts(found))
            assert len(artifacts(found)) >= (8 if path == POD else 18), path
