"""A secret typed into `kubectl exec`: the command stands in the URL of the request, one `command=` for each word."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain

from irkit.bundle.redact.detect import programs
from irkit.bundle.redact.detect.assigned import assigned, flagged
from irkit.bundle.redact.detect.span import Span

_WORD = re.compile(rb"[A-Za-z0-9%+._~*!$'(),;:@/?=-]{0,4096}+")
_UNIT = re.compile(rb"%[0-9A-Fa-f]{2}|.", re.S)
# Go writes the & of a URL in JSON as an escape.
_EARLIER = re.compile(rb"command=([^&\s\"\\]{0,256})(?:&|\\u0026)")
_FLAG = re.compile(rb"-[A-Za-z0-9_.-]{1,100}")
_SEPARATOR = re.compile(rb"[=:]")
_GAP = re.compile(rb"\s(?=\S)")


def commanded(text: bytes, at: int) -> Iterator[Span]:
    """The secret in a word of a command, percent-encoded: `--token%3Dx`, or `x` behind `--token`.

    `at` is behind the fourth byte of the word.
    """
    at -= 4
    word = _WORD.match(text, at)
    units = _UNIT.findall(word[0]) if word else []
    before = _before(text, at)
    lead = before[-1] + b" " if before and _FLAG.fullmatch(before[-1]) else b""
    own = b"".join(map(_decoded, units))
    plain = lead + own
    places = [at] * len(lead)
    for unit in units:
        places.append(at)
        at += len(unit)
    places.append(at)
    for span in chain(_found(plain), _of_program(before, own, len(lead))):
        if span.start >= len(lead):
            secret = plain[span.start : span.end]
            yield replace(span, start=places[span.start], end=places[span.end], secret=secret, more=None)


def _found(plain: bytes) -> Iterator[Span]:
    values = (assigned(plain, hit.end()) for hit in _SEPARATOR.finditer(plain))
    words = (flagged(plain, hit.end() + 1) for hit in _GAP.finditer(plain))
    return chain.from_iterable(chain(values, words))


def _before(text: bytes, at: int) -> list[bytes]:
    """The words before: the last alone, which may be a flag, where none names a program."""
    url = text[max(0, at - 512) : at].rpartition(b'"')[2].rpartition(b"\n")[2].rpartition(b" ")[2]
    raw = _EARLIER.findall(url)[-8:]
    raw = raw if any(map(programs.knows, raw)) else raw[-1:]
    return [b"".join(map(_decoded, _UNIT.findall(word))) for word in raw]


def _of_program(before: list[bytes], own: bytes, lead: int) -> Iterator[Span]:
    for number, start in programs.listed([*before, own]):
        if number == len(before):
            yield Span(lead + start, lead + len(own), "called")
    if b" " in own:
        yield from (span.moved(lead) for span in programs.within(own))


def _decoded(unit: bytes) -> bytes:
    if len(unit) == 3:
        return bytes([int(unit[1:], 16)])
    return b" " if unit == b"+" else unit
