"""Every secret in one JSON document, at any depth, in documents within its strings too."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from irkit.bundle.redact.detect import words
from irkit.bundle.redact.detect.scanner import Hits, Scanner
from irkit.bundle.redact.detect.span import Span
from irkit.bundle.redact.structure import kubernetes
from irkit.bundle.redact.structure.markers import calls
from irkit.bundle.redact.structure.tree import Bare, Node, Row, Table, Text, Unreadable, parse
from irkit.bundle.redact.structure.within import outward
from irkit.bundle.redact.tokens import TOKENS, inside

_DEEPEST = 3  # documents within strings of documents


class _Place(NamedTuple):
    above: _Place | None = None
    step: bytes = b""
    key: bytes = b""  # the nearest name: an item of an array has that of the array
    secret: bool = False  # in a Secret, or in an audit event about one
    depth: int = 0  # documents around it

    @property
    def pointer(self) -> str:
        """Where it is, as a JSON pointer."""
        if self.above is None:
            return ""
        step = self.step.decode("utf-8", "replace").replace("~", "~0").replace("/", "~1")
        return f"{self.above.pointer}/{step}"


def spans(data: bytes, scanner: Scanner) -> list[Span]:
    """What to hide in the document `data`, by place; raises Unreadable for what is no JSON."""
    hits = scanner.hits(data)
    if not hits and not calls(data):
        return []
    search = _Search(scanner, hits)
    search.visit(parse(data), _Place())
    found = search.found + scanner.spans(data, hits=hits, document=True)
    return sorted(found, key=lambda span: (span.start, -span.end))


class _Search:
    """One document read through; `found` is what there is to hide, in the order in which it was come across."""

    def __init__(self, scanner: Scanner, hits: Hits) -> None:
        self._scanner, self._ends = scanner, hits.ends()
        self.found: list[Span] = []

    def visit(self, node: Node, place: _Place) -> None:
        """Look into `node`, which stands at `place`."""
        match node:
            case Table():
                self._table(node, place)
            case Row():
                self._row(node, place)
            case Text():
                self._text(node, place)
            case Bare():
                pass

    def _table(self, table: Table, place: _Place) -> None:
        secret = place.secret or kubernetes.holds_secrets(table)
        if secret:
            self._hide(kubernetes.data(table), place)
        for key, text, start in kubernetes.called(table):
            self._argument(text, start, "argument", _Place(place, key, key, secret, place.depth))
        env = place.key == b"env" or b"/env/" in table.text(b"path")
        for key, node in table.members:
            own = kubernetes.member(table, key, node, env=env)
            if not own and self._nothing_in(node):
                continue
            inner = _Place(place, key, key, secret, place.depth)
            self._hide(own, inner)
            if not (own and isinstance(node, Text)):
                self.visit(node, inner)

    def _row(self, row: Row, place: _Place) -> None:
        if place.key in kubernetes.COMMANDS:
            for text, start, rule in kubernetes.arguments(row):
                self._argument(text, start, rule, place)
        for number, node in enumerate(row.items):
            if not self._nothing_in(node):
                self.visit(node, _Place(place, b"%d" % number, place.key, place.secret, place.depth))

    def _argument(self, text: Text, start: int, rule: str, place: _Place) -> None:
        value = text.value[start:]
        if not words.trivial(value) and not TOKENS.fullmatch(value) and not inside(text.value, start):
            self._within(text, [Span(start, len(text.value), rule)], place)

    def _nothing_in(self, node: Node) -> bool:
        """Whether it is sure of a value by itself: whatever is hidden in a text as it stands is hit in the whole too.

        A text with escapes is another once they are undone, and only such a text can hold a document with texts.
        """
        if isinstance(node, Text):
            at = bisect_right(self._ends, node.start)
            return b"\\" not in node.raw and (at == len(self._ends) or self._ends[at] > node.end)
        return isinstance(node, Bare)

    def _text(self, text: Text, place: _Place) -> None:
        value = text.value
        if len(value) < 6:
            return
        if value[:1] in b"{[" and value[-1:] in b"}]\n" and place.depth < _DEEPEST:
            try:
                whole = parse(value)
            except Unreadable:
                pass  # then it is a text as any other
            else:
                inner = _Search(self._scanner, self._scanner.hits(value))
                inner.visit(whole, place._replace(depth=place.depth + 1))
                self.found += outward(text, inner.found)
                return
        self._within(text, self._scanner.spans(value), place)

    def _within(self, text: Text, inner: list[Span], place: _Place) -> None:
        if inner:
            self.found += (replace(span, pointer=place.pointer) for span in outward(text, inner))

    def _hide(self, secrets: Iterable[kubernetes.Secret], place: _Place) -> None:
        for node, rule, secret in secrets:
            if not TOKENS.fullmatch(secret):
                quote = b'"' if isinstance(node, Bare) else b""
                end = node.start + len(node.raw)
                self.found.append(Span(node.start, end, rule, secret, quote=quote, pointer=place.pointer))
