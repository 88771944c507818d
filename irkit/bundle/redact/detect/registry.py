"""The detectors, each with the cheap trigger that calls it.

One pass of Hyperscan over the text looks for all triggers at once, in linear time on any input; a detector then looks
at the few bytes around. Detectors use bounded or possessive patterns: hostile text cannot make them slow. A new one is
a line here, a sample in tests/bundle/redact/test_detect.py and a row in docs/redaction.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from irkit.bundle.redact.detect import programs, said
from irkit.bundle.redact.detect.assigned import assigned, beside, flagged
from irkit.bundle.redact.detect.commanded import commanded
from irkit.bundle.redact.detect.shapes import in_url, private_key, scheme, shaped
from irkit.bundle.redact.detect.span import Span


@dataclass(frozen=True, slots=True)
class Detector:
    """`find(text, at)` yields what to hide, `at` being where a match of the Hyperscan pattern `trigger` ends."""

    name: str
    trigger: bytes
    find: Callable[[bytes, int], Iterator[Span]]
    caseless: bool = False
    spread: bool = False  # the secret may stand far from the trigger: in a document, only within one string
    guess: bool = False  # it judges what stands behind a name; in a document the structure says that better


# What stands in the names of secrets; `words.names_secret` judges the whole name.
NAMES = (
    rb"(?:pass(?:word|wd|phrase|code)|pwd|secret|token|credential|creds|authorization|cookie|bearer|jwt|"
    rb"(?:api|access|private|secret|encryption|signing|master|account|shared|auth|storage|ssh|client|license|hmac|webhook)"
    rb"[_.-]?key|session[_.-]?id|conn(?:ection)?[_.-]?str(?:ing)?)"
)
# Names that begin many a word: "pat" is none in "path".
SHORT = rb"[^a-z](?:pass|pw|pat|sas|dsn|sig|auth)(?-i:[^a-z])"
_REST = rb"[A-Za-z0-9_.-]{0,32}"
_SHORT_NAME = (
    rb"(?:^|[^a-z])(?:pass|pw|pat|sas|dsn|sig|auth)(?:[_.0-9-][A-Za-z0-9_.-]{0,32}|(?-i:[A-Z])[A-Za-z0-9_.-]{0,32})?"
)
_ASSIGN = rb"[\"'\\\]]{0,6}(?:(?:\x1b|\\u001b)\[[0-9;]{0,12}m)?\s{0,4}(?:=>|:=|[:=>])"
_NEXT = rb"[\"']?[ \t]{0,8}(?:\r?\n|(?:\\{1,7}r)?\\{1,7}n)[ \t]{1,40}"
_AWS = rb"(?:A3T[A-Z0-9]|AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}"
_JWT = rb"(?:^|[^A-Za-z0-9_-]|\\[nrt]|\\u[0-9a-f]{4})eyJ[A-Za-z0-9_-]{5}"

DETECTORS = (
    Detector("jwt", _JWT, shaped("jwt", 8, rb"eyJ[\w-]{5,}+\.[\w-]{4,}+\.[\w-]*+(?:\.[\w-]*+){0,2}")),
    Detector("aws-key-id", _AWS, shaped("aws-key-id", 20, _AWS + rb"(?![A-Za-z0-9])")),
    Detector("github", rb"gh[pousr]_[A-Za-z0-9]{30}", shaped("github", 34, rb"gh[pousr]_[A-Za-z0-9]{30,255}+")),
    Detector("github-pat", rb"github_pat_[A-Za-z0-9_]{22}", shaped("github", 33, rb"github_pat_\w{22,255}+")),
    Detector("gitlab", rb"gl[a-z]{3}-[A-Za-z0-9_-]{20}", shaped("gitlab", 26, rb"gl[a-z]{3}-[\w.-]{20,300}+")),
    Detector("slack", rb"xox[a-z]-[A-Za-z0-9-]{10}", shaped("slack", 15, rb"xox[a-z]-[A-Za-z0-9-]{10,255}+")),
    Detector("slack-app", rb"xapp-[0-9]-[A-Za-z0-9]{6}", shaped("slack", 13, rb"xapp-[0-9A-Za-z-]{8,255}+")),
    Detector(
        "slack-hook", rb"hooks\.slack\.com/services/T", shaped("slack-hook", 26, rb"hooks\.slack\.com/services/[\w/]++")
    ),
    Detector(
        "stripe", rb"[sr]k_(?:live|test)_[A-Za-z0-9]{10}", shaped("stripe", 18, rb"[sr]k_(?:live|test)_\w{10,255}+")
    ),
    Detector("stripe-hook", rb"whsec_[A-Za-z0-9+/]{16}", shaped("stripe", 22, rb"whsec_[A-Za-z0-9+/=]{16,255}+")),
    Detector("google", rb"AIza[A-Za-z0-9_-]{35}", shaped("google", 39, rb"AIza[\w-]{35}")),
    Detector("npm", rb"npm_[A-Za-z0-9]{36}", shaped("npm", 40, rb"npm_[A-Za-z0-9]{36}")),
    Detector("pypi", rb"pypi-AgE[A-Za-z0-9_-]{20}", shaped("pypi", 28, rb"pypi-[\w-]{23,400}+")),
    Detector("vault", rb"hv[sbr]\.[A-Za-z0-9_-]{20}", shaped("vault", 24, rb"hv[sbr]\.[\w-]{20,300}+")),
    Detector("age", rb"AGE-SECRET-KEY-1[A-Z0-9]{50}", shaped("age", 66, rb"AGE-SECRET-KEY-1[A-Z0-9]{50,60}+")),
    Detector("private-key", rb"-----BEGIN [A-Z0-9 ]{0,24}PRIVATE KEY", private_key, spread=True),
    Detector("url-password", rb"://[^\s/:@\"'<>\\]{0,128}:[^\s/\"'<>\\]{1,256}@", in_url),
    Detector("authorization", rb"(?:bearer|basic)[ \t]{1,4}[A-Za-z0-9+/=._~-]{8}", scheme, caseless=True),
    Detector("command", rb"[?&6]command=[^&\s\\\"]{4}", commanded),
    Detector("assigned", NAMES + _REST + _ASSIGN, assigned, caseless=True, guess=True),
    Detector("assigned-short", _SHORT_NAME + _ASSIGN, assigned, caseless=True, guess=True),
    Detector("beside", NAMES + _REST + _NEXT + rb"[\"']?value[\"']?:", beside, caseless=True, guess=True),
    Detector("flag", rb"-" + NAMES + _REST + rb"[\s\x00]{1,4}[^\s\x00-]", flagged, caseless=True, guess=True),
    Detector(
        "flag-prefixed",
        rb"--[A-Za-z0-9_-]{1,40}" + NAMES + rb"[A-Za-z0-9_-]{0,32}[\s\x00]{1,4}[^\s\x00-]",
        flagged,
        caseless=True,
        guess=True,
    ),
    Detector("called", programs.TRIGGER, programs.called, guess=True),
    Detector("sql", said.SQL, said.following(plain=True), caseless=True, guess=True),
    Detector("netrc", said.NETRC, said.following(plain=True), caseless=True, guess=True),
    Detector("redis", said.REDIS, said.following(plain=False), caseless=True, guess=True),
    Detector("piped", said.PIPED, said.piped, guess=True),
)
