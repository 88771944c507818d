"""The door to boto3 for reading: credentials, region and endpoint are the operator's own, never from a log."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, overload

from irkit.audit.read.remote.failure import Failure
from irkit.model.evidence import GapReason
from irkit.text import safe

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client

S3_ENDPOINT = "IRKIT_S3_ENDPOINT_URL"  # as for the store; boto3 itself knows AWS_ENDPOINT_URL_CLOUDWATCH_LOGS
_LOGIN = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE; AWS_REGION says where"

# Code -> reason, what happened, remedy.
_MEANING: dict[str, tuple[GapReason, str, str]] = {
    "NoSuchBucket": (GapReason.ABSENT, "there is no such bucket", "correct the URL"),
    "NoSuchKey": (GapReason.ABSENT, "the object is gone", "repeat the search"),
    "ResourceNotFoundException": (GapReason.ABSENT, "there is no such log group", "correct its name, or ?region="),
    "InvalidObjectState": (GapReason.DENIED, "the object is archived", "restore it from the archive tier first"),
    "PermanentRedirect": (GapReason.ABSENT, "the bucket lives in another region", "add ?region= to the URL"),
    "ThrottlingException": (GapReason.UNREACHABLE, "the service is overloaded", "repeat it with a narrower --since"),
}
_DENIED = {"AccessDenied", "AccessDeniedException", "403", "InvalidAccessKeyId", "SignatureDoesNotMatch"}
_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "InvalidToken", "UnrecognizedClientException"}


@overload
def client(service: Literal["s3"], region: str) -> S3Client: ...
@overload
def client(service: Literal["logs"], region: str) -> CloudWatchLogsClient: ...
def client(service: str, region: str) -> Any:
    """A client whose unreachable service is known in seconds; `region` "": the one that the shell is set to."""
    import boto3
    from botocore.config import Config

    session = boto3.Session()
    endpoint = os.environ.get(S3_ENDPOINT) if service == "s3" else None
    config = Config(
        connect_timeout=5,
        read_timeout=60,
        retries={"mode": "standard", "total_max_attempts": 3},
        s3={"addressing_style": "path" if endpoint else "auto"},
        response_checksum_validation="when_required",
        user_agent_extra="irkit",
    )
    # boto3 itself reads AWS_DEFAULT_REGION alone; every other SDK of AWS, and its shells, read this one.
    place = region or os.environ.get("AWS_REGION") or session.region_name or "us-east-1"
    return session.client(service, region_name=place, endpoint_url=endpoint, config=config)  # type: ignore[call-overload]


@contextmanager
def translated(needs: str) -> Iterator[None]:
    """Errors of the SDK as a Failure; `needs` names the permissions that this takes."""
    from botocore import exceptions as sdk

    try:
        yield
    except sdk.ClientError as error:
        raise _refused(str(error.response.get("Error", {}).get("Code", "?")), needs) from error
    except (sdk.NoCredentialsError, sdk.PartialCredentialsError, sdk.ProfileNotFound) as error:
        raise Failure(GapReason.DENIED, "no AWS credentials", _LOGIN) from error
    except (sdk.HTTPClientError, sdk.ConnectionError) as error:
        remedy = "check the region, the network and the endpoint that this shell is set to"
        raise Failure(GapReason.UNREACHABLE, f"no answer: {type(error).__name__}", remedy) from error
    except (sdk.BotoCoreError, ValueError) as error:
        raise Failure(
            GapReason.INVALID, safe(str(error))[:200], "correct the URL, or the shell's AWS settings"
        ) from error


def _refused(code: str, needs: str) -> Failure:
    """By the code alone: the service's own words may repeat what it was sent, signature and all."""
    if code in _DENIED:
        return Failure(GapReason.DENIED, "the credentials may not do that", f"it takes {needs}")
    if code in _EXPIRED:
        return Failure(GapReason.DENIED, "the credentials have expired or are not known", "sign in again")
    known = _MEANING.get(code)
    return Failure(*known) if known else Failure(GapReason.FAILED, f"refused: {safe(code)[:60]}", "correct the URL")
