"""Secrets that a language of its own says: SQL, `.netrc`, Redis, a shell that pipes one into a program."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from irkit.bundle.redact.detect import words
from irkit.bundle.redact.detect.span import LONGEST, Span
from irkit.bundle.redact.tokens import TOKEN

_SPACE = rb"[ \t\r\n]"
_QUOTE = rb"\\{0,3}[\"']"  # a log in JSON has backslashes before it
_FIRST = rb"[^\s\"'\\]"  # byte of the secret
SQL = (
    rb"(?:identified" + _SPACE + rb"{1,4}(?:with" + _SPACE + rb"{1,4}[^\s]{1,40}" + _SPACE + rb"{1,4})?(?:by|as)|"
    rb"password|set[ \t]{1,4}password[^=\r\n]{0,80}=)[ \t]{0,4}(?:password\()?" + _QUOTE + _FIRST
)
_LOGIN = _SPACE + rb"{1,8}login" + _SPACE + rb"{1,8}[^\s]{1,128}" + _SPACE + rb"{1,8}"
NETRC = rb"(?:machine" + _SPACE + rb"{1,8}[^\s]{1,128}|default)" + _LOGIN + rb"password[ \t]{1,8}" + _FIRST
_AUTH = rb"(?-i:(?:^|[\s\"'])(?:AUTH|auth))"
_MAYBE = rb"(?:" + _QUOTE + rb")?"
REDIS = rb"(?:requirepass|masterauth|primaryauth|" + _AUTH + rb")" + _MAYBE + rb"[ \t]{1,4}" + _MAYBE + _FIRST
PIPED = (
    rb"\|[ \t]{0,4}(?:sudo[ \t][^\r\n|]{0,40}-S|chpasswd|passwd[ \t][^\r\n|]{0,40}--stdin|"
    rb"[^\r\n|]{1,80}--password-stdin)"
)
_VALUE = re.compile(rb"[^\s\x00\"'`;<>\\]{1,%d}+" % LONGEST)
_ECHOED = re.compile(
    rb"(?:echo|printf)(?:[ \t]{1,4}-[a-zA-Z]{1,3}){0,3}[ \t]{1,4}[\"']?(?:[\w.-]{1,64}:)?([^\s\"'|][^\"'|\r\n]{0,255}?)"
    rb"(?:\\n)?[\"']?[ \t]{0,4}\Z"
)


def following(*, plain: bool) -> Callable[[bytes, int], Iterator[Span]]:
    """What finds the word whose first byte ends the trigger; `plain`: one that could be a word of a sentence, too."""

    def find(text: bytes, at: int) -> Iterator[Span]:
        hit = _VALUE.match(text, at - 1)
        if hit and not _spared(text, hit.start(), hit[0]) and (plain or not words.plain(hit[0])):
            yield Span(*hit.span(), "said")

    return find


def piped(text: bytes, at: int) -> Iterator[Span]:
    """What `echo` gives to a program that reads a password; `at` is behind the flag of that program that says so."""
    begin = max(0, at - 640)
    bar = text.rfind(b"|", begin, at)
    hit = _ECHOED.search(text[max(begin, bar - 400) : bar])
    if hit:
        start = max(begin, bar - 400) + hit.start(1)
        if not _spared(text, start, hit[1]):
            yield Span(start, start + len(hit[1]), "said")


def _spared(text: bytes, start: int, value: bytes) -> bool:
    return words.referred(value) or words.trivial(value) or words.prose(value) or bool(TOKEN.match(text, start))
