"""Other people's labelled events: where they are, and how to read them. Never copied into this repository."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests import corpus

ROOT = corpus.ROOT / "audit"
PRESENT = ROOT.is_dir()
needed = pytest.mark.skipif(not PRESENT, reason=corpus.absent(ROOT))


@dataclass(frozen=True)
class Case:
    """One labelled event."""

    name: str
    rule: str  # as its authors call it
    expected: bool
    log: dict[str, Any]


def panther() -> Iterator[Case]:
    """The unit tests of panther-analysis' Kubernetes rules."""
    for path in sorted(ROOT.glob("panther-labs__panther-analysis/*/*.tests.json")):
        found = json.loads(path.read_text())
        for test in found["tests"]:
            yield Case(test["name"], found["rule_id"], test["expected"], _completed(test["log"]))


def _completed(log: dict[str, Any]) -> dict[str, Any]:
    """Test events leave out what every real one has: version and stage."""
    return {"apiVersion": "audit.k8s.io/v1", "stage": "ResponseComplete"} | log if log.get("kind") == "Event" else log


def falco() -> Iterator[tuple[Path, set[str]]]:
    """Each trace of Falco's own tests with the rules that fired on it in any of them."""
    fired: dict[str, set[str]] = {}
    for test in json.loads((ROOT / "falcosecurity__testing/expected_detections_open.json").read_text()):
        fired.setdefault(test["input"], set()).update(one["rule"] for one in test["expect"])
    for name, rules in sorted(fired.items()):
        yield ROOT / "falcosecurity__falco" / name, rules


def files() -> list[Path]:
    """Every file of the corpus, whatever it is."""
    return [path for path in sorted(ROOT.rglob("*")) if path.is_file()]
