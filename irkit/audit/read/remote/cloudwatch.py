"""`cloudwatch://LOG-GROUP?region=R`: the audit streams of an EKS control plane, each event one line."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from irkit.audit.read.look import Found, gap, look
from irkit.audit.read.remote.aws import client, translated
from irkit.audit.read.remote.failure import Failure
from irkit.audit.read.remote.place import Asked, Place
from irkit.model.evidence import GapReason

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

OPTIONS = frozenset({"region", "streams"})
STREAMS = "kube-apiserver-audit"  # what EKS calls them: kube-apiserver-audit-<id>, one for each API server
NEEDS = "logs:DescribeLogStreams and logs:FilterLogEvents on the log group"
_EKS = "an EKS cluster logs to /aws/eks/NAME/cluster, once its log type `audit` is switched on"


def fetch(place: Place, asked: Asked, into: Path) -> Iterator[Found]:
    """One source for each stream that may hold events of the window."""
    group, prefix = place.rest, place.options.get("streams", STREAMS)
    if not group:
        raise Failure(GapReason.INVALID, "the URL names no log group", _EKS)
    with translated(NEEDS):
        logs = client("logs", place.options.get("region", ""))
        names = list(_streams(logs, group, prefix, asked))
    if not names:
        yield gap(place.text, GapReason.ABSENT, f"no stream {prefix}* of that time in the log group", _EKS)
    for number, name in enumerate(names):
        path = into / f"cloudwatch-{number}"
        with translated(NEEDS), path.open("wb") as out:
            out.writelines(_lines(logs, group, name, asked))
        if path.stat().st_size:
            yield look(path, f"cloudwatch://{group}/{name}")


def _streams(logs: CloudWatchLogsClient, group: str, prefix: str, asked: Asked) -> Iterator[str]:
    """Not by their last event: that field may lag behind by an hour and more."""
    late = asked.window.late
    for page in logs.get_paginator("describe_log_streams").paginate(logGroupName=group, logStreamNamePrefix=prefix):
        for stream in page["logStreams"]:
            if not (late and stream.get("firstEventTimestamp", 0) > _millis(late)):
                yield stream["logStreamName"]


def _lines(logs: CloudWatchLogsClient, group: str, stream: str, asked: Asked) -> Iterator[bytes]:
    window: dict[str, Any] = {}
    if asked.window.early:
        window["startTime"] = _millis(asked.window.early)
    if asked.window.late:
        window["endTime"] = _millis(asked.window.late)
    pages = logs.get_paginator("filter_log_events")
    for page in pages.paginate(logGroupName=group, logStreamNames=[stream], **window):
        for event in page["events"]:
            # Between JSON's tokens a line break means what a space does; inside its texts none can stand.
            yield event["message"].strip().replace("\n", " ").encode("utf-8", "replace") + b"\n"


def _millis(at: datetime) -> int:
    return max(int(at.timestamp() * 1000), 0)
