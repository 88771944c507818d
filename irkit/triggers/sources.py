"""The sources of a triggers file made ready: their secrets read, their guards standing."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from irkit import times
from irkit.errors import UsageError
from irkit.triggers.auth import signatures
from irkit.triggers.auth.certificates import Fetched, from_file, over_https
from irkit.triggers.auth.guard import Guard, Secret
from irkit.triggers.auth.signatures import Hmac, PagerDuty
from irkit.triggers.auth.sns import Sns
from irkit.triggers.auth.tokens import ByTransport, Token, basic
from irkit.triggers.formats.reading.delivery import Format
from irkit.triggers.formats.registry import format_named
from irkit.triggers.routing.schema import Auth, SecretRef, SnsTopics, Source, Triggers


@dataclass(frozen=True, slots=True)
class Ready:
    """One source: how its requests are judged, and what is read out of them."""

    name: str
    format: Format
    guard: Guard


def ready(triggers: Triggers, environ: Mapping[str, str] = os.environ) -> dict[str, Ready]:
    """Every source by name; raises UsageError for a secret that is missing, too short or of the wrong kind."""
    return {name: _source(name, source, environ) for name, source in triggers.sources.items()}


def _source(name: str, source: Source, environ: Mapping[str, str]) -> Ready:
    try:
        guard = _guard(source.auth, lambda refs: tuple(secret(ref, environ) for ref in refs))
    except UsageError as error:
        raise UsageError(f"source {name}: {error.message}", error.hint) from error
    return Ready(name, format_named(source.format), guard)


def _guard(auth: Auth, read: Callable[[tuple[SecretRef, ...]], tuple[Secret, ...]]) -> Guard:
    if auth.bearer:
        return Token(read(auth.bearer))
    if auth.basic:
        return basic(auth.basic.user, read(auth.basic.passwords))
    if auth.api_key:
        return Token(read(auth.api_key.secrets), auth.api_key.header.lower(), "")
    if auth.hmac:
        timestamp = (auth.hmac.timestamp or "").lower()
        return Hmac(read(auth.hmac.secrets), auth.hmac.header.lower(), auth.hmac.prefix, timestamp)
    if auth.pagerduty:
        return PagerDuty(read(auth.pagerduty))
    if auth.standard:
        return signatures.standard([secret.value for secret in read(auth.standard)])
    return _sns(auth.sns) if auth.sns else ByTransport()


def _sns(wanted: SnsTopics) -> Sns:
    offline = wanted.certificate
    return Sns(frozenset(wanted.topics), from_file(Path(offline)) if offline else Fetched(times.now, over_https))


def secret(ref: SecretRef, environ: Mapping[str, str]) -> Secret:
    """What `ref` names; raises UsageError."""
    if ref.env:
        if ref.env not in environ:
            raise UsageError(f"the environment has no {ref.env}, which a secret should be in")
        return Secret(environ[ref.env].encode())
    try:
        return Secret(Path(ref.file).read_bytes().removesuffix(b"\n").removesuffix(b"\r"))
    except OSError as error:
        raise UsageError(f"cannot read the secret in {ref.file}: {error.strerror}") from error
