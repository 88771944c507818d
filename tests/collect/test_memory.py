"""Logs stream: what a capture needs in memory does not grow with what it takes."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.collect.api import Query, Says, serving
from tests.collect.scene import log, routes

MEGABYTES = int(os.environ.get("IRKIT_TEST_LOG_MB", "200"))
LINES = b"2026-01-01T00:00:00.000000000Z stdout of a busy container\n" * 2_000
NO_END = LINES.replace(b"\n", b" ")  # what a hostile container writes: one line

CAPTURE = """
import json, sys
from pathlib import Path
from irkit.cluster.client import connect
from irkit.collect.capture import capture
from irkit.model.evidence import Artifact
from irkit.settings import ClusterSettings
from tests.collect.scene import TARGET
cluster = connect(ClusterSettings(kubeconfig=sys.argv[1]))
taken = {each.path: each for each in capture(TARGET, cluster, Path(sys.argv[2])) if isinstance(each, Artifact)}
log = taken["logs/app.current.log"]
# Not getrusage: that begins with the peak of the pytest that started this.
peak = next(int(line.split()[1]) for line in Path("/proc/self/status").open() if line.startswith("VmHWM:"))
print(json.dumps({"peak": peak, "size": log.size, "sha256": log.sha256, "truncated": log.truncated}))
"""


@pytest.mark.slow
@pytest.mark.parametrize("piece", [LINES, NO_END], ids=["lines", "one-line"])
def test_a_large_log_stays_under_150_mb(tmp_path: Path, piece: bytes) -> None:
    sent = hashlib.sha256()

    def large(query: Query) -> Says:
        def body() -> Iterator[bytes]:
            for _ in range(MEGABYTES * 1_000_000 // len(piece)):
                sent.update(piece)
                yield piece

        return Says(body()) if (query["container"], query["previous"]) == ("app", "false") else log(query)

    with serving(routes(log=large)) as api:
        api.connect(tmp_path)  # writes the kubeconfig
        arguments = [sys.executable, "-c", CAPTURE, str(tmp_path / "kubeconfig"), str(tmp_path / "data")]
        done = subprocess.run(arguments, check=True, capture_output=True)
    found = json.loads(done.stdout)
    assert found["size"] == MEGABYTES * 1_000_000 // len(piece) * len(piece)
    assert (found["sha256"], found["truncated"]) == (sent.hexdigest(), False)
    assert found["peak"] < 150 * 1024, "KiB"
