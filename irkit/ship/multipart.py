"""Send a large bundle in parts; a killed upload goes on where it ended, as the store itself tells it.

Parts are sized by the bundle alone, so that the next try cuts it at the same places. What a store lists as arrived
counts only when size and checksum are those of our own part; one that differs means another upload, which is dropped.
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from irkit.errors import ShipError
from irkit.model.bundle import Bundle

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef, MultipartUploadTypeDef, PartTypeDef

THRESHOLD = 16 << 20  # larger bundles go in parts
_PART = 8 << 20  # S3 takes none under 5 MiB, but the last
_MOST_PARTS = 9_000  # of 10,000 that S3 allows
_AT_ONCE = 4  # parts in memory


def crc32(data: bytes | int) -> str:
    """A CRC-32, of bytes or ready, as S3 writes it."""
    value = data if isinstance(data, int) else zlib.crc32(data)
    return base64.b64encode(value.to_bytes(4, "big")).decode()


def part_size(size: int) -> int:
    """Bytes of each part but the last, for a bundle of `size` bytes."""
    return max(_PART, -(-size // _MOST_PARTS))


@dataclass(slots=True)
class Upload:
    """One bundle on its way under one key. `place` is Bucket and Key, `wishes` what the object shall be."""

    client: S3Client
    bundle: Bundle
    place: Mapping[str, Any]
    wishes: Mapping[str, Any]
    patient: S3Client  # asks once, and waits as long as it takes to make one object of the parts
    crc: int = 0
    parts: list[CompletedPartTypeDef] = field(default_factory=list)

    def send(self) -> None:
        """Send what the store does not have and complete the object.

        Raises ShipError when the bundle is not as it was sealed, and the client's errors.
        """
        upload, arrived = self._begun() or (self._begin(), {})
        try:
            self._send(upload, arrived)
        except _Other:
            self.client.abort_multipart_upload(**self.place, UploadId=upload)
            upload = self._begin()
            self._send(upload, {})
        self._complete(upload)

    def _begin(self) -> str:
        answer = self.client.create_multipart_upload(
            **self.place, **self.wishes, ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT"
        )
        return answer["UploadId"]

    def _begun(self) -> tuple[str, dict[int, PartTypeDef]] | None:
        """The newest upload begun under this key, with the parts that arrived."""
        begun = [upload for upload in self._listed() if upload["Key"] == self.place["Key"]]
        if not begun:
            return None
        upload = max(begun, key=lambda one: one["Initiated"])["UploadId"]
        listed = self.client.get_paginator("list_parts").paginate(**self.place, UploadId=upload)
        return upload, {part["PartNumber"]: part for page in listed for part in page.get("Parts", [])}

    def _listed(self) -> list[MultipartUploadTypeDef]:
        """Uploads begun under keys like ours; none where the credentials or the store do not allow the question."""
        elsewhere = {key: value for key, value in self.place.items() if key != "Key"}
        pages = self.client.get_paginator("list_multipart_uploads").paginate(**elsewhere, Prefix=self.place["Key"])
        try:
            return [upload for page in pages for upload in page.get("Uploads", [])]
        except self.client.exceptions.ClientError as error:
            # NoSuchUpload is how rclone says that there are none.
            if error.response["Error"]["Code"] not in ("AccessDenied", "NotImplemented", "NoSuchUpload"):
                raise
            return []

    def _send(self, upload: str, arrived: Mapping[int, PartTypeDef]) -> None:
        self.crc, self.parts, hasher = 0, [], hashlib.sha256()
        waiting: deque[Future[CompletedPartTypeDef]] = deque()
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="parts") as pool:
            for number, data in self._cut():
                hasher.update(data)
                self.crc = zlib.crc32(data, self.crc)
                waiting.append(pool.submit(self._part, upload, number, data, arrived.get(number)))
                if len(waiting) == _AT_ONCE:
                    self.parts.append(waiting.popleft().result())
            self.parts += [one.result() for one in waiting]
        if hasher.hexdigest() != self.bundle.sha256:
            self.client.abort_multipart_upload(**self.place, UploadId=upload)
            raise ShipError(f"{self.bundle.path} is not as it was sealed", f"irkit bundle verify {self.bundle.path}")

    def _cut(self) -> Iterator[tuple[int, bytes]]:
        size = part_size(self.bundle.size)
        with self.bundle.path.open("rb") as source:
            yield from enumerate(iter(lambda: source.read(size), b""), start=1)

    def _part(self, upload: str, number: int, data: bytes, there: PartTypeDef | None) -> CompletedPartTypeDef:
        check = crc32(data)
        if there is None:
            answer = self.client.upload_part(
                **self.place, UploadId=upload, PartNumber=number, Body=data, ChecksumCRC32=check
            )
            return {"PartNumber": number, "ETag": answer["ETag"], "ChecksumCRC32": check}
        if there["Size"] != len(data) or not _same(there, data, check):
            raise _Other
        return {"PartNumber": number, "ETag": there["ETag"], "ChecksumCRC32": check}

    def _complete(self, upload: str) -> None:
        self.patient.complete_multipart_upload(
            **self.place,
            UploadId=upload,
            MultipartUpload={"Parts": self.parts},
            ChecksumCRC32=crc32(self.crc),
            ChecksumType="FULL_OBJECT",
            MpuObjectSize=self.bundle.size,
            IfNoneMatch="*",
        )


class _Other(Exception):
    """The upload found is not of this bundle."""


def _same(there: PartTypeDef, data: bytes, check: str) -> bool:
    """Whether a listed part is ours: by its CRC-32, or where the store lists none by the MD5 that an ETag is."""
    if listed := there.get("ChecksumCRC32"):
        return listed == check
    return there["ETag"].strip('"') == hashlib.md5(data, usedforsecurity=False).hexdigest()
