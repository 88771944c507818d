"""`s3://bucket/prefix`: every object under the prefix, as it lies there."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from irkit.audit.read.blocks import Source
from irkit.audit.read.look import WHERE, Found, gap, look
from irkit.audit.read.remote.aws import client, translated
from irkit.audit.read.remote.failure import Failure
from irkit.audit.read.remote.place import Asked, Place
from irkit.model.evidence import Gap, GapReason

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

OPTIONS = frozenset({"region"})
NEEDS = "s3:ListBucket on the bucket and s3:GetObject on its objects"


def fetch(place: Place, asked: Asked, into: Path) -> Iterator[Found]:
    """The audit logs under a prefix; other objects there are no gap, as other files in a folder are none."""
    bucket, prefix = place.parts
    if not bucket:
        raise Failure(GapReason.INVALID, "the URL names no bucket", "s3://bucket/prefix")
    with translated(NEEDS):
        s3 = client("s3", place.options.get("region", ""))
        keys = list(_keys(s3, bucket, prefix, asked))
    logs = 0
    for key, number in zip(keys, count()):
        found = _object(s3, bucket, key, into / f"s3-{number}")
        logs += isinstance(found, Source)
        if isinstance(found, Source) or found.reason is not GapReason.INVALID or len(keys) == 1:
            yield found
    if not logs:
        yield gap(place.text, GapReason.ABSENT, "no audit log of that time under this prefix", WHERE)


def _keys(s3: S3Client, bucket: str, prefix: str, asked: Asked) -> Iterator[str]:
    """What may hold events of the window: an object is never older than the last event in it."""
    early = asked.window.early
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for one in page.get("Contents", ()):
            if one["Size"] and not (early and one["LastModified"] < early):
                yield one["Key"]


def _object(s3: S3Client, bucket: str, key: str, path: Path) -> Found:
    label = f"s3://{bucket}/{key}"
    try:
        with translated(NEEDS), path.open("wb") as out:
            for chunk in s3.get_object(Bucket=bucket, Key=key)["Body"].iter_chunks(1 << 20):
                out.write(chunk)
    except Failure as failure:
        return Gap("audit", f"audit log {label}", failure.reason, failure.detail, failure.remedy)
    found = look(path, label)
    if isinstance(found, Gap):
        path.unlink()
    return found
