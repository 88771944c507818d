"""The secrets of one case: what documents say is one, to be looked for in everything else."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterable, Iterator

from irkit.bundle.redact import files
from irkit.bundle.redact.detect.scanner import Scanner
from irkit.bundle.redact.forms import forms, searchable
from irkit.bundle.redact.structure import document
from irkit.bundle.redact.structure.kubernetes import from_base64
from irkit.bundle.redact.structure.tree import Unreadable
from irkit.bundle.redact.tokens import TOKEN, Tokens

_DEEPEST = 4  # a secret within a secret: the password in a URL in a document in a Helm release
_LARGEST = 16 << 20  # bytes of an unpacked Helm release


_DETECTORS = Scanner({})


class Secrets:
    """What to look for. `key`: the case's redaction key, 16 random bytes or more.

    First `learn` from every file of the case, then redact every file: a password that stands in a pod's environment
    is then found in a log, in base64 and in an escaped string too, and gets the same token everywhere.
    """

    def __init__(self, key: bytes) -> None:
        self.tokens = Tokens(key)
        self._known: dict[bytes, bytes] = {}
        self._seen: set[bytes] = set()
        self.too_plain = 0  # secrets that are hidden only where the structure names them

    @property
    def known(self) -> dict[bytes, bytes]:
        """Each form to look for, and the secret it is a form of."""
        return dict(self._known)

    def learn(self, path: str, chunks: Iterable[bytes]) -> None:
        """Take the secrets that the documents in a file of the bundle name."""
        for secret in named(path, chunks):
            self.add(secret)

    def add(self, secret: bytes, depth: int = 0) -> None:
        """Know `secret`, and what is a secret within it."""
        secret = secret.strip(b"\r\n")
        if secret in self._seen or TOKEN.search(secret):
            return
        self._seen.add(secret)
        if searchable(secret):
            for form in forms(secret):
                self._known.setdefault(form, secret)
        else:
            self.too_plain += 1
        if depth < _DEEPEST:
            for inner in _within(secret):
                self._learn_inner(inner, depth + 1)

    def _learn_inner(self, text: bytes, depth: int) -> None:
        for span in _DETECTORS.spans(text):
            inner = text[span.start : span.end] if span.secret is None else span.secret
            if inner != text:
                self.add(inner, depth)
        if text[:1] in b"{[":
            for secret in _in_document(text):
                self.add(secret, depth)


def named(path: str, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The secrets that the documents in a file of the bundle name; logs name none."""
    for text in files.documents(path, chunks):
        yield from _in_document(text)


def _in_document(text: bytes) -> Iterator[bytes]:
    try:
        found = document.spans(text, _DETECTORS)
    except Unreadable:
        return
    for span in found:
        yield text[span.start : span.end] if span.secret is None else span.secret


def _within(secret: bytes) -> Iterator[bytes]:
    """Texts to look into: the secret itself, what its base64 holds, a Helm release unpacked."""
    yield secret
    plain = from_base64(secret)
    if plain != secret and plain.isascii():
        yield plain
        yield b"password=" + plain.partition(b":")[2]  # the user and password of Basic
    if release := _release(plain):
        yield release


def _release(packed: bytes) -> bytes:
    """The JSON of a Helm release: gzip in base64; empty for anything else."""
    packed = packed if packed[:2] == b"\x1f\x8b" else from_base64(packed)
    if packed[:2] != b"\x1f\x8b":
        return b""
    try:
        return gzip.GzipFile(fileobj=io.BytesIO(packed)).read(_LARGEST)
    except (OSError, EOFError, zlib.error):
        return b""
