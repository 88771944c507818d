"""What is asked of a store beyond keeping the bytes: retention, legal hold, a KMS key, the right owner.

Asked before the upload, demanded after it: a store that ignores a wish is never given a receipt.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from irkit.model.bundle import Bundle
from irkit.settings import StoreSettings
from irkit.ship import refusals
from irkit.ship.words import Words

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import HeadObjectOutputTypeDef, ObjectLockRetentionTypeDef

SHA256 = "irkit-sha256"  # user metadata: multipart objects have no SHA-256 of their own
# A lock counts when it ends no sooner than this before the time asked: stores cut fractions of a second.
_SLACK = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Wishes:
    """The wishes in `settings`, in one conversation with the store at `where`, whose words pass `said`."""

    client: S3Client
    settings: StoreSettings
    where: str
    said: Words
    retain: datetime | None  # None: no retention asked

    @classmethod
    def of(
        cls, client: S3Client, settings: StoreSettings, where: str, said: Words, clock: Callable[[], datetime]
    ) -> Wishes:
        """The wishes of a conversation that begins now."""
        days = settings.s3_retain_days
        retain = (clock() + timedelta(days=days)).replace(microsecond=0) if days else None
        return cls(client, settings, where, said, retain)

    @property
    def any(self) -> bool:
        """False when keeping the bytes is all that is asked."""
        asked = self.settings
        return bool(asked.s3_lock or asked.s3_legal_hold or asked.s3_sse_kms_key or asked.s3_expected_owner)

    @property
    def encryption(self) -> dict[str, Any]:
        """Parameters that ask for a KMS key."""
        key = self.settings.s3_sse_kms_key
        return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key} if key else {}

    def parameters(self, bundle: Bundle) -> dict[str, Any]:
        """Parameters of the upload of `bundle`."""
        wishes = self.encryption | {"Metadata": {SHA256: bundle.sha256}, "ContentType": "application/gzip"}
        if self.settings.s3_lock:
            wishes |= {"ObjectLockMode": self.settings.s3_lock.upper(), "ObjectLockRetainUntilDate": self.retain}
        return wishes | ({"ObjectLockLegalHoldStatus": "ON"} if self.settings.s3_legal_hold else {})

    def promised(self, bucket: dict[str, Any], key: str) -> None:
        """Raise where the store cannot or will not do what is asked; leaves nothing behind."""
        if self.settings.s3_lock or self.settings.s3_legal_hold:
            self._bucket_locks(bucket)
        if self.settings.s3_expected_owner:
            self._owner_is_checked(bucket, self.settings.s3_expected_owner)
        upload = self.client.create_multipart_upload(**bucket, Key=key, **self.encryption)["UploadId"]
        try:
            if self.encryption:
                self._encrypts({**bucket, "Key": key, "UploadId": upload})
        finally:
            self.client.abort_multipart_upload(**bucket, Key=key, UploadId=upload)

    def _encrypts(self, upload: dict[str, Any]) -> None:
        """Send five bytes that are thrown away: MinIO names the key only in the answer to a part."""
        answer = self.client.upload_part(**upload, PartNumber=1, Body=b"irkit")
        if answer.get("ServerSideEncryption") != "aws:kms":
            raise refusals.unprotected(self.where, "encryption under a KMS key", "none")

    def _bucket_locks(self, bucket: dict[str, Any]) -> None:
        answer = self.client.get_object_lock_configuration(**bucket)
        if answer.get("ObjectLockConfiguration", {}).get("ObjectLockEnabled") != "Enabled":
            raise refusals.refusal(refusals.NO_LOCK, "", self.where)

    def _owner_is_checked(self, bucket: dict[str, Any], owner: str) -> None:
        """A store that lets a made-up account pass checks nobody."""
        self.client.head_bucket(**bucket)
        other = "000000000000" if owner != "000000000000" else "111111111111"
        try:
            self.client.head_bucket(**bucket | {"ExpectedBucketOwner": other})
        except self.client.exceptions.ClientError:
            return
        raise refusals.unprotected(self.where, f"owner {owner}", "that it checks no owner")

    def granted(self, place: dict[str, Any], head: HeadObjectOutputTypeDef) -> HeadObjectOutputTypeDef:
        """The head of an object that is protected as asked; raises VerificationError where the store ignored it.

        An object stored before without lock or hold gets them now.
        """
        if self.retain and not self._locked(head, self.retain):
            mode: Literal["COMPLIANCE", "GOVERNANCE"]
            mode = "COMPLIANCE" if self.settings.s3_lock == "compliance" else "GOVERNANCE"
            retention: ObjectLockRetentionTypeDef = {"Mode": mode, "RetainUntilDate": self.retain}
            self.client.put_object_retention(**place, Retention=retention)
            head = self.client.head_object(**place, ChecksumMode="ENABLED")
        if self.settings.s3_legal_hold and head.get("ObjectLockLegalHoldStatus") != "ON":
            self.client.put_object_legal_hold(**place, LegalHold={"Status": "ON"})
            head = self.client.head_object(**place, ChecksumMode="ENABLED")
        self._demand(head)
        return head

    def _demand(self, head: HeadObjectOutputTypeDef) -> None:
        if self.retain and not self._locked(head, self.retain):
            asked = f"a {self.settings.s3_lock} lock until {self.retain:%Y-%m-%d}"
            raise refusals.unprotected(self.where, asked, self.said(head.get("ObjectLockMode", "none")))
        if self.settings.s3_legal_hold and head.get("ObjectLockLegalHoldStatus") != "ON":
            raise refusals.unprotected(self.where, "a legal hold", "none")
        if self.encryption and not self._under(head.get("SSEKMSKeyId")):
            asked = f"encryption under the KMS key {self.settings.s3_sse_kms_key}"
            raise refusals.unprotected(self.where, asked, self.said(head.get("SSEKMSKeyId", "none")))

    def _under(self, shown: str | None) -> bool:
        """Whether the key shown, an ARN, is the one asked for: by ARN or id; what an alias stands for is not known."""
        asked = self.settings.s3_sse_kms_key or ""
        return shown is not None and ("alias/" in asked or _key_id(shown) == _key_id(asked))

    def _locked(self, head: HeadObjectOutputTypeDef, retain: datetime) -> bool:
        """Whether an object is locked as long as asked: counted from now, or from when it was stored."""
        since_stored = head["LastModified"] + timedelta(days=self.settings.s3_retain_days or 0)
        until, mode = head.get("ObjectLockRetainUntilDate"), head.get("ObjectLockMode", "")
        enough = until is not None and until >= min(retain, since_stored) - _SLACK
        return enough and mode.lower() == self.settings.s3_lock


def _key_id(name: str) -> str:
    """The last part of `arn:aws:kms:region:account:key/id`, of MinIO's `arn:aws:kms:id`, or of a bare id."""
    return name.rpartition("/")[2].rpartition(":")[2]
