"""An S3-compatible bucket as a destination: the one door to boto3.

Stores differ where it matters, and some repeat whatever they are told: `rclone serve s3` ignores If-None-Match,
checksums, locks and KMS, yet its HeadObject shows the headers of the request as if it had heeded them. So an answer
counts only where it cannot be an echo:

- content: the answer to the upload itself carries the checksum, or the object is fetched and hashed;
- lock: the bucket shows a lock configuration before, and HeadObject the retention after;
- KMS: the answer to a part of a trial upload names the key before, and HeadObject after;
- owner: a wrong owner is refused, asked before.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from irkit.errors import IrkitError, ShipError, UsageError, VerificationError
from irkit.model.bundle import Bundle, Receipt
from irkit.settings import StoreSettings
from irkit.ship import multipart, refusals
from irkit.ship.wishes import Wishes
from irkit.ship.words import Words
from irkit.text import Mask

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import HeadObjectOutputTypeDef

# Seconds. Some stores copy the parts into one object before they answer, without a sign of life: 5 GB on a slow disk
# took versitygw minutes. Asked again meanwhile, they say that it is taken, and there is nothing there yet.
_COMPLETING = 1800
_TAKEN = ("PreconditionFailed", "412", "ConditionalRequestConflict")
_PLAIN = "this store shows no checksum of its own and may not refuse to overwrite: looked first, fetched back, compared"


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket and a prefix in it; nothing is asked of the store before `put` or `check`."""

    bucket: str
    prefix: str  # "" or "irkit/"
    settings: StoreSettings
    clock: Callable[[], datetime]
    mask: Mask

    @classmethod
    def named(cls, text: str, settings: StoreSettings, clock: Callable[[], datetime], mask: Mask) -> Bucket:
        """The bucket that `text`, what follows `s3://`, names; raises UsageError for none, or for more."""
        bucket, _, prefix = text.partition("/")
        if not bucket:
            raise UsageError("the store names no bucket", "s3://bucket/prefix")
        if ("@" in bucket or ":" in bucket) and not bucket.startswith("arn:"):
            raise UsageError("a store is named without credentials", f"s3://bucket/prefix; {refusals.CREDENTIALS}")
        return cls(bucket, f"{prefix.strip('/')}/".lstrip("/"), settings, clock, mask)

    @property
    def where(self) -> str:
        """The store as a URL."""
        return f"s3://{self.bucket}/{self.prefix}"

    def put(self, bundle: Bundle, key: str) -> Receipt:
        """As `Destination.put`."""
        with self._session() as session:
            return session.put(bundle, self.prefix + key)

    def check(self) -> None:
        """As `Destination.check`."""
        with self._session() as session:
            session.check()

    @contextmanager
    def _session(self) -> Iterator[_Session]:
        import boto3
        from botocore.exceptions import BotoCoreError, ClientError

        said, at = Words(self.mask), _Stage()
        try:
            aws = boto3.Session()
            said = replace(said, own=partial(_own, aws))
            client = _client(aws, self.settings)
            yield _Session(aws, client, self, Wishes.of(client, self.settings, self.where, said, self.clock), at)
        except ClientError as error:
            told = error.response.get("Error", {})
            code, message = said(told.get("Code", "?")), said(told.get("Message", ""))
            raise refusals.refusal(code, message, said(self.where), sent=at.sent) from error
        except (BotoCoreError, ValueError) as error:
            raise _translated(error, self.settings, said(self.where), said, sent=at.sent) from error
        except OSError as error:
            raise ShipError(f"cannot read the bundle: {error.strerror}") from error


@dataclass(slots=True)
class _Stage:
    """How far a conversation has come: from `sent` on the store has the bundle, or another object of that name."""

    sent: bool = False


