r"""JSON that the API server takes and writes down, and a stricter reader refuses: made fit for that reader.

The body of a patch stands in the log as the client sent it, and Go's decoder takes half a surrogate pair (`\ud800`),
bytes that are no UTF-8, nesting 10,000 levels deep (seen on 1.37). Who gave up there could be blinded by any client.
"""

from __future__ import annotations

import json
import re
from math import isfinite

DEPTH = 200  # levels that are kept; no object of Kubernetes has a fifth of it, and Python's own limit is 1,000
_BESIDES = bytes(set(range(256)) - set(b"[]{}"))
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[\[{]|[\]}]', re.DOTALL)


def deep(text: bytes) -> bool:
    """False for what nests no deeper than twice DEPTH: every walk through it comes to its end."""
    left = text.translate(None, _BESIDES)
    for _ in range(DEPTH):
        if len(left) <= 2 * DEPTH:
            return False
        left = left.replace(b"{}", b"").replace(b"[]", b"")  # a level or two less, wherever it is deepest
    return True


def mended(text: bytes) -> bytes | None:
    """The same JSON, with ? or U+FFFD for what is no text, null for what is too deep or too large; None for no JSON."""
    if not text[-9:].rstrip().endswith((b"}", b"]")):
        return None  # torn
    plain = (_shallow(text) if deep(text) else text).decode("utf-8", "replace")
    try:
        found = json.loads(plain, parse_int=_number, parse_float=_number, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return json.dumps(found, ensure_ascii=False).encode("utf-8", "replace")


def _shallow(text: bytes) -> bytes:
    kept: list[bytes] = []
    at = depth = 0
    for token in _TOKEN.finditer(text):
        if token[0] in b"[{":
            depth += 1
            if depth == DEPTH + 1:
                kept += (text[at : token.start()], b"null")
        elif token[0] in b"]}":
            at = token.end() if depth == DEPTH + 1 else at
            depth -= 1
    return b"".join((*kept, text[at:]))


def _number(text: str) -> int | float | None:
    number = float(text)
    if not isfinite(number):
        return None
    return int(text) if text.lstrip("-").isdecimal() else number


def _refuse(word: str) -> None:
    """NaN and Infinity are Python's JSON, nobody else's."""
    raise ValueError(word)
