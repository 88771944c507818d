"""`if:` as a tree: a small part of CEL (github.com/google/cel-spec), its types checked when the file is loaded.

either  = both {"||" both}      both = not {"&&" not}      not = "!" not | test
test    = value [("==" | "!=" | "<" | "<=" | ">" | ">=" | "in") value]
value   = "text" | 'text' | number | true | false | "[" [value {"," value}] "]" | "(" either ")" | "size" "(" value ")"
        | name {"." name} ["." ("startsWith" | "endsWith" | "contains") "(" value ")"]

cel-python would bring six packages and finds a wrong type only when the expression is reached, at 03:00. What is
written here means the same in CEL, but for the hyphen that a step's id may have. Nothing is called, read or matched by
pattern, so no value can make it slow.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass

MAX_CHARS = 1000
_DEPTH = 20
_TOKEN = re.compile(
    r"""\s*(?: (?P<text> '(?:[^'\\\n]|\\['"\\nt])*' | "(?:[^"\\\n]|\\['"\\nt])*" )
             | (?P<number> -?\d{1,15}(?:\.\d{1,15})?(?![\w.]) )
             | (?P<word> [A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)* )
             | (?P<op> \|\| | && | == | != | <= | >= | [!<>()\[\],] ) )""",
    re.VERBOSE | re.ASCII,
)
COMPARING = ("==", "!=", "<", "<=", ">", ">=", "in")
METHODS = ("startsWith", "endsWith", "contains")
Scalar = str | float | bool


class BadCondition(ValueError):
    """It is not a condition, or its types do not fit."""


@dataclass(frozen=True, slots=True)
class Value:
    """A literal."""

    value: Scalar


@dataclass(frozen=True, slots=True)
class Items:
    """A list as it is written."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Name:
    """What is known under a dotted name: inputs.pod, steps.gate.status, run.trigger, effects.next, target.node."""

    path: str


@dataclass(frozen=True, slots=True)
class Call:
    """An operator or a function and what it is applied to."""

    op: str
    parts: tuple[Node, ...]


Node = Value | Items | Name | Call
_Token = tuple[str, str]


def parse(text: str) -> Node:
    """The tree of a condition; raises BadCondition with the place where it stops making sense."""
    if len(text) > MAX_CHARS:
        raise BadCondition(f"longer than {MAX_CHARS} characters")
    reader = _Reader(_tokens(text))
    tree = reader.either()
    reader.end()
    return tree


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    at = 0
    while text[at:].strip():
        found = _TOKEN.match(text, at)
        if not found or found.lastgroup is None:
            raise BadCondition(f"not a condition from here on: {text[at : at + 30].strip()}")
        tokens.append((found.lastgroup, found[found.lastgroup]))
        at = found.end()
    return tokens


class _Reader:
    """Recursive descent over the tokens."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens, self._depth = tokens[::-1], 0

    def end(self) -> None:
        if self._tokens:
            raise BadCondition(f"it goes on where it should end: {self._tokens[-1][1]}")

    def either(self) -> Node:
        return self._joined("||", lambda: self._joined("&&", self._one))

    def _joined(self, op: str, inner: Callable[[], Node]) -> Node:
        parts = [inner()]
        while self._take("op", op):
            parts.append(inner())
        return Call(op, tuple(parts)) if parts[1:] else parts[0]

    def _one(self) -> Node:
        if not self._take("op", "!"):
            return self._test()
        with _Deeper(self):
            return Call("!", (self._one(),))

    def _test(self) -> Node:
        left = self._value()
        for op in COMPARING:
            if self._take("word" if op == "in" else "op", op):
                return Call(op, (left, self._value()))
        return left

    def _value(self) -> Node:
        if not self._tokens:
            raise BadCondition("it ends where a value should stand")
        kind, text = self._tokens.pop()
        match kind:
            case "text":
                return Value(str(ast.literal_eval(text)))
            case "number":
                return Value(float(text))
            case "word":
                return self._word(text)
        with _Deeper(self):
            if text == "[":
                return Items(self._list("]"))
            if text == "(":
                inner = self.either()
                self._expect(")")
                return inner
        raise BadCondition(f"a value should stand in place of {text}")

    def _word(self, word: str) -> Node:
        if word in ("true", "false"):
            return Value(word == "true")
        if not self._take("op", "("):
            return Name(word)
        subject, _, method = word.rpartition(".")
        with _Deeper(self):
            arguments = self._list(")")
        if len(arguments) == 1 and word == "size":
            return Call("size", arguments)
        if len(arguments) == 1 and subject and method in METHODS:
            return Call(method, (Name(subject), *arguments))
        raise BadCondition(f"no such function: {word}; there are size(x) and x.{', x.'.join(METHODS)}, of one argument")

    def _list(self, close: str) -> tuple[Node, ...]:
        items: list[Node] = []
        while not self._take("op", close):
            if items:
                self._expect(",")
            items.append(self.either())
        return tuple(items)

    def _take(self, kind: str, text: str) -> bool:
        if self._tokens and self._tokens[-1] == (kind, text):
            self._tokens.pop()
            return True
        return False

    def _expect(self, text: str) -> None:
        if not self._take("op", text):
            raise BadCondition(f"{text} is missing" + (f" before {self._tokens[-1][1]}" if self._tokens else ""))


class _Deeper:
    """One level of nesting, of which there is an end: recursion must not run into Python's."""

    def __init__(self, reader: _Reader) -> None:
        self._reader = reader

    def __enter__(self) -> None:
        self._reader._depth += 1
        if self._reader._depth > _DEPTH:
            raise BadCondition(f"nested deeper than {_DEPTH} levels")

    def __exit__(self, *_: object) -> None:
        self._reader._depth -= 1
