"""JSON with the place of every value, so that one can be replaced and no other byte changes.

Duplicate keys are all kept: what one reader takes for the value, another overlooks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from irkit.bundle.redact.detect.escapes import undone

DEEPEST = 64
_LEXEME = re.compile(
    rb'[ \t\r\n]*+(?:([{}\[\],:])|"((?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+)"'
    rb"|(-?[0-9][0-9.eE+-]*+|true|false|null))"
)
_SPACE = re.compile(rb"[ \t\r\n\x00]*+\Z")


class Unreadable(ValueError):
    """Not JSON, or too deep."""


@dataclass(frozen=True, slots=True)
class Text:
    """A string: `raw` stands at `start`, without its quotes and with its escapes."""

    start: int
    raw: bytes

    @property
    def end(self) -> int:
        """Where its closing quote stands."""
        return self.start + len(self.raw)

    @property
    def value(self) -> bytes:
        """The string in UTF-8."""
        return undone(self.raw) if b"\\" in self.raw else self.raw


@dataclass(frozen=True, slots=True)
class Bare:
    """A number, true, false or null."""

    start: int
    raw: bytes


class Table:
    """An object: its `members` in the order they were written."""

    __slots__ = ("_last", "members")

    def __init__(self, members: list[tuple[Text, Node]]) -> None:
        self.members = members
        self._last = {name.value: node for name, node in members}

    def get(self, key: bytes) -> Node | None:
        """The last value under `key`; None where there is none."""
        return self._last.get(key)

    def text(self, key: bytes) -> bytes:
        """The string under `key`; empty where there is none."""
        node = self._last.get(key)
        return node.value if isinstance(node, Text) else b""


@dataclass(frozen=True, slots=True)
class Row:
    """An array."""

    items: list[Node]


Node = Text | Bare | Table | Row


def parse(data: bytes) -> Node:
    """The JSON document in `data`; raises Unreadable for anything else."""
    reader = _Reader(data)
    node = reader.node(reader.take(), 0)
    if not _SPACE.match(data, reader.at):
        raise Unreadable
    return node


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data, self.at = data, 0

    def take(self) -> re.Match[bytes]:
        hit = _LEXEME.match(self._data, self.at)
        if not hit:
            raise Unreadable
        self.at = hit.end()
        return hit

    def node(self, hit: re.Match[bytes], depth: int) -> Node:
        mark, text, bare = hit.groups()
        if text is not None:
            return Text(hit.start(2), text)
        if bare is not None:
            return Bare(hit.start(3), bare)
        if depth > DEEPEST:
            raise Unreadable
        if mark == b"{":
            return Table(list(self._members(depth)))
        if mark == b"[":
            return Row(list(self._items(depth)))
        raise Unreadable

    def _members(self, depth: int) -> Iterator[tuple[Text, Node]]:
        hit = self.take()
        if hit[1] == b"}":
            return
        while True:
            key = self.node(hit, depth)
            if not isinstance(key, Text) or self.take()[1] != b":":
                raise Unreadable
            yield key, self.node(self.take(), depth + 1)
            if self._closed(b"}"):
                return
            hit = self.take()

    def _items(self, depth: int) -> Iterator[Node]:
        hit = self.take()
        if hit[1] == b"]":
            return
        while True:
            yield self.node(hit, depth + 1)
            if self._closed(b"]"):
                return
            hit = self.take()

    def _closed(self, bracket: bytes) -> bool:
        mark = self.take()[1]
        if mark not in (bracket, b","):
            raise Unreadable
        return mark == bracket
