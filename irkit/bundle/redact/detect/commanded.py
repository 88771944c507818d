"""A secret typed into `kubectl exec`: the command stands in the URL of the request, one `command=` for each word."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain

from irkit.bundle.redact.detect.assigned import assigned, flagged
from irkit.bundle.redact.detect.span import Span

_WORD = re.compile(rb"[A-Za-z0-9%+._~*!$'(),;:@/?=-]{0,4096}+")
_UNIT = re.compile(rb"%[0-9A-Fa-f]{2}|.", re.S)
# Go writes the & of a URL in JSON as an escape.
_BEFORE = re.compile(rb"command=(-[A-Za-z0-9_.-]{1,100})(?:&|\\u0026)command=\Z")
_SEPARATOR = re.compile(rb"[=:]")
_GAP = re.compile(rb"\s(?=\S)")


def commanded(text: bytes, at: int) -> Iterator[Span]:
    """The secret in a word of a command, percent-encoded: `--token%3Dx`, or `x` behind `--token`.

    `at` is behind the fourth byte of the word.
    """
    at -= 4
    word = _WORD.match(text, at)
    units = _UNIT.findall(word[0]) if word else []
    before = _BEFORE.search(text, max(0, at - 120), at)
    lead = before[1] + b" " if before else b""
    plain = lead + b"".join(map(_decoded, units))
    places = [at] * len(lead)
    for unit in units:
        places.append(at)
        at += len(unit)
    places.append(at)
    for span in _found(plain):
        if span.start >= len(lead):
            secret = plain[span.start : span.end]
            yield replace(span, start=places[span.start], end=places[span.end], secret=secret, more=None)


def _found(plain: bytes) -> Iterator[Span]:
    values = (assigned(plain, hit.end()) for hit in _SEPARATOR.finditer(plain))
    words = (flagged(plain, hit.end() + 1) for hit in _GAP.finditer(plain))
    return chain.from_iterable(chain(values, words))


def _decoded(unit: bytes) -> bytes:
    if len(unit) == 3:
        return bytes([int(unit[1:], 16)])
    return b" " if unit == b"+" else unit
