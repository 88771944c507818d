"""A store that takes its time to make one object of the parts: waited for, never asked twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

import pytest

from irkit.ship import multipart
from tests.bundle import bags
from tests.ship.front import before
from tests.ship.servers import Server

ORDINARY = 2  # seconds that any other answer may take
SLOW = 3.0


@dataclass
class Front:
    """What stands before the store: it passes everything on, and keeps back the answer to a completion."""

    url: str = ""
    completions: list[int] = field(default_factory=list)  # the status of each, as the store answered
    over: Event = field(default_factory=Event)

    def told(self, method: str, query: dict[str, list[str]], status: int) -> None:
        if method == "POST" and "uploadId" in query:
            self.completions.append(status)
            self.over.wait(SLOW)


@pytest.fixture
def front(gateway: Server) -> Iterator[Front]:
    it = Front()
    with before(gateway, told=it.told) as it.url:
        yield it
        it.over.set()


@pytest.mark.usefixtures("shell")
def test_a_completion_slower_than_any_other_answer_is_waited_for(gateway: Server, front: Front, tmp_path: Path) -> None:
    bucket = gateway.fresh()
    sealed = bags.bundle(tmp_path, {"logs/app.current.log": os.urandom(multipart.THRESHOLD + 1)})
    assert sealed.size > multipart.THRESHOLD
    command = ["ship", str(sealed.path), "--store", f"s3://{bucket}/case", "--s3-endpoint-url", front.url]
    ended = subprocess.run(
        [sys.executable, "-m", "irkit", *command, "--s3-timeout", str(ORDINARY), "-o", "json"],
        env=os.environ | {"IRKIT_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert front.completions == [200]
    receipt = json.loads(ended.stdout)
    assert (receipt["sha256"], receipt["size"]) == (sealed.sha256, sealed.size)
    assert receipt["url"] == f"s3://{bucket}/case/{sealed.path.name}"
    versions = gateway.client.list_object_versions(Bucket=bucket)["Versions"]
    assert [(one["Key"], one["Size"]) for one in versions] == [(f"case/{sealed.path.name}", sealed.size)]
    assert not gateway.client.list_multipart_uploads(Bucket=bucket).get("Uploads")
