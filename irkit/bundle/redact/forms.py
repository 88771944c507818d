"""How a known secret may be written: as it is, line by line, escaped for JSON, for a URL, within base64 text."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

_PIECE = 256  # bytes of one searched form; a longer secret is searched for piece by piece
_SHORTEST_LINE = 16
_WORDS = re.compile(rb"[A-Za-z]++(?:[^A-Za-z0-9][A-Za-z]++)*+")
_HEX = re.compile("%[0-9A-F]{2}")
_CLASSES = tuple(re.compile(one) for one in (rb"[a-z]", rb"[A-Z]", rb"[0-9]", rb"[^A-Za-z0-9]"))


def searchable(secret: bytes) -> bool:
    """Whether `secret` is odd enough to be looked for everywhere.

    One that a name, a word or a count could be by chance ("postgres", "my-app", "12345678") is not: it is hidden where
    the structure says that it is a secret, and nowhere else.
    """
    if len(secret) < 6 or b"[REDACTED" in secret or secret in b"[REDACTED:":
        return False
    if len(set(secret)) < 4 or secret.isdigit():
        return len(secret) >= 16 and len(set(secret)) >= 4
    if _WORDS.fullmatch(secret):
        return len(secret) >= 20 or (len(secret) >= 10 and len(_turns(secret)) >= 3)
    classes = sum(bool(one.search(secret)) for one in _CLASSES)
    return classes >= (2 if len(secret) >= 8 else 3)


def _turns(secret: bytes) -> list[bytes]:
    return re.findall(rb"[a-z](?=[A-Z])", secret)


def forms(secret: bytes) -> Iterator[bytes]:
    """Every searched form of `secret`, each of 6 to 256 bytes; some may repeat."""
    for written in (secret, *_encoded(secret)):
        for at in range(0, len(written), _PIECE):
            piece = written[at : at + _PIECE]
            yield piece if len(piece) >= _SHORTEST_LINE or not at else written[-_PIECE:]
    for line in secret.split(b"\n"):
        if _SHORTEST_LINE <= len(line.strip()) < len(secret.strip()):
            yield from forms(line.strip())


def _encoded(secret: bytes) -> Iterator[bytes]:
    text = secret.decode("utf-8", "surrogateescape")
    if b"\n" not in secret or len(secret) < _PIECE:
        yield from _escaped(text)
    for url in dict.fromkeys((quote(secret, safe=""), quote(secret), quote_plus(secret))):
        yield url.encode()
        yield _HEX.sub(lambda hit: hit[0].lower(), url).encode()
    yield from _base64(secret)


def _escaped(text: str) -> Iterator[bytes]:
    r"""As a JSON string, once and twice; with Go's `\u0026` for `&` and without."""
    for ascii in (True, False):
        once = json.dumps(text, ensure_ascii=ascii)[1:-1]
        for form in (once, _html(once), json.dumps(once)[1:-1], json.dumps(_html(once))[1:-1]):
            yield form.encode("utf-8", "surrogateescape")


def _html(text: str) -> str:
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _base64(secret: bytes) -> Iterator[bytes]:
    """The part of base64 text that depends on `secret` alone, for each of the three places it can start at."""
    if len(secret) < 8:
        return
    for before in range(3):
        text = b64encode(bytes(before) + secret)
        first = -(-before * 8 // 6)
        last = (before + len(secret)) * 8 // 6
        yield text[first:last]
        yield text[first:last].translate(bytes.maketrans(b"+/", b"-_"))
