"""One file of the bundle in, the same file without its secrets out: streamed, and never more open than it can show.

What cannot be read as its name says is treated as text, by detectors and known secrets, and that is noted; what cannot
be looked into at all (an archive, a process's environment) is withheld.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from irkit.bundle.redact import files
from irkit.bundle.redact.detect.scanner import Scanner
from irkit.bundle.redact.detect.windows import Window, windows
from irkit.bundle.redact.files import Form
from irkit.bundle.redact.rewrite import Replaced, Rewriter
from irkit.bundle.redact.secrets import Secrets
from irkit.bundle.redact.structure import document
from irkit.bundle.redact.structure.tree import Unreadable

WITHHELD = b"Withheld: irkit cannot look into this file for secrets. The original is in the sealed part.\n"


@dataclass(frozen=True, slots=True)
class Unread:
    """From `offset` on, a file was not read as what its name says."""

    path: str
    offset: int
    why: str


Note = Callable[[Replaced | Unread], None]


class Redactor:
    """Hides what `secrets` knows by now and what the detectors find. One thread at a time."""

    def __init__(self, secrets: Secrets) -> None:
        self._tokens = secrets.tokens
        self._scanner = Scanner(secrets.known)

    def redact(self, path: str, chunks: Iterable[bytes], note: Note) -> Iterator[bytes]:
        """The file at `path` in the bundle without its secrets; `note` hears of each, and of what was not read.

        The same bytes for the same content, however it is cut into chunks, and for what was redacted before. A log
        takes constant memory, a document some times its size, at most 32 MiB.
        """
        head, chunks = files.opened(chunks)
        file = _File(path, Rewriter(path, self._tokens, self._scrubbing(note)), self._scanner, note)
        match files.form(path, head):
            case Form.SEALED:
                yield from chunks
            case Form.WITHHELD:
                note(Unread(path, 0, Form.WITHHELD.value))
                yield WITHHELD
            case Form.DOCUMENT:
                yield from file.document(chunks)
            case Form.LINES:
                yield from file.lines(chunks)
            case Form.TEXT:
                yield from file.text(chunks)

    def scrub(self, text: str) -> str:
        """`text` (a name, a message, a line of custody) without its secrets."""
        raw = text.encode("utf-8", "surrogatepass")
        rewriter = Rewriter("", self._tokens, lambda _: None)
        pieces = rewriter.run(Window(raw, 0, 0, len(raw)), self._scanner.spans(raw))
        return b"".join(pieces).decode("utf-8", "surrogatepass")

    def finds_nothing(self, texts: Iterable[str]) -> bool:
        """Whether `scrub` would leave every one of `texts` as it is: one pass over all of them is a tenth of the work.

        What is looked at in a text is looked at in the whole that it is a part of; never the other way.
        """
        return not self._scanner.hits("\n".join(texts).encode("utf-8", "surrogatepass"))

    def _scrubbing(self, note: Note) -> Callable[[Replaced], None]:
        """A key within a document may be a secret itself, and the pointer names it."""
        return lambda one: note(replace(one, pointer=self.scrub(one.pointer)) if one.pointer else one)


@dataclass(slots=True)
class _File:
    path: str
    rewriter: Rewriter
    scanner: Scanner
    note: Note

    def document(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        whole, chunks = files.gathered(chunks, files.LARGEST + 1)
        if len(whole) > files.LARGEST:
            self.note(Unread(self.path, 0, "too long for one document: read as text"))
            yield from self.text(chunks)
        elif whole:
            yield from self._piece(whole, 0)

    def lines(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        base = 0
        for line, rest in files.lines(chunks):
            yield from self._piece(line, base)
            base += len(line)
            if not line:
                self.note(Unread(self.path, base, "a line too long for one document: read as text from there on"))
                yield from self.text(rest, base)

    def _piece(self, data: bytes, base: int) -> Iterator[bytes]:
        try:
            spans = document.spans(data, self.scanner)
        except Unreadable:
            self.note(Unread(self.path, base, "no JSON: read as text"))
            spans = self.scanner.spans(data)
        yield from self.rewriter.run(Window(data, base, 0, len(data)), spans)

    def text(self, chunks: Iterable[bytes], base: int = 0) -> Iterator[bytes]:
        for window in windows(chunks):
            moved = replace(window, base=base + window.base)
            hidden = self.rewriter.hidden - moved.base
            yield from self.rewriter.run(moved, self.scanner.spans(window.data, since=window.since, hidden=hidden))
