"""What an S3 store says when it says no, in plain words and with a remedy. Pure: no SDK, and its words come masked."""

from __future__ import annotations

from irkit.errors import IrkitError, ShipError, VerificationError

CREDENTIALS = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
_CREDENTIALS = "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN or AWS_PROFILE"
_RIGHTS = (
    "it needs s3:PutObject, s3:GetObject and s3:AbortMultipartUpload there; with a lock also s3:PutObjectRetention, "
    "s3:PutObjectLegalHold and s3:GetBucketObjectLockConfiguration"
)

_AGAIN = "ship again: what arrived is not sent twice"
NO_LOCK = "ObjectLockConfigurationNotFoundError"

# Code -> (what happened, remedy). Codes of AWS unless said.
_MEANING: dict[str, tuple[str, str]] = {
    "NoSuchBucket": ("there is no such bucket", "create it, or correct --store"),
    "InvalidBucketName": ("that is no bucket name", "correct --store"),
    "InvalidAccessKeyId": ("the store does not know the access key", _CREDENTIALS),
    "XAdminUserNotFound": ("the store does not know the access key", _CREDENTIALS),  # versitygw
    "SignatureDoesNotMatch": ("the secret key is wrong", _CREDENTIALS),
    "ExpiredToken": ("the credentials have expired", "sign in again"),
    "InvalidToken": ("the session token is wrong", _CREDENTIALS),
    "RequestTimeTooSkewed": ("this machine's clock is too far from the store's", "set the clock"),
    "AccessDenied": ("the credentials may not do that", _RIGHTS),
    "403": ("the credentials may not do that", _RIGHTS),  # HEAD has no body to say more, so numbers are all there is
    "PermanentRedirect": ("the bucket lives in another region", "set AWS_DEFAULT_REGION, or --s3-endpoint-url"),
    "301": ("the bucket lives in another region", "set AWS_DEFAULT_REGION, or --s3-endpoint-url"),
    "AuthorizationHeaderMalformed": (
        "the bucket lives in another region",
        "set AWS_DEFAULT_REGION, or --s3-endpoint-url",
    ),
    "IllegalLocationConstraintException": ("the bucket lives in another region", "set AWS_DEFAULT_REGION"),
    "SlowDown": ("the store is overloaded", "ship again later"),
    "ServiceUnavailable": ("the store is overloaded", "ship again later"),
    "InternalError": ("the store failed inside", "ship again later"),
    **dict.fromkeys(("429", "503"), ("the store is overloaded", "ship again later")),
    **dict.fromkeys(("500", "502", "504"), ("the store failed inside", "ship again later")),
    "400": ("the store refuses the question", "sign in again, and check AWS_DEFAULT_REGION and --s3-endpoint-url"),
    "RequestTimeout": ("the upload stalled", _AGAIN),
    "EntityTooLarge": ("the store does not take objects that large", "ship elsewhere"),
    "QuotaExceeded": ("the store is full", "free some space there, or ship elsewhere"),
    "XMinioStorageFull": ("the store is full", "free some space there, or ship elsewhere"),
    "InsufficientStorage": ("the store is full", "free some space there, or ship elsewhere"),
    "BadDigest": ("what arrived is not what was sealed", "irkit bundle verify, then ship again"),
    "XAmzContentChecksumMismatch": ("what arrived is not what was sealed", "irkit bundle verify, then ship again"),
    "XAmzContentSHA256Mismatch": ("what arrived is not what was sealed", "irkit bundle verify, then ship again"),
    "404": ("it is not there", _AGAIN),
    "NoSuchUpload": ("the upload begun earlier is gone", "ship again"),
    NO_LOCK: (
        "the bucket has no Object Lock, so nothing in it can be locked",
        "make a bucket with Object Lock, or ship without --s3-lock",
    ),
}


# Errors of the SDK's about the way to the store -> (what happened, remedy).
_CHECK = "check --s3-endpoint-url and the network"
_SILENCE: dict[str, tuple[str, str]] = {
    "SSLError": ("its certificate is not trusted", "AWS_CA_BUNDLE names yours"),
    "EndpointConnectionError": ("there is no way to it", _CHECK),
    "ProxyConnectionError": ("the proxy has no way to it", "check HTTPS_PROXY, HTTP_PROXY and NO_PROXY"),
    "ConnectTimeoutError": ("it does not take the connection", _CHECK),
    "ReadTimeoutError": ("it kept us waiting", f"{_AGAIN}; --s3-timeout waits longer"),
    **dict.fromkeys(
        ("ConnectionClosedError", "IncompleteReadError", "ResponseStreamingError"), ("it broke off", _AGAIN)
    ),
}


def refusal(code: str, message: str, where: str, *, sent: bool = False) -> IrkitError:
    """The error for what the store at `where` ("s3://bucket/prefix") answered; `sent`: to whether it has the bundle."""
    if code.startswith("KMS.") or "kms" in f"{code} {message}".lower():
        return ShipError(f"{where} refused the KMS key: {message or code}", "check --s3-sse-kms-key")
    if code == "404" and not sent:
        code = "NoSuchBucket"
    meaning, hint = _MEANING.get(code, (f"{code}: {message}", "the bundle is kept; ship again or elsewhere"))
    deed = "does not confirm that it has the bundle" if sent else "did not take the bundle"
    return ShipError(f"{where} {deed}: {meaning}", hint)


def unreachable(endpoint: str, kind: str, *, sent: bool = False) -> ShipError:
    """The error for a store that does not answer; `kind` is the SDK's name for how."""
    why, hint = _SILENCE.get(kind, (kind, _CHECK))
    return ShipError(
        f"no answer from the store at {endpoint}{', which was sent the bundle' if sent else ''}: {why}", hint
    )


def unprotected(where: str, asked: str, shown: str) -> VerificationError:
    """The error for a store that took the bundle, or would, and ignores what was asked."""
    return VerificationError(
        f"{where}: {asked} was asked, the store shows {shown}",
        "this store ignores the wish; use one that supports it, or drop the flag",
    )
