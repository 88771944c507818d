"""RFC 3161: an authority that nobody here controls says that the sealed bundle existed at a time.

The token stands beside the bundle as `<bundle>.tsr` and covers its SHA-256, so it covers signatures and all, and a
bundle can be stamped, or stamped again, long after it was sealed. `openssl ts -verify` reads it too.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from urllib.parse import urlsplit

from irkit import digest, times
from irkit.bundle.attest import EXTRA, installed, need
from irkit.errors import BundleError, UsageError, VerificationError
from irkit.model.bundle import Bundle, Problem
from irkit.text import safe

SUFFIX = ".tsr"
_PACKAGE = "rfc3161_client"
_LARGEST = 1 << 20  # bytes of an answer
_SHA256 = "2.16.840.1.101.3.4.2.1"
# TimeStampReq, RFC 3161 2.4.1, in DER: version 1, MessageImprint of SHA-256, a nonce of 8 bytes, certReq true.
_REQUEST = bytes.fromhex("30430201013031300d060960864801650304020105000420")
_NONCE, _CERTIFICATES = bytes.fromhex("0208"), bytes.fromhex("0101ff")


def beside(bundle: Path) -> Path:
    """Where the token of the bundle at that path stands."""
    return bundle.with_name(bundle.name + SUFFIX)


def request(sha256: str, nonce: int) -> bytes:
    """The question to an authority; `nonce` is a random number of 63 bits with the highest set: 8 bytes in DER."""
    return _REQUEST + bytes.fromhex(sha256) + _NONCE + nonce.to_bytes(8, "big") + _CERTIFICATES


def check(authority: str) -> None:
    """Raise UsageError for what is no http(s) URL, and where stamping is not installed."""
    need(_PACKAGE, "stamping")
    if not authority.startswith(("https://", "http://")):
        raise UsageError(f"not the URL of a time-stamping authority: {authority!r}", "https://...")
    if urlsplit(authority).username is not None:
        raise UsageError(
            "credentials do not belong in a URL", "an authority that needs none, or a proxy that adds them"
        )


def stamp(bundle: Bundle, authority: str, *, nonce: int, timeout: float = 30) -> Path:
    """Have `bundle` stamped by the authority at that URL; returns the token's path, which is never overwritten.

    Raises UsageError for what is no http(s) URL, BundleError where the authority does not answer or answers something
    else. Whom the token is from is asked by `stamped_at`, with the authority's certificate.
    """
    check(authority)
    nonce = (nonce | 1 << 62) & ((1 << 63) - 1)
    answer = _asked(authority, request(bundle.sha256, nonce), timeout)
    if _about(answer) != (bundle.sha256, nonce):
        raise BundleError(f"{authority} stamped something else", "try another authority")
    unnamed, path = beside(bundle.path).with_suffix(".stamping"), beside(bundle.path)
    try:
        digest.write([answer], unnamed)
        digest.publish(unnamed, path)
    except FileExistsError as error:
        unnamed.unlink()
        raise BundleError(f"{path} exists and is kept", "move it away to stamp again") from error
    except OSError as error:
        raise BundleError(f"cannot write {path}: {error.strerror}") from error
    return path


def _asked(authority: str, question: bytes, timeout: float) -> bytes:
    """The answer, within `timeout` seconds in all: a socket's own timeout begins anew with every byte that drips in."""
    answers: SimpleQueue[bytes | Exception] = SimpleQueue()
    Thread(target=_ask, args=(authority, question, timeout, answers), daemon=True).start()
    try:
        answer = answers.get(timeout=timeout)
    except Empty:
        answer = TimeoutError(f"no answer within {timeout:g} seconds")
    if isinstance(answer, bytes):
        return answer
    why = safe(str(getattr(answer, "reason", answer)))[:200]
    raise BundleError(f"no stamp from {authority}: {why}", "check the URL and the network, or try later") from answer


def _ask(authority: str, question: bytes, timeout: float, answers: SimpleQueue[bytes | Exception]) -> None:
    from http.client import HTTPException  # no verification asks anybody
    from urllib.request import Request, urlopen

    message = Request(authority, question, {"Content-Type": "application/timestamp-query"})  # noqa: S310 - checked
    try:
        with urlopen(message, timeout=timeout) as answer:  # noqa: S310 - checked
            answers.put(answer.read(_LARGEST))
    except (OSError, ValueError, HTTPException) as error:  # URLError is an OSError
        answers.put(error)


def _about(answer: bytes) -> tuple[str, int | None]:
    """The SHA-256 and the nonce in a token; raises BundleError for what is no granted token."""
    from rfc3161_client import decode_timestamp_response

    try:
        told = decode_timestamp_response(answer).tst_info
    except ValueError as error:
        raise BundleError("the answer is no time stamp", "try another authority") from error
    about = told.message_imprint
    return about.message.hex() if about.hash_algorithm.dotted_string == _SHA256 else "", told.nonce


def _expect(sha256: str, answer: bytes) -> None:
    if _about(answer)[0] != sha256:
        raise VerificationError("the time stamp is about something else")


def stamped_at(bundle_sha256: str, token: Path, roots: Path) -> datetime:
    """When the bundle of that hash was stamped, checked offline against the certificates in the PEM file `roots`.

    The certificates had to be valid then, not now. Raises VerificationError where the token is missing, is about
    something else or is not from a trusted authority; UsageError for a file without certificates.
    """
    need(_PACKAGE, "checking a time stamp")
    from cryptography.x509 import load_pem_x509_certificates
    from rfc3161_client import VerificationError as Refusal
    from rfc3161_client import VerifierBuilder, decode_timestamp_response

    try:
        trusted = load_pem_x509_certificates(roots.read_bytes())
    except (OSError, ValueError) as error:
        raise UsageError(f"no certificates in {roots}", "the PEM file of the authority's root") from error
    try:
        answer = decode_timestamp_response(token.read_bytes())
        _expect(bundle_sha256, token.read_bytes())
        VerifierBuilder(roots=trusted).build().verify(answer, bytes.fromhex(bundle_sha256))
    except OSError as error:
        raise VerificationError("there is no time stamp") from error
    except (Refusal, ValueError, BundleError) as error:
        raise VerificationError(f"the time stamp is not valid: {safe(str(error))[:200]}") from error
    return answer.tst_info.gen_time


def examine(bundle: Path, sha256: Callable[[], str], roots: Path | None) -> tuple[str, list[Problem]]:
    """(what to tell about the token beside `bundle`, what is wrong with it).

    Without `roots` a token is only held against the bundle: whoever made it says so, and nobody vouches for the time.
    """
    token = beside(bundle)
    if roots is None and not token.exists():
        return "not asked for", []
    if roots is None and not installed(_PACKAGE):
        return f"there is one, but it was not checked: {EXTRA}", []
    try:
        if roots is not None:
            return times.rfc3339(stamped_at(sha256(), token, roots)), []
        _expect(sha256(), token.read_bytes()[:_LARGEST])
    except (BundleError, VerificationError) as error:
        return "broken", [Problem(token.name, error.message)]
    except OSError as error:
        raise BundleError(f"cannot read {token}: {error.strerror}") from error
    return "there is one: who made it is not known without --tsa-ca", []
