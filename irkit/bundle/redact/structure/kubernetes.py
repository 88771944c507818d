"""What the structure of Kubernetes' objects, audit events and patches says is a secret."""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error
from collections.abc import Iterator
from functools import lru_cache

from irkit.bundle.redact.detect import programs, words
from irkit.bundle.redact.structure.tree import Bare, Node, Row, Table, Text

Secret = tuple[Text | Bare, str, bytes]  # where, by which rule, and what it is once decoded
Part = tuple[Text, int, str]  # a string, from which of its decoded bytes on, and by which rule

COMMANDS = (b"command", b"args")
_SECRET_TYPES = re.compile(rb"Opaque|(?:kubernetes\.io|bootstrap\.kubernetes\.io|helm\.sh|istio\.io)/.*")
_VALUES = (b"value", b"Value", b"values")
_NAMES = (b"name", b"key", b"header", b"Name", b"Key")
_ADDRESSES = re.compile("(?i)sha|commit|digest|revision|hash|uid|uuid|version|tag|image|_id$")
_NUMBER = re.compile(rb"[0-9]{4,}")
_FLAG = re.compile(rb"-{1,2}([A-Za-z][A-Za-z0-9_.-]*)(=?)")
_VARIABLE = re.compile(rb"([A-Za-z_][A-Za-z0-9_.]*)(=)")
_USER = re.compile(rb"(?:-u|--user|--proxy-user)\Z")  # of whatever program


def holds_secrets(table: Table) -> bool:
    """Whether `table` is a Secret, a list of them, or an audit event about one."""
    if table.text(b"kind") in (b"Secret", b"SecretList"):
        return True
    about = table.get(b"objectRef")
    if isinstance(about, Table) and about.text(b"resource") == b"secrets":
        return True
    return isinstance(table.get(b"data"), Table) and bool(_SECRET_TYPES.fullmatch(table.text(b"type")))


def data(table: Table) -> Iterator[Secret]:
    """Every value of a Secret's `data` and `stringData`, and of a JSON patch to them."""
    for key, node in table.members:
        if key in (b"data", b"stringData"):
            yield from whole(node, "secret-data", encoded=key == b"data")
        if key == b"value" and table.text(b"path").startswith((b"/data", b"/stringData")):
            yield from whole(node, "secret-data", encoded=table.text(b"path").startswith(b"/data"))


def whole(node: Node, rule: str, *, encoded: bool = False) -> Iterator[Secret]:
    """Every string in `node`, and every number that could be a secret; `encoded`: in base64."""
    if isinstance(node, Text):
        if not words.trivial(node.value):
            yield node, rule, from_base64(node.value) if encoded else node.value
    elif isinstance(node, Bare):
        if _NUMBER.fullmatch(node.raw):
            yield node, rule, node.raw
    else:
        inner = node.items if isinstance(node, Row) else [one for _, one in node.members]
        for one in inner:
            yield from whole(one, rule, encoded=encoded)


def from_base64(value: bytes) -> bytes:
    """What `value` decodes to; itself when it is no base64."""
    try:
        return b64decode(value, validate=True) or value
    except Error:
        return value


def member(table: Table, key: bytes, node: Node, *, env: bool) -> list[Secret]:
    """The value under `key` of `table` when its name, or the name beside it, is a secret's."""
    if key in _VALUES:
        return _named_beside(table, node, env=env)
    if not _names_secret(key):
        return []
    structured = isinstance(node, Table) or (isinstance(node, Row) and _has_tables(node))
    return [] if structured else _unless_prose(node, "key", key.decode("utf-8", "replace"))


@lru_cache(4096)
def _names_secret(key: bytes) -> bool:
    return words.names_secret(key.decode("utf-8", "replace"))


def _named_beside(table: Table, node: Node, *, env: bool) -> list[Secret]:
    name = next((found for label in _NAMES if (found := table.text(label).decode("utf-8", "replace"))), "")
    if words.names_secret(name or table.text(b"path").decode("utf-8", "replace")):
        return _unless_prose(node, "env" if env else "pair", name)
    if env and isinstance(node, Text) and words.random_looking(node.value) and not _ADDRESSES.search(name):
        return [(node, "env-random", node.value)]
    return []


def _has_tables(row: Row) -> bool:
    return any(isinstance(item, Table) for item in row.items)


def _unless_prose(node: Node, rule: str, name: str) -> list[Secret]:
    return [found for found in whole(node, rule) if not words.prose(found[2]) and not words.harmless(name, found[2])]


def arguments(row: Row) -> Iterator[Part]:
    """The secrets in a command line, by flag or variable: `--token=x`, `--token x`, `TOKEN=x`, `-u user:x`."""
    before = b""
    for item in row.items:
        value = item.value if isinstance(item, Text) else b""
        if isinstance(item, Text):
            yield from _argument(item, value, before)
        before = value


def called(table: Table) -> Iterator[tuple[bytes, Text, int]]:
    """The secrets that a container's program is given in a way of its own: in which list, where, from which byte on."""
    image = table.text(b"image").rpartition(b"/")[2]
    said = [
        (key, item)
        for wanted in COMMANDS
        for key, node in table.members
        if key == wanted and isinstance(node, Row)
        for item in node.items
        if isinstance(item, Text)
    ]
    for number, start in programs.listed([re.split(b"[:@]", image)[0], *(item.value for _, item in said)]):
        yield *said[number - 1], start


def _argument(item: Text, value: bytes, before: bytes) -> Iterator[Part]:
    hit = _FLAG.match(value) or _VARIABLE.match(value)
    named = _FLAG.fullmatch(before)
    if hit and hit[2] and words.names_secret(hit[1].decode()):
        if not words.harmless(hit[1].decode(), value[hit.end() :]):
            yield item, hit.end(), "argument"
    elif named and not named[2] and words.names_secret(named[1].decode()) and not _FLAG.match(value):
        if not words.harmless(named[1].decode(), value):
            yield item, 0, "argument"
    elif _USER.fullmatch(before) and b":" in value:
        yield item, value.index(b":") + 1, "argument"
