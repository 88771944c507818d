"""A value beside a name that says it is a secret: `password=...`, `"token": "..."`, `--api-key ...`, `Cookie: ...`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from irkit.bundle.redact.detect import blocks, words
from irkit.bundle.redact.detect.escapes import undone
from irkit.bundle.redact.detect.span import LONGEST, Span
from irkit.bundle.redact.tokens import TOKEN, inside

# Read backwards, so that they are anchored and linear. A logger that colours writes `ESC[36mpassword ESC[0m=x`.
_NAME = re.compile(rb"[=:>]{1,2}\s{0,4}+(?:m[0-9;]{0,12}\[(?:\x1b|[bB]100u\\))?[\"'\\\]]{0,6}+([A-Za-z0-9_./-]{1,100})")
_FLAG = re.compile(rb"[\s\x00]{1,4}([A-Za-z0-9_-]{1,100})-")
_GAP = re.compile(rb"[=>]{0,2}(?:[ \t]|(?:\x1b|\\u001[bB])\[[0-9;]{0,12}m){0,8}(?:&?\[(?!REDACTED:))?")
_SCHEME = re.compile(rb"(?:(?:bearer|basic|token|digest|negotiate|apikey|aws4-hmac-sha256)[ \t]{1,4})?", re.I)
# The longest opening quote first: JSON within JSON escapes it.
_QUOTE = re.compile(rb"\\{0,7}\"|'|`")
_HEADERS = re.compile("cookie|authorization", re.I)
# A value ends where a token begins: what was redacted before stays as it is.
_LINE = re.compile(rb"(?:[^\r\n\x00\"'\[]|\[(?!REDACTED:)){1,%d}+" % LONGEST)
# A separator belongs to the value unless the value seems to end there.
_BARE = re.compile(
    rb"(?:[^\s\x00\x1b\"'`,;&<>\\\[]|\[(?!REDACTED:)|"
    rb"[,;&](?![\s,;&]|[\w.-]{0,40}+\[REDACTED:|[\w.-]{1,40}+[=:]|\Z)){1,%d}+" % LONGEST
)
_TAIL = b")]}>.,:;!"
_UNTIL_QUOTE = re.compile(rb"[^\"\r\n]*+")
_UNTIL_SPACE = re.compile(rb"[^\s\x00\"'`<>\\]*+")


def assigned(text: bytes, at: int) -> Iterator[Span]:
    """The value behind `name=`, `name:` or `"name":`, where the name is a secret's; `at` is behind the separator."""
    if words.names_secret(label := _label(_NAME, text, at)) and not inside(text, at):
        yield from _value(text, at, label)


def flagged(text: bytes, at: int) -> Iterator[Span]:
    """The value behind `--password `; `at` is behind its first byte."""
    if words.names_secret(label := _label(_FLAG, text, at - 1)):
        yield from _value(text, at - 1, label)


def beside(text: bytes, at: int) -> Iterator[Span]:
    """The value behind `value:` in the line below `name: DB_PASSWORD`; `at` is behind the colon."""
    if words.names_secret(label := _label(blocks.BESIDE, text, at)):
        yield from _value(text, at, label)


def _label(pattern: re.Pattern[bytes], text: bytes, at: int) -> str:
    """The name that ends before `at`; "" where there is none."""
    name = pattern.match(text[max(0, at - 120) : at][::-1])
    return name[1][::-1].decode("ascii") if name else ""


def _value(text: bytes, at: int, name: str) -> Iterator[Span]:
    at = _end(_GAP, text, at)
    if block := blocks.block(text, at):
        if not TOKEN.match(text, block.start):
            yield block
        return
    quote = _QUOTE.match(text, at)
    start = _end(_SCHEME, text, quote.end() if quote else at)
    if TOKEN.match(text, start):
        return
    end = _close(text, start, quote[0]) if quote else _bare(text, start, name)
    value = text[start:end]
    if not _spared(value, name, quoted=bool(quote)):
        more = (_UNTIL_QUOTE if quote else _UNTIL_SPACE) if len(value) >= LONGEST else None
        yield Span(start, end, "assigned", undone(value), more)


def _end(pattern: re.Pattern[bytes], text: bytes, at: int) -> int:
    hit = pattern.match(text, at)
    return hit.end() if hit else at


def _close(text: bytes, start: int, quote: bytes) -> int:
    """Where the string that `quote` opened ends; escaped quotes do not end it."""
    limit = start + LONGEST
    end = text.find(quote, start, limit)
    while end >= 0 and quote[-1:] == b'"' and _escaped(text, end, start):
        end = text.find(quote, end + len(quote), limit)
    line = text.find(b"\n", start, end if end >= 0 else limit)
    token = text.find(b"[REDACTED:", start, end if end >= 0 else limit)
    found = [place for place in (end, line, token) if place >= 0]
    return min(found, default=min(limit, len(text)))


def _escaped(text: bytes, end: int, start: int) -> bool:
    before = text[max(start, end - 8) : end]
    return (len(before) - len(before.rstrip(b"\\"))) % 2 == 1


def _bare(text: bytes, start: int, name: str) -> int:
    if _HEADERS.search(name) and (line := _LINE.match(text, start)) and b"=" in line[0].split(b";")[0]:
        return line.end()
    hit = _BARE.match(text, start)
    return start + len(hit[0].rstrip(_TAIL)) if hit else start


def _spared(value: bytes, name: str, *, quoted: bool) -> bool:
    """Whether `value` is left: nothing, or a word that a log says about a secret rather than the secret."""
    if words.trivial(value) or words.harmless(name, value):
        return True
    if words.names_password(name):
        return words.prose(value) and not quoted
    return words.plain(value)
