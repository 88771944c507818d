"""From the API to the disk: every piece streamed, hashed on the way, and whole, or declared cut, or a Gap.

What a run that was killed has left is never lost: a file that it finished is kept when it cannot be taken again, and
the part of a file that it was writing becomes a truncated artifact.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain, count
from pathlib import Path
from threading import Event
from typing import Any

from irkit import digest
from irkit.cluster.protocol import Json, Reply, Stream
from irkit.collect import gaps
from irkit.collect.budget import Budget
from irkit.collect.piece import Found, Piece
from irkit.errors import DeadlineExceeded
from irkit.model import codec
from irkit.model.evidence import Artifact, Call
from irkit.times import Clock, now

Proof = Callable[[bytes], None]
Opener = Callable[[], AbstractContextManager[Stream]]


@dataclass(frozen=True, slots=True)
class Answer:
    """Bytes on their way to the disk, the first of them here already, and the call that brings them."""

    chunks: Iterable[bytes]
    call: Callable[[], Call | None]  # final once all have come, or stopped coming; None: irkit computed them


Ask = Callable[[], AbstractContextManager[Answer]]


@dataclass(frozen=True, slots=True)
class Folder:
    """The bundle's staged data/ folder, as one capture fills it. Threads may share it."""

    root: Path
    limit: int | None = None  # bytes of one artifact; None: no cap
    budget: Budget = field(default_factory=Budget)
    within: str = ""  # the folder below `root` that the pieces stand in, "pods/web-0/"; "": `root` itself
    held: Mapping[str, Artifact] = field(default_factory=dict)  # by path: verified, and not taken again if whole
    clock: Clock = now
    closed: Event = field(default_factory=Event)  # set: the capture is over, nothing more is written

    def path(self, piece: Piece) -> Path:
        """Where a piece stands on the disk."""
        return Path(f"{self.root}/{self.within}{piece.path}")

    def document(self, piece: Piece, fetch: Callable[[], Reply]) -> Iterator[Found]:
        """Take one answer, kept as it came."""
        return self.take(piece, lambda: _document(fetch))

    def stream(self, piece: Piece, opener: Opener, *, proof: Proof) -> Iterator[Found]:
        """Take an answer of any length; when it is cut, the part that came is kept.

        `proof` is shown its first bytes before the disk is touched; what it raises refuses them.
        """
        return self.take(piece, lambda: _stream(opener, proof))

    def compute(self, piece: Piece, noun: Callable[[], Any]) -> Iterator[Found]:
        """Write what irkit has worked out from other pieces, as JSON."""
        return self.take(piece, lambda: nullcontext(Answer((codec.pretty(noun()),), lambda: None)))

    def pages(self, piece: Piece, fetch: Callable[[], Iterator[Reply]]) -> Iterator[Found]:
        """Take a list: each page as it came, `name.json`, `name.page-2.json` and so on."""
        if whole := self._held_pages(piece):
            yield from whole
            return
        fresh, restarted = replace(self, held={}), False
        try:
            for number, reply in enumerate(fetch(), 1):
                yield from fresh.document(_page(piece, number), partial(_same, reply))
                restarted |= not reply.consistent
        except Exception as error:
            yield gaps.gap(piece, error)
        if restarted:
            yield gaps.gap(piece, gaps.Unfit("the list changed while it was read: its pages are not one snapshot"))

    def items(self, piece: Piece) -> Iterator[Json]:
        """The objects of a list that `pages` has taken, from all its pages on the disk."""
        for number in count(1):
            page = self.json(_page(piece, number))
            if page is None:
                return
            yield from (item for item in page.get("items") or () if isinstance(item, dict))
            if not _goes_on(page):
                return

    def json(self, piece: Piece) -> Json | None:
        """A piece that is there, parsed; None where it is not. Raises `gaps.Unfit` where it is not a JSON object."""
        try:
            parsed = codec.parsed(self.path(piece).read_bytes())
        except FileNotFoundError:
            return None
        except (ValueError, RecursionError):
            parsed = None
        if not isinstance(parsed, dict):
            raise gaps.Unfit(f"{piece.path} is not a JSON object")
        return parsed

    def take(self, piece: Piece, ask: Ask) -> Iterator[Found]:
        """The piece as an Artifact, or the Gap it leaves, or both: a part and what became of the rest."""
        held = self._held(piece)
        if held and not held.truncated:
            yield held
            return
        answer = None
        try:
            self.budget.spend(0, self.root)
            with ask() as answer:
                measured = digest.write(self._while_open(answer.chunks), self.path(piece), limit=self.limit)
        except Exception as error:
            kept = self._kept(piece, answer.call() if answer else None)
            yield from (kept,) if kept else ()
            yield gaps.gap(piece, error, kept=kept.size if kept else 0)
            return
        yield self._artifact(piece, measured, answer.call())
        if measured.truncated:
            yield gaps.capped(piece, measured.size)

    def _while_open(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        left = math.inf if self.limit is None else self.limit
        for chunk in chain(chunks, (b"",)):  # the last look comes before the file gets its name
            if self.closed.is_set():
                raise DeadlineExceeded("the capture was over before the answer was")
            self.budget.spend(int(min(len(chunk), left)), self.root)
            left -= min(len(chunk), left)
            yield chunk

    def _held(self, piece: Piece) -> Artifact | None:
        return self.held.get(self.within + piece.path)

    def _artifact(self, piece: Piece, measured: digest.Digest, call: Call | None) -> Artifact:
        sha256, size, cut = measured.sha256, measured.size, measured.truncated
        where = self.within + piece.path
        return Artifact(where, piece.collector, sha256, size, self.clock(), call, cut, piece.about)

    def _kept(self, piece: Piece, call: Call | None) -> Artifact | None:
        """What stands on the disk although the piece could not be taken; None where nothing does, or the disk fails."""
        try:
            return self._rescue(piece, call)
        except OSError:
            return None

    def _rescue(self, piece: Piece, call: Call | None) -> Artifact | None:
        whole = self.path(piece)
        part = whole.with_name(whole.name + ".part")
        begun, finished = _size(part), _size(whole)
        if begun > max(finished, 0):
            part.replace(whole)
            return self._artifact(piece, replace(digest.of_file(whole), truncated=True), call)
        if begun >= 0:
            part.unlink(missing_ok=True)
        if finished < 0:
            return None
        return self._held(piece) or self._artifact(piece, digest.of_file(whole), None)

    def _held_pages(self, piece: Piece) -> list[Artifact]:
        """The pages of a list held from its first to its last; none where one is missing: a list is one snapshot."""
        found: list[Artifact] = []
        for number in count(1):
            page = _page(piece, number)
            held = self._held(page)
            if held is None:
                return []
            found.append(held)
            if not _goes_on(self.json(page) or {}):
                return found
        return []


def _same(reply: Reply) -> Reply:
    return reply


@contextmanager
def _document(fetch: Callable[[], Reply]) -> Iterator[Answer]:
    reply = fetch()
    reply.json()  # raises for the page of a proxy, which is no evidence
    yield Answer((reply.body,), lambda: reply.call)


@contextmanager
def _stream(opener: Opener, proof: Proof) -> Iterator[Answer]:
    with opener() as stream:
        body = iter(stream)
        first = next(body, b"")
        proof(first)
        yield Answer(chain([first], body), lambda: stream.call)


def _page(piece: Piece, number: int) -> Piece:
    stem = piece.path.removesuffix(".json")
    return piece if number == 1 else replace(piece, path=f"{stem}.page-{number}.json")


def _goes_on(page: Json) -> bool:
    return bool((page.get("metadata") or {}).get("continue"))


def _size(path: Path) -> int:
    """In bytes; -1 where there is no such file."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return -1
