r"""JSON's escapes, undone on bytes: what is no UTF-8 stays as it is, and every place can be found again."""

from __future__ import annotations

import json
import re

_ESCAPE = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.", re.S)
_SHORT = {b"\\n": b"\n", b"\\r": b"\r", b"\\t": b"\t", b"\\b": b"\b", b"\\f": b"\f"}
_SHORT |= {b"\\" + char: char for char in (b'"', b"\\", b"/")}


def undone(raw: bytes) -> bytes:
    r"""`raw` without its escapes (`\n`, `\u0026`, `\"`); what JSON does not know as one stays."""
    if b"\\" not in raw:
        return raw
    try:
        text: str = json.loads(b'"' + raw + b'"', strict=False)
        return text.encode("utf-8", "surrogatepass")
    except ValueError:  # no UTF-8, or an escape that JSON does not know: the same, slower
        return _ESCAPE.sub(lambda hit: _meant(hit[0]), raw)


def _meant(escape: bytes) -> bytes:
    if escape[1:2] != b"u" or len(escape) == 2:
        return _SHORT.get(escape, escape)
    code = int(escape[2:6], 16)
    if len(escape) == 12:
        code = 0x10000 + ((code - 0xD800) << 10) + int(escape[8:], 16) - 0xDC00
    return chr(code).encode("utf-8", "surrogatepass")


def steps(raw: bytes) -> tuple[list[int], list[int]]:
    """Where runs without an escape, and escapes, begin: in `undone(raw)`, and in `raw`."""
    inner, outer, here, last = [0], [0], 0, 0
    for hit in _ESCAPE.finditer(raw):
        here += hit.start() - last
        last = hit.end()
        inner += here, here + len(_meant(hit[0]))
        outer += hit.start(), last
        here = inner[-1]
    return inner, outer
