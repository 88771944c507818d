"""`irkit audit ... --queue` and `irkit queue scan` as a person uses them, and logs in S3."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from irkit.audit.afar.reader import NotHere, Reader
from irkit.audit.afar.unit import units
from irkit.audit.detect.allow.entries import Allow
from irkit.audit.detect.work import Watch
from irkit.audit.read import scan
from irkit.audit.read.scan import pieces
from irkit.audit.read.sources import Sources
from irkit.audit.read.window import Window
from irkit.triggers.queue.opening import opened
from irkit.triggers.scan import asker
from irkit.triggers.scan.hand import reading
from tests.audit.detect.cases import ATTACKS
from tests.audit.logs import event, log
from tests.audit.shell import irkit
from tests.ship import servers
from tests.ship.servers import Server

EVENTS = [one for logs in ATTACKS.values() for events in logs for one in events]
SIGMA = """
title: Somebody reads secrets
logsource: {product: kubernetes, service: audit}
detection: {selection: {objectRef.resource: secrets, verb|startswith: [g, l]}, condition: selection}
"""


@pytest.fixture
def address(tmp_path: Path) -> str:
    return f"sqlite://{tmp_path}/queue.db"


@contextmanager
def at_work(address: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "irkit", "queue", "scan", "--queue", address, "-o", "json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_the_commands_say_the_same_with_and_without_a_queue(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan, "PIECE", 20_011)
    path, rule = log(tmp_path / "audit.log", EVENTS), tmp_path / "rule.yml"
    packed = log(tmp_path / "audit-1.log.gz", EVENTS[:200])
    rule.write_text(SIGMA)
    irkit("audit", "baseline", packed, "--known", known := tmp_path / "known.json")
    asks = [
        ("detect", path, "--known", known, "-o", "json"),
        ("detect", path, packed, "--sigma", rule, "-o", "json"),
        ("search", path, packed, "--where", "verb = get and not (user = alice or code in (403, 404))", "-o", "json"),
        ("search", path, "--pod", "web-1", "-n", "payments", "-o", "jsonl"),
    ]
    with at_work(address) as worker:
        for ask in asks:
            assert irkit("audit", *ask, "--queue", address).stdout == irkit("audit", *ask).stdout
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(timeout=30) == 0


def test_who_cannot_be_served_is_told_so(tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asker, "PATIENCE", 0.2)
    path = log(tmp_path / "audit.log", EVENTS[:5])
    assert "it is sqlite:///PATH" in irkit("audit", "detect", path, "--queue", "redis://x", code=2).output
    ended = irkit("audit", "detect", path, tmp_path / "none.log", "--queue", address, "-o", "json", code=4)
    gaps = [gap["target"] for gap in json.loads(ended.stdout)["coverage"]["gaps"]]
    assert gaps == [f"audit log {tmp_path}/none.log", f"rest of audit log {path}"]


@pytest.fixture
def bucket(gateway: Server, monkeypatch: pytest.MonkeyPatch) -> str:
    servers.environment(monkeypatch)
    monkeypatch.setenv("IRKIT_S3_ENDPOINT_URL", gateway.url)
    return gateway.fresh()


def test_workers_fetch_objects_themselves(address: str, gateway: Server, bucket: str) -> None:
    client = servers.client(gateway.url)
    for key in ("audit/a.log", "audit/a.log.1"):
        body = b"".join(json.dumps(one | {"auditID": key + one["auditID"]}).encode() + b"\n" for one in EVENTS)
        client.put_object(Bucket=bucket, Key=key, Body=body)
    name = f"s3://{bucket}/audit/"
    store = opened(address)
    with reading(store):
        far = irkit("audit", "detect", name, "--queue", address, "-o", "json").stdout
    store.close()
    assert far == irkit("audit", "detect", name, "-o", "json").stdout


def test_an_object_that_was_replaced_or_removed_is_not_taken_for_the_one_meant(gateway: Server, bucket: str) -> None:
    client, reader = servers.client(gateway.url), Reader()
    line = json.dumps(event()).encode() + b"\n"
    client.put_object(Bucket=bucket, Key="audit.log", Body=line)
    sources = Sources([f"s3://{bucket}/audit.log"])
    (source,) = sources.readable
    (unit,) = units(Watch(Allow(), Window()), pieces(source, 0, source.size), {})
    assert reader.answer(unit)
    reader.close()
    client.put_object(Bucket=bucket, Key="audit.log", Body=line.replace(b"alice", b"mallo"))
    with pytest.raises(NotHere, match="another file under the name"):
        reader.answer(unit)
    reader.close()
    client.delete_object(Bucket=bucket, Key="audit.log")
    with pytest.raises(NotHere, match="cannot read s3://"):
        reader.answer(unit)
    sources.close()