@dataclass(frozen=True, slots=True)
class _Session:
    """One conversation with the store; errors of the SDK pass through to `Bucket`."""

    aws: boto3.Session
    client: S3Client
    store: Bucket
    wishes: Wishes
    at: _Stage

    @property
    def bucket(self) -> dict[str, Any]:
        """Which bucket, and whose it must be."""
        owner = self.store.settings.s3_expected_owner
        return {"Bucket": self.store.bucket} | ({"ExpectedBucketOwner": owner} if owner else {})

    def check(self) -> None:
        """Begin an upload, which needs the right to write, and abandon it."""
        self.wishes.promised(self.bucket, f"{self.store.prefix}irkit-check")

    def put(self, bundle: Bundle, key: str) -> Receipt:
        """Look, upload, read back."""
        if self.wishes.any:
            self.wishes.promised(self.bucket, key)
        place = self.bucket | {"Key": key}
        sent = not self._there(place) and self._upload(bundle, place)
        self.at.sent = True
        head = self.client.head_object(**place, ChecksumMode="ENABLED")
        self._compare(bundle, place, head, sent=sent)
        return _receipt(bundle, f"s3://{self.store.bucket}/{key}", self.wishes.granted(place, head))

    def _there(self, place: dict[str, Any]) -> bool:
        """Whether the key is taken, as far as the store tells: without the right to list, 403 stands for 404."""
        try:
            self.client.head_object(**place)
        except self.client.exceptions.ClientError as error:
            if error.response["Error"]["Code"] in ("404", "NoSuchKey", "NotFound", "403"):
                return False
            raise
        return True

    def _upload(self, bundle: Bundle, place: dict[str, Any]) -> bool:
        """Send the bundle; False where the key is taken by now."""
        try:
            if bundle.size > multipart.THRESHOLD:
                asked = self.store.settings
                waiting = replace(asked, s3_timeout=max(asked.s3_timeout, _COMPLETING))
                patient = _client(self.aws, waiting, tries=1)
                multipart.Upload(self.client, bundle, place, self.wishes.parameters(bundle), patient).send()
            else:
                self._put(bundle, place)
        except self.client.exceptions.ClientError as error:
            if error.response["Error"]["Code"] in _TAKEN:
                return False
            raise
        return True

    def _put(self, bundle: Bundle, place: dict[str, Any]) -> None:
        check = base64.b64encode(bytes.fromhex(bundle.sha256)).decode()
        with bundle.path.open("rb") as body:
            self.client.put_object(
                **place,
                **self.wishes.parameters(bundle),
                Body=body,
                ChecksumAlgorithm="SHA256",  # S3 asks for it by name with a lock
                ChecksumSHA256=check,
                IfNoneMatch="*",
            )

    def _compare(self, bundle: Bundle, place: dict[str, Any], head: HeadObjectOutputTypeDef, *, sent: bool) -> None:
        """Raise unless the store holds the bundle's bytes. They are fetched: some stores echo the checksum they got."""
        if head["ContentLength"] == bundle.size and self._fetched(place, bundle.size) == bundle.sha256:
            return
        url = f"s3://{place['Bucket']}/{place['Key']}"
        if not sent:
            hint = "look at what is there, or ship under another prefix"
            raise ShipError(f"{url} exists with other content and is kept", hint)
        raise VerificationError(f"{url} is not what was sent", "do not rely on this store; ship elsewhere")

    def _fetched(self, place: dict[str, Any], size: int) -> str:
        """The SHA-256 of what is there, or of a beginning longer than `size`: it may never end."""
        hasher, left = hashlib.sha256(), size
        with closing(self.client.get_object(**place)["Body"]) as body:
            for chunk in body.iter_chunks(1 << 20):
                hasher.update(chunk)
                left -= len(chunk)
                if left < 0:
                    break
        return hasher.hexdigest()


def _receipt(bundle: Bundle, url: str, head: HeadObjectOutputTypeDef) -> Receipt:
    known = head.get("ChecksumType") and (head.get("ChecksumSHA256") or head.get("ChecksumCRC32"))
    return Receipt(
        url=url,
        sha256=bundle.sha256,
        size=head["ContentLength"],
        stored=head["LastModified"],
        etag=head["ETag"].strip('"'),
        version_id=head.get("VersionId"),
        lock_mode=head.get("ObjectLockMode"),
        retain_until=head.get("ObjectLockRetainUntilDate"),
        legal_hold=head.get("ObjectLockLegalHoldStatus") == "ON",
        kms_key=head.get("SSEKMSKeyId"),
        warnings=() if known else (_PLAIN,),
    )


def _client(aws: boto3.Session, settings: StoreSettings, *, tries: int = 3) -> S3Client:
    """A client whose unreachable store is known in seconds, not minutes."""
    from botocore.config import Config

    config = Config(
        connect_timeout=5,
        read_timeout=settings.s3_timeout,
        retries={"mode": "standard", "total_max_attempts": tries},
        s3={"addressing_style": "path" if settings.s3_endpoint_url else "auto"},
        response_checksum_validation="when_required",
        user_agent_extra="irkit",
    )
    region = aws.region_name or "us-east-1"
    return aws.client("s3", region_name=region, endpoint_url=settings.s3_endpoint_url, config=config)


def _own(aws: boto3.Session) -> tuple[str, ...]:
    """The credentials in use; none where there are none or they cannot be had, for then none were sent."""
    from botocore.exceptions import BotoCoreError

    try:
        found = aws.get_credentials()
        own = found.get_frozen_credentials() if found else None
    except BotoCoreError:
        return ()
    return tuple(filter(None, (own.access_key, own.secret_key, own.token))) if own else ()


def _translated(error: Exception, settings: StoreSettings, where: str, said: Words, *, sent: bool) -> IrkitError:
    from botocore import exceptions as sdk

    endpoint = said(settings.s3_endpoint_url or "AWS")
    if isinstance(error, sdk.NoCredentialsError | sdk.PartialCredentialsError | sdk.ProfileNotFound):
        return ShipError(f"no credentials for {where}", refusals.CREDENTIALS)
    if isinstance(error, sdk.HTTPClientError | sdk.ConnectionError | sdk.IncompleteReadError):
        return refusals.unreachable(endpoint, type(error).__name__, sent=sent)
    if isinstance(error, sdk.ParamValidationError | ValueError):
        return UsageError(f"{where} cannot be used: {said(str(error))}", "correct --store or --s3-endpoint-url")
    return ShipError(f"the S3 client gave up: {said(str(error))}", "check the AWS settings of this shell")
