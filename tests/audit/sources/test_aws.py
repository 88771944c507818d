from __future__ import annotations

import gzip
import json
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from irkit.audit.detect.detect import detect
from irkit.audit.search import search
from irkit.model.evidence import GapReason
from tests.audit.logs import START, TARGET, Event, event, line
from tests.audit.shell import irkit
from tests.served import served

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client

# CloudWatch Logs takes nothing older than two weeks, so these events are of this day.
NOW = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=6)
POD = replace(TARGET, created=NOW)


@pytest.fixture
def logs(cloud: str) -> CloudWatchLogsClient:
    return boto3.client("logs", endpoint_url=cloud, region_name="eu-central-1")


@pytest.fixture
def s3(cloud: str) -> S3Client:
    return boto3.client("s3", endpoint_url=cloud, region_name="us-east-1")


def recent(seconds: float, **more: Any) -> Event:  # noqa: ANN401
    said = (NOW + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return event(seconds=seconds, **more) | {"requestReceivedTimestamp": said, "stageTimestamp": said}


def ids(*seconds: float) -> list[str]:
    return [event(seconds=at)["auditID"] for at in seconds]


def group(logs: CloudWatchLogsClient, streams: dict[str, list[tuple[float, Event | str]]]) -> str:
    name = f"/aws/eks/{uuid.uuid4().hex[:8]}/cluster"
    logs.create_log_group(logGroupName=name)
    for stream, events in streams.items():
        logs.create_log_stream(logGroupName=name, logStreamName=stream)
        told: Any = [
            {
                "timestamp": int((NOW + timedelta(seconds=at)).timestamp() * 1000),
                "message": one if isinstance(one, str) else json.dumps(one),
            }
            for at, one in events
        ]
        for first in range(0, len(told), 1000):
            logs.put_log_events(logGroupName=name, logStreamName=stream, logEvents=told[first : first + 1000])
    return name


def test_every_audit_stream_of_an_eks_cluster_in_one_order(logs: CloudWatchLogsClient) -> None:
    name = group(
        logs,
        {
            "kube-apiserver-audit-aaa": [(1, recent(1)), (3, recent(3)), (4, '{"kind":"Event","apiV')],
            "kube-apiserver-audit-bbb": [(2, json.dumps(recent(2), indent=1))],
            "kube-apiserver-aaa": [(2, "I1123 03:00:00 server.go:12] started")],
            "authenticator-aaa": [(2, json.dumps(recent(9)))],
        },
    )
    looking = search([f"cloudwatch://{name}"], POD)
    found = list(looking)
    assert [match.event["auditID"] for match in found] == ids(1, 2, 3)
    assert found[1].source == f"cloudwatch://{name}/kube-apiserver-audit-bbb:0"
    assert (looking.gaps, looking.summary().malformed) == ([], 1)


def test_more_than_a_page_and_only_the_window_of_it(logs: CloudWatchLogsClient) -> None:
    many: list[tuple[float, Event | str]] = [(at, recent(at, name=f"pod-{at}")) for at in range(1500)]
    later: list[tuple[float, Event | str]] = [(9000, recent(9000))]
    name = group(logs, {"kube-apiserver-audit-aaa": many, "kube-apiserver-audit-late": later})
    assert detect([f"cloudwatch://{name}"]).events == 1501
    report = detect([f"cloudwatch://{name}"], since=NOW + timedelta(minutes=5), until=NOW + timedelta(minutes=10))
    assert report.events == 300 + 1 + 120  # a minute of slack on either side
    assert report.coverage.sources == (f"cloudwatch://{name}/kube-apiserver-audit-aaa",)


def test_what_cannot_be_had_from_cloudwatch_is_a_gap(logs: CloudWatchLogsClient) -> None:
    empty = group(logs, {"kube-scheduler-aaa": [(1, "text")]})
    named = [
        f"cloudwatch://{empty}",
        "cloudwatch://",
        "cloudwatch:///aws/eks/none/cluster",
        "cloudwatch://g?endpoint=x",
    ]
    gaps = detect(named).coverage.gaps
    expected = [GapReason.ABSENT, GapReason.INVALID, GapReason.ABSENT, GapReason.INVALID]
    assert [gap.reason for gap in gaps] == expected
    assert all(gap.remedy for gap in gaps)


def bucket(s3: S3Client, objects: dict[str, bytes]) -> str:
    name = f"irkit-{uuid.uuid4().hex[:8]}"
    s3.create_bucket(Bucket=name)
    for key, body in objects.items():
        s3.put_object(Bucket=name, Key=key, Body=body)
    return name


def test_an_s3_prefix_holds_rotations_exports_and_deliveries(s3: S3Client) -> None:
    export = f"2026-11-23T03:00:02.000Z {json.dumps(event(seconds=2))}\n".encode()
    told = [{"id": "1", "timestamp": 1, "message": json.dumps(event(seconds=at))} for at in (3, 4)]
    delivery = {"messageType": "DATA_MESSAGE", "logGroup": "g", "logStream": "s", "logEvents": told[:1]}
    control = {"messageType": "CONTROL_MESSAGE", "logEvents": [{"id": "", "timestamp": 1, "message": "CWL CONTROL"}]}
    run_on = "".join(json.dumps(one) for one in (delivery, control, {**delivery, "logEvents": told[1:]}))
    name = bucket(
        s3,
        {
            "audit/audit.log": line(event(seconds=1)),
            "audit/export/task/kube-apiserver-audit-x/000000.gz": gzip.compress(export),
            "audit/firehose/2026/11/23/03/a": gzip.compress(run_on.encode()),
            "audit/empty/": b"",
            "audit/aws-logs-write-test": b"Permission Check Successful",
            "other/audit.log": line(event(seconds=5)),
        },
    )
    looking = search([f"s3://{name}/audit/"], TARGET)
    found = list(looking)
    assert [match.event["auditID"] for match in found] == ids(1, 2, 3, 4)
    assert found[0].source == f"s3://{name}/audit/audit.log:0"
    assert (looking.gaps, looking.summary().malformed) == ([], 0)


def test_objects_written_before_the_window_are_not_fetched(s3: S3Client) -> None:
    name = bucket(s3, {"audit.log": line(event())})
    assert detect([f"s3://{name}/audit"]).events == 1
    report = detect([f"s3://{name}/audit"], since=START.replace(year=2100))
    assert (report.events, [gap.reason for gap in report.coverage.gaps]) == (0, [GapReason.ABSENT])


def test_what_cannot_be_had_from_s3_is_a_gap(s3: S3Client, monkeypatch: pytest.MonkeyPatch) -> None:
    name = bucket(s3, {"notes": b"no log\n"})
    named = ["s3://", f"s3://{name}/x", f"s3://{name}/notes", "s3://none-of-that-name/x", "s3://Bad Name/x", "gs://b/x"]
    gaps = detect(named).coverage.gaps
    assert [gap.target for gap in gaps if gap.reason is GapReason.INVALID][-1] == "audit log gs://b/x"
    assert {gap.target.removeprefix("audit log ") for gap in gaps} == set(named)
    monkeypatch.setenv("IRKIT_S3_ENDPOINT_URL", "http://127.0.0.1:9")
    assert [gap.reason for gap in detect([f"s3://{name}"]).coverage.gaps] == [GapReason.UNREACHABLE]
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(variable)
    assert [gap.detail for gap in detect([f"s3://{name}"]).coverage.gaps] == ["no AWS credentials"]


def test_what_a_service_says_when_it_refuses_is_not_repeated(s3: S3Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy before it quotes what it was sent."""

    class Echo(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told = f"<Error><Code>Teapot</Code><Message>{self.headers['Authorization']}</Message></Error>".encode()
            self.send_response(418)
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        def log_message(self, *_: object) -> None: ...

    with served(Echo) as url:
        monkeypatch.setenv("IRKIT_S3_ENDPOINT_URL", url)
        (gap,) = detect(["s3://logs/audit"]).coverage.gaps
    assert (gap.reason, gap.detail) == (GapReason.FAILED, "refused: Teapot")


def test_the_commands_take_urls(s3: S3Client) -> None:
    name = bucket(s3, {"audit.log": line(event(sub="exec", code=101))})
    told = irkit("audit", "detect", f"s3://{name}/", "-o", "json")
    assert json.loads(told.stdout)["findings"][0]["rule"] == "exec-into-pod"
    assert "no such bucket" in irkit("audit", "timeline", "s3://none-of-that-name/", code=4).stderr
