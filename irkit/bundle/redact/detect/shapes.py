"""Secrets that are known by their shape, wherever they stand."""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error
from collections.abc import Callable, Iterator

from irkit.bundle.redact.detect import words
from irkit.bundle.redact.detect.span import LONGEST, Span
from irkit.bundle.redact.tokens import TOKEN

Find = Callable[[bytes, int], Iterator[Span]]

_MORE = re.compile(rb"[A-Za-z0-9_.~+/=-]*+")
_ESCAPE = re.compile(rb"\\(?:u[0-9a-fA-F]{4}|[nrtbf])\Z")
_WORD = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")


def shaped(rule: str, width: int, pattern: bytes) -> Find:
    """What finds `pattern`, whose first `width` bytes are the trigger, where no letter or digit stands before it."""
    shape = re.compile(pattern)

    def find(text: bytes, at: int) -> Iterator[Span]:
        start = at - width
        if within_word(text, start):
            return
        if hit := shape.match(text, start, start + LONGEST):
            cut = hit.end() == start + LONGEST
            yield Span(start, hit.end(), rule, more=_MORE if cut else None)

    return find


def within_word(text: bytes, start: int) -> bool:
    r"""Whether a letter, a digit or a token stands before `start`; not an escape such as `\n`."""
    if start and text[start - 1] in _WORD:
        return not _ESCAPE.search(text[max(0, start - 6) : start])
    opened = text.rfind(b"[REDACTED:", max(0, start - 60), start) if text[start - 1 : start] == b"]" else -1
    token = TOKEN.match(text, opened) if opened >= 0 else None
    return bool(token and token.end() == start)


_PASSWORD = re.compile(rb"://[^\s/:@\"'<>\\]{0,128}:([^\s/\"'<>\\]{1,256})@\Z")


def in_url(text: bytes, at: int) -> Iterator[Span]:
    """The password in `scheme://user:password@host`; `at` is behind the `@`."""
    begin = text.rfind(b"://", max(0, at - 390), at)
    hit = _PASSWORD.match(text, begin, at) if begin >= 0 else None
    if hit and b"[REDACTED:" not in hit[1] and not words.trivial(hit[1]):
        yield Span(*hit.span(1), "url-password")


_CREDENTIAL = re.compile(rb"[A-Za-z0-9+/=._~-]+")


def scheme(text: bytes, at: int) -> Iterator[Span]:
    """The credential of `Bearer ...` or `Basic ...`; `at` is behind its first eight bytes."""
    start = at - 8
    hit = _CREDENTIAL.match(text, start, start + LONGEST)
    if hit and not words.plain(hit[0]) and (text[start - 2 : start - 1].lower() != b"c" or _basic(hit[0])):
        yield Span(start, hit.end(), "authorization", more=_MORE if hit.end() == start + LONGEST else None)


def _basic(credential: bytes) -> bool:
    try:
        return len(credential) >= LONGEST - 8 or b":" in b64decode(credential.rstrip(b"=.") + b"==")
    except Error:
        return False


_END = re.compile(rb"-----END [A-Z0-9 ]{0,24}PRIVATE KEY(?: BLOCK)?-----")
# Whole runs, so that a run is looked at once; tokens and escapes are passed over.
_BODY = re.compile(TOKEN.pattern + rb"|\\[nrt]|[A-Za-z0-9+/]++={0,2}+")
_FARTHEST = 16 << 10
_WHOLE_LINE = 40
_FRACTION = 16  # more than the nanoseconds of a time


def private_key(text: bytes, at: int) -> Iterator[Span]:
    r"""The body of a private key, run by run: log timestamps, `\n` escapes and line numbers may stand between.

    Without an END within 16 KiB the key was cut: its long runs are hidden, as far as that.
    """
    another = text.find(b"-----BEGIN ", at, at + _FARTHEST)
    stop = another if another >= 0 else at + _FARTHEST
    end = _END.search(text, at, stop)
    stop, shortest = (end.start(), 2) if end else (stop, _WHOLE_LINE)
    armour = text.find(b"-----", at, at + 16)
    for run in _BODY.finditer(text, armour + 5 if armour >= 0 else at, stop):
        if len(run[0]) >= shortest and _key_like(text, run):
            yield from _pieces(*run.span())


def _key_like(text: bytes, run: re.Match[bytes]) -> bool:
    """Whether a run could be a line of a key: no token, no escape, no part of a time or a date, no name of a header."""
    before, after = text[run.start() - 1 : run.start()], text[run.end() : run.end() + 1]
    if run[0][:1] in b"[\\" or after == b":":
        return False
    if before in (b".", b":", b"-"):
        return len(run[0]) > _FRACTION
    return len(run[0]) >= 8 or run[0].endswith(b"=")


def _pieces(start: int, end: int) -> Iterator[Span]:
    for at in range(start, end, LONGEST):
        yield Span(at, min(at + LONGEST, end), "private-key")
