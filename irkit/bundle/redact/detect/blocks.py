"""Secrets as YAML writes them over lines: a block under `password: |`, a `value:` below `name: DB_PASSWORD`."""

from __future__ import annotations

import re

from irkit.bundle.redact.detect.span import LONGEST, Span

# A header, then lines indented like the first one; an empty line does not end a block.
_BLOCK = re.compile(
    rb"[|>][1-9+-]{0,2}[ \t]{0,8}\r?\n(?P<indent>[ \t]{1,64})(?P<body>\S[^\n]*+"
    rb"(?:\n(?:(?P=indent)[^\n]*+|[ \t\r]*+(?=\n)))*+)"
)
_DEEPEST = 64
_MORE = re.compile(rb"[^\n]*+(?:\n(?:[ \t][^\n]*+|\Z))*+")
# Read backwards from behind `value:`, as the names in `assigned` are; within JSON the line feed is an escape.
BESIDE = re.compile(
    rb":[\"']?eulav[\"']?[ \t]{1,40}(?:\n\r?|n\\{1,7}(?:r\\{1,7})?)[ \t]{0,8}"
    rb"[\"']?([A-Za-z0-9_.-]{1,100})[\"']?[ \t]{1,8}:[\"']?(?:eman|yek)"
)


def block(text: bytes, at: int) -> Span | None:
    """The block whose header stands at `at`, without its indentation; None where there is none."""
    hit = _BLOCK.match(text, at, at + LONGEST)
    if not hit:
        return None
    body = hit["body"].rstrip()
    end = hit.start("body") + len(body)
    secret = body.replace(b"\r\n", b"\n").replace(b"\n" + hit["indent"], b"\n")
    cut = _MORE if hit.end() >= at + LONGEST - _DEEPEST - 1 else None  # within a line, or its indentation
    return Span(hit.start("body"), end if cut is None else hit.end(), "assigned", secret, cut)
