"""What clusters of other makers and their log services write."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from irkit.audit.detect.detect import detect
from irkit.audit.search import search
from irkit.audit.timeline.timeline import timeline
from irkit.model.evidence import GapReason
from tests.audit.logs import START, TARGET, Event, at, event, line, log

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


def row(one: Event, **more: Any) -> Event:  # noqa: ANN401
    """One row of AKSAudit, as Azure Monitor hands it out."""
    columns = {
        "TenantId": "t",
        "TimeGenerated": one["requestReceivedTimestamp"],
        "Level": one["level"],
        "AuditId": one["auditID"],
        "Stage": one["stage"],
        "RequestUri": one["requestURI"],
        "Verb": one["verb"],
        "User": one["user"],
        "SourceIps": one["sourceIPs"],
        "UserAgent": one["userAgent"],
        "ObjectRef": one["objectRef"],
        "ResponseStatus": one["responseStatus"],
        "RequestReceivedTime": one["requestReceivedTimestamp"],
        "StageReceivedTime": one["stageTimestamp"],
        "Annotations": one["annotations"],
        "PodName": "kube-apiserver-x",
        "Type": "AKSAudit",
    }
    return columns | more


def found(*sources: Path) -> list[str]:
    return [match.event["requestReceivedTimestamp"] for match in search([str(source) for source in sources], TARGET)]


def test_rows_of_the_azure_tables(tmp_path: Path) -> None:
    as_text = row(event(seconds=2))
    for column in ("User", "ObjectRef", "SourceIps", "ResponseStatus", "Annotations"):
        as_text[column] = json.dumps(as_text[column])
    (tmp_path / "az.json").write_text(json.dumps([row(event(seconds=1)), as_text, {"Type": "Heartbeat"}], indent=1))
    third = row(event(seconds=3), RequestObject="skipped-too-big-size-object")
    answer = {"tables": [{"name": "r", "columns": [{"name": name} for name in third], "rows": [list(third.values())]}]}
    (tmp_path / "api.json").write_text(json.dumps(answer))
    (tmp_path / "odd.json").write_text(json.dumps({"tables": [7, {"columns": [1], "rows": [[1]]}, {"rows": 3}]}))
    assert found(tmp_path) == [at(1), at(2), at(3)]


def test_a_body_that_azure_left_out_makes_rules_and_filters_blind(tmp_path: Path) -> None:
    made = row(event("create", "pods", code=201), RequestObject="skipped-too-big-size-object", Level="RequestResponse")
    path = str(log(tmp_path / "rows.json", [made, made | {"Annotations": 7}]))
    assert detect([path]).coverage.blind["privileged-container"] == 2
    looking = search([path], where="requestObject.spec.hostNetwork = true")
    assert (list(looking), looking.unknown) == ([], 2)


def test_lines_behind_the_name_of_a_node_or_a_time(tmp_path: Path) -> None:
    path = tmp_path / "node-logs.txt"
    prefixes = ("master-0.ocp.example ", "", "2026-11-23T03:00:01.000Z ", "Nov 23 03:00:01 n1 audit[7]: ")
    lines = [prefix.encode() + line(event(seconds=at)) for at, prefix in enumerate(prefixes, 1)]
    path.write_bytes(b"".join([lines[0], *lines[2:], b"master-1 {torn\n", b"master-0 started\n"]))
    looking = search([str(path)], TARGET)
    matches = list(looking)
    assert [match.event["requestReceivedTimestamp"] for match in matches] == [at(1), at(3), at(4)]
    assert matches[0].raw + b"\n" == line(event(seconds=1))
    assert looking.summary().malformed == 2


def test_zstandard_of_several_frames(tmp_path: Path) -> None:
    path = tmp_path / "audit.log.zst"
    path.write_bytes(zstd.compress(line(event(seconds=1))) + zstd.compress(line(event(seconds=2))))
    assert found(path) == [at(1), at(2)]
    assert len(timeline([str(path)]).lines) == 1
    document = {"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "items": [event(seconds=3)]}
    path.write_bytes(zstd.compress(json.dumps(document, indent=2).encode()))
    assert found(path) == [at(3)]


@pytest.mark.parametrize("damage", ["cut", "flipped", "bomb"])
def test_a_damaged_zstandard_gives_what_it_still_holds(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "audit.log.zst"
    noise = b"".join(line(event("get", "leases", os.urandom(400).hex(), seconds=20)) for _ in range(3000))
    if damage == "bomb":
        noise = (b"x" * 9999 + b"\n") * 9000
    checked = {int(zstd.CompressionParameter.checksum_flag): 1}  # as the zstd command does
    data = zstd.compress(line(event(seconds=1)) + noise + line(event(seconds=2)), options=checked)
    half = len(data) // 2
    ill = {"cut": data[:half], "flipped": data[:half] + bytes(64) + data[half + 64 :], "bomb": data}[damage]
    path.write_bytes(ill)
    looking = search([str(path)], TARGET)
    assert str(next(iter(looking)).event["requestReceivedTimestamp"]) == at(1)
    assert [gap.reason for gap in looking.gaps] == [GapReason.TRUNCATED]


def test_compressed_rotations_outside_the_window_are_not_read(tmp_path: Path) -> None:
    def rotated(number: int, written: float | None) -> Path:
        seconds = 3600.0 * number
        path = log(tmp_path / f"audit-{number}.log.gz", [event(seconds=seconds + 1), event(seconds=seconds + 2)])
        when = (START + timedelta(seconds=seconds if written is None else written)).timestamp() + 10
        os.utime(path, (when, when))
        return path

    paths = [rotated(0, None), rotated(1, None), rotated(2, None), rotated(3, -86400)]
    since, until = START + timedelta(hours=1), START + timedelta(hours=1, minutes=30)
    looking = search([str(path) for path in paths], TARGET, since=since, until=until)
    assert len(list(looking)) == 2
    assert looking.summary().events == 2  # the others were not even unpacked
    open_ended = search([str(path) for path in paths], TARGET, since=since)
    # The fourth bears a time of writing older than its first event: nothing follows from such a time.
    assert (len(list(open_ended)), open_ended.summary().events) == (6, 6)


@pytest.mark.parametrize("wrap", [lambda one: one, lambda one: {"properties": {"log": json.dumps(one)}}])
@pytest.mark.parametrize("number", [1, 2, 17, 18, 19, 20, 45])
def test_a_document_with_an_event_a_line(tmp_path: Path, number: int, wrap: Callable[[Event], Any]) -> None:
    rows = [line(wrap(event(seconds=second))).strip() for second in range(number)]
    for head, tail in ((b"[\n", b"\n]\n"), (b'{"items": [\n', b"\n]}"), (b"[", b"]")):
        (tmp_path / "rows.json").write_bytes(head + b",\n".join(rows) + tail)
        assert found(tmp_path / "rows.json") == [at(second) for second in range(number)]


def test_what_is_no_event_in_an_event_list_is_counted(tmp_path: Path) -> None:
    items = [event(seconds=1), event(seconds=2) | {"verb": 7}, event(seconds=3)]
    path = tmp_path / "list.json"
    path.write_text(json.dumps({"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "items": items}, indent=1))
    coverage = detect([str(path)]).coverage
    assert (sum(coverage.levels.values()), coverage.malformed) == (2, 1)


@pytest.mark.parametrize(
    "stamp",
    [
        "2026-11-23T03:00:05.000000001Z",
        "2026-11-23T04:00:05+01:00",
        "2026-11-23 03:00:05 UTC",
        "2026-11-23 03:00:05.0 UTC",
        "2026-11-23 03:00:05",
    ],
)
def test_however_google_writes_the_time(tmp_path: Path, stamp: str) -> None:
    payload = {"serviceName": "k8s.io", "methodName": "io.k8s.core.v1.pods.get", "resourceName": "core/v1/pods/a"}
    path = log(tmp_path / "gke.json", [{"insertId": "i", "timestamp": stamp, "protoPayload": payload}])
    looking = search([str(path)], until=START)
    assert list(looking) == []
    assert looking.summary().first == START + timedelta(seconds=5)
