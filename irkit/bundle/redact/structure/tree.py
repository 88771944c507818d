"""JSON with the place of every value, so that one can be replaced and no other byte changes.

Duplicate keys are all kept: what one reader takes for the value, another overlooks.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from irkit.bundle.redact.detect.escapes import undone

DEEPEST = 64
_SPACE = rb"[ \t\r\n]*+"
_TEXT = rb"\"((?:[^\"\\\x00-\x1f]++|\\(?:[\"\\/bfnrt]|u[0-9a-fA-F]{4}))*+)\""
# A string, a number or a word, or what begins an object or an array; one match for each costs half of one a lexeme.
_VALUE = _SPACE + rb"(?:" + _TEXT + rb"|(-?[0-9][0-9.eE+-]*+|true|false|null)|([{\[]))" + _SPACE
_ITEM = re.compile(_VALUE)
_MEMBER = re.compile(_SPACE + _TEXT + _SPACE + rb":" + _VALUE)
_SPACES = re.compile(_SPACE)
_END = re.compile(rb"[ \t\r\n\x00]*+\Z")

T = TypeVar("T")


class Unreadable(ValueError):
    """Not JSON, or too deep."""


class Text(NamedTuple):
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


class Bare(NamedTuple):
    """A number, true, false or null."""

    start: int
    raw: bytes


class Table:
    """An object: its `members` in the order they were written."""

    __slots__ = ("_last", "members")

    def __init__(self, members: list[tuple[bytes, Node]]) -> None:
        self.members = members  # names without their escapes
        self._last = dict(members)

    def get(self, key: bytes) -> Node | None:
        """The last value under `key`; None where there is none."""
        return self._last.get(key)

    def text(self, key: bytes) -> bytes:
        """The string under `key`; empty where there is none."""
        node = self._last.get(key)
        return node.value if isinstance(node, Text) else b""


class Row:
    """An array."""

    __slots__ = ("items",)

    def __init__(self, items: list[Node]) -> None:
        self.items = items


Node = Text | Bare | Table | Row


def parse(data: bytes) -> Node:
    """The JSON document in `data`; raises Unreadable for anything else."""
    reader = _Reader(data)
    node = reader.item(0)
    if not _END.match(data, reader.at):
        raise Unreadable
    return node


class _Reader:
    """`at` is where the next value, comma or bracket stands; a depth is that of what is read next."""

    def __init__(self, data: bytes) -> None:
        self._data, self.at = data, 0

    def item(self, depth: int) -> Node:
        return self._node(self._next(_ITEM), 1, depth)

    def _member(self, depth: int) -> tuple[bytes, Node]:
        hit = self._next(_MEMBER)
        return undone(hit[1]), self._node(hit, 2, depth)

    def _next(self, shape: re.Pattern[bytes]) -> re.Match[bytes]:
        hit = shape.match(self._data, self.at)
        if not hit:
            raise Unreadable
        self.at = hit.end()
        return hit

    def _node(self, hit: re.Match[bytes], text: int, depth: int) -> Node:
        """What `hit` has found in its group `text`, or in one of the two after it."""
        match hit.lastindex:
            case index if index == text:
                return Text(hit.start(text), hit[text])
            case index if index == text + 1:
                return Bare(hit.start(text + 1), hit[text + 1])
        if depth > DEEPEST:
            raise Unreadable
        if hit[text + 2] == b"{":
            return Table(self._all(self._member, b"}", depth))
        return Row(self._all(self.item, b"]", depth))

    def _all(self, read: Callable[[int], T], bracket: bytes, depth: int) -> list[T]:
        """All that `read` finds up to the closing `bracket`."""
        found: list[T] = []
        if self._data[self.at : self.at + 1] != bracket:
            found.append(read(depth + 1))
        while not self._closed(bracket):
            found.append(read(depth + 1))
        return found

    def _closed(self, bracket: bytes) -> bool:
        mark = self._data[self.at : self.at + 1]
        if mark == bracket:
            space = _SPACES.match(self._data, self.at + 1)
            self.at = space.end() if space else self.at + 1
            return True
        if mark != b",":
            raise Unreadable
        self.at += 1
        return False
