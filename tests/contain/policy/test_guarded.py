"""`irkit reach` against the expected answers of another tool, np-guard's netpol-analyzer.

Every one of its NetworkPolicy v1 answers is ours too, with two differences of scope, none of policy:
- `{ingress-controller} => ...` lines are its analysis of Ingress and Route objects: irkit speaks of policies only.
- An answer is about a folder without status: no pod has an address, none has ended, and pods with hostNetwork are
  governed like others. irkit does so for manifests too; for a live cluster it looks at all three.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from irkit.contain.reach.connections import reach
from irkit.contain.world import manifests
from tests.contain.policy import guarded
from tests.corpus import absent

CASES = guarded.cases()
LARGE = 100_000  # bytes of manifests


@pytest.mark.skipif(not CASES, reason=absent(guarded.ROOT))
@pytest.mark.parametrize(
    ("folder", "answer"),
    [
        pytest.param(folder, answer, id=answer.stem, marks=[pytest.mark.slow] if size > LARGE else [])
        for folder, answer in CASES
        for size in [sum(path.stat().st_size for path in folder.rglob("*.yaml"))]
    ],
)
def test_the_answer_is_the_same(folder: Path, answer: Path) -> None:
    assert guarded.told(reach(manifests.load(folder))) == guarded.expected(answer)


@pytest.mark.skipif(not CASES, reason=absent(guarded.ROOT))
def test_there_are_answers() -> None:
    assert len(CASES) == 59
    assert sum(len(guarded.expected(answer)) for _, answer in CASES) > 3000
