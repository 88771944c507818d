"""The API server's own evaluator, in a program of ten lines around its Go package: what we say must be what it says."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from irkit.audit.policy.nouns import Request

VERSION = "1.37.2"
HERE = Path(__file__).parent / "evaluator"


@dataclass(frozen=True)
class Oracle:
    """Ask it by calling it."""

    program: Path

    def __call__(self, text: str, requests: Iterable[Request] = ()) -> tuple[str, list[dict[str, Any]]]:
        """Why the policy is refused ("" when it is not), and the decision on each request."""
        lines = [json.dumps(text), *(json.dumps(_asked(request)) for request in requests)]
        done = subprocess.run([self.program], input="\n".join(lines), check=True, capture_output=True, text=True)
        refused, *decisions = (json.loads(line) for line in done.stdout.splitlines())
        return refused, [found | {"OmitStages": sorted(set(found["OmitStages"] or ()))} for found in decisions]


def _asked(request: Request) -> dict[str, Any]:
    fields = ("verb", "user", "resource", "subresource", "namespace", "name", "path")
    found = {field.capitalize(): getattr(request, field) for field in fields}
    return found | {"Group": request.api_group, "Groups": list(request.groups)}


@pytest.fixture(scope="session")
def oracle() -> Oracle:
    """Built once for each version of its source, kept with the cluster's own programs."""
    if not shutil.which("go"):
        pytest.skip("no go to build the API server's evaluator with")
    program = Path.home() / f".cache/irkit-cluster/v{VERSION}/audit-policy"
    if not program.exists() or program.stat().st_mtime < (HERE / "main.go").stat().st_mtime:
        subprocess.run([HERE / "build.sh", VERSION, program], check=True)
    return Oracle(program)
