"""Every secret in one JSON document, at any depth, in documents within its strings too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from irkit.bundle.redact.detect import words
from irkit.bundle.redact.detect.scanner import Scanner
from irkit.bundle.redact.detect.span import Span
from irkit.bundle.redact.structure import kubernetes
from irkit.bundle.redact.structure.markers import calls
from irkit.bundle.redact.structure.tree import Bare, Node, Row, Table, Text, Unreadable, parse
from irkit.bundle.redact.structure.within import outward
from irkit.bundle.redact.tokens import TOKENS

_DEEPEST = 3  # documents within strings of documents
_COMMANDS = (b"args", b"command")


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
    if not calls(data) and not scanner.calls(data):
        return []
    found = list(_visit(parse(data), _Place(), scanner))
    found += scanner.spans(data, document=True)
    return sorted(found, key=lambda span: (span.start, -span.end))


def _visit(node: Node, place: _Place, scanner: Scanner) -> Iterator[Span]:
    match node:
        case Table():
            yield from _table(node, place, scanner)
        case Row():
            yield from _row(node, place, scanner)
        case Text():
            yield from _text(node, place, scanner)
        case Bare():
            pass


def _table(table: Table, place: _Place, scanner: Scanner) -> Iterator[Span]:
    secret = place.secret or kubernetes.holds_secrets(table)
    if secret:
        yield from _found(kubernetes.data(table), place)
    env = place.key == b"env" or b"/env/" in table.text(b"path")
    for key, node in table.members:
        inner = _Place(place, key.value, key.value, secret, place.depth)
        own = list(kubernetes.member(table, key.value.decode("utf-8", "replace"), node, env=env))
        yield from _found(own, inner)
        if not (own and isinstance(node, Text)):
            yield from _visit(node, inner, scanner)


def _row(row: Row, place: _Place, scanner: Scanner) -> Iterator[Span]:
    if place.key in _COMMANDS:
        for text, start, rule in kubernetes.arguments(row):
            if not words.trivial(text.value[start:]) and not TOKENS.fullmatch(text.value[start:]):
                yield from _within(text, [Span(start, len(text.value), rule)], place)
    for number, node in enumerate(row.items):
        yield from _visit(node, _Place(place, b"%d" % number, place.key, place.secret, place.depth), scanner)


def _text(text: Text, place: _Place, scanner: Scanner) -> Iterator[Span]:
    value = text.value
    if len(value) < 6:
        return
    if value[:1] in b"{[" and value[-1:] in b"}]\n" and place.depth < _DEEPEST:
        try:
            inner = _visit(parse(value), place._replace(depth=place.depth + 1), scanner)
            yield from outward(text, list(inner))
        except Unreadable:
            pass  # then it is a text as any other
        else:
            return
    yield from _within(text, scanner.spans(value), place)


def _within(text: Text, inner: list[Span], place: _Place) -> Iterator[Span]:
    return (replace(span, pointer=place.pointer) for span in outward(text, inner)) if inner else iter(())


def _found(secrets: Iterator[kubernetes.Secret] | list[kubernetes.Secret], place: _Place) -> Iterator[Span]:
    for node, rule, secret in secrets:
        if not TOKENS.fullmatch(secret):
            quote = b'"' if isinstance(node, Bare) else b""
            end = node.start + len(node.raw)
            yield Span(node.start, end, rule, secret, quote=quote, pointer=place.pointer)
