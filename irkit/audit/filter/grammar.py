"""Text to a tree of tests.

filter  = and {"or" and}        and  = not {"and" not}        not = "not" not | "(" filter ")" | test
test    = field op value | field ["not"] "in" "(" value {"," value} ")" | field
op      = "=" | "!=" | "~" | "!~" | "<" | "<=" | ">" | ">=" | "contains" | "startswith" | "endswith"
          as other languages say it: == =~ && || ! and the words in capitals
field   = a short name (verb, user, ...) or the path of a field (requestObject.spec.hostNetwork,
          annotations["authorization.k8s.io/decision"]); a list on the way stands for any of its items, written
          as such (containers[].image, containers[*].image) or not
value   = word | "quoted" | 'quoted', where a backslash is one, unless before a quote or another backslash
"""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from irkit.audit.read.event import instant
from irkit.errors import UsageError
from irkit.pattern import BadPattern, finder

SHORT = {
    "user": "user.username",
    "group": "user.groups",
    "as": "impersonatedUser.username",
    "resource": "objectRef.resource",
    "subresource": "objectRef.subresource",
    "namespace": "objectRef.namespace",
    "name": "objectRef.name",
    "uid": "objectRef.uid",
    "code": "responseStatus.code",
    "ip": "sourceIPs",
    "agent": "userAgent",
    "uri": "requestURI",
    "id": "auditID",
    "at": "requestReceivedTimestamp",
    "time": "requestReceivedTimestamp",
    "decision": 'annotations["authorization.k8s.io/decision"]',
}
HINT = 'as in: verb in (create, get) and subresource = exec and not user ~ "^system:"'
_DEPTH = 50

_TOKEN = re.compile(
    r"""\s*(?: (?P<op> != | !~ | <= | >= | == | =~ | [=~<>(),!] )
             | (?P<text> "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' )
             | (?P<word> (?: [^\s()=!<>~,"'\[\]]+ | \["[^"]*"\] | \['[^']*'\] | \[\*?\] )+ ) )""",
    re.VERBOSE | re.DOTALL,
)
_SAME = {"==": "=", "=~": "~"}
_WORDS = {"and": ("and", "&&"), "or": ("or", "||"), "not": ("not", "!")}
_TEXTUAL = {"contains": "%s", "startswith": "^%s", "endswith": "%s$"}  # as patterns
_ESCAPE = re.compile(r"""\\(["'\\])""")
NUMBER = re.compile(r"-?[0-9]{1,18}")
_STEP = re.compile(r"""\[\*?\] | \[(["'])(.*?)\1\] | ([^.\[\]]+)""", re.VERBOSE)


class Test(msgspec.Struct, frozen=True, tag=True):
    """One comparison; without values: whether the field is there at all. `op` may be "cidr" too, which has no sign."""

    path: tuple[str, ...]
    op: str = ""
    values: tuple[str, ...] = ()


class Not(msgspec.Struct, frozen=True, tag=True):
    """The opposite."""

    inner: Filter


class All(msgspec.Struct, frozen=True, tag=True):
    """Every part."""

    parts: tuple[Filter, ...]


class Any(msgspec.Struct, frozen=True, tag=True):
    """At least one part."""

    parts: tuple[Filter, ...]


Filter = Test | Not | All | Any
Token = tuple[str, str]  # kind ("op", "text", "word") and text


def parse(text: str) -> Filter:
    """The tree of a filter; raises UsageError with the place where it stops making sense."""
    reader = _Reader(_tokens(text))
    tree = reader.either()
    reader.expect_end()
    return tree


def _tokens(text: str) -> list[Token]:
    tokens: list[Token] = []
    at = 0
    while text[at:].strip():
        found = _TOKEN.match(text, at)
        if not found or found.lastgroup is None:
            raise UsageError(f"cannot read the filter at: {text[at : at + 30].strip()}", HINT)
        content = found[found.lastgroup]
        content = _ESCAPE.sub(r"\1", content[1:-1]) if found.lastgroup == "text" else _SAME.get(content, content)
        tokens.append((found.lastgroup, content))
        at = found.end()
    return tokens


class _Reader:
    """Recursive descent over the tokens."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens, self._depth = tokens[::-1], 0

    def either(self) -> Filter:
        return self._joined("or", Any, lambda: self._joined("and", All, self._one))

    def expect_end(self) -> None:
        if self._tokens:
            raise UsageError(f"the filter goes on where it should end: {self._tokens[-1][1]}", HINT)

    def _joined(self, word: str, kind: type[All] | type[Any], inner: Callable[[], Filter]) -> Filter:
        parts = [inner()]
        while self._says(word):
            parts.append(inner())
        return kind(tuple(parts)) if len(parts) > 1 else parts[0]

    def _one(self) -> Filter:
        self._depth += 1
        if self._depth > _DEPTH:
            raise UsageError("the filter nests too deep")
        try:
            return self._not_or_group()
        finally:
            self._depth -= 1

    def _not_or_group(self) -> Filter:
        if self._says("not"):
            return Not(self._one())
        if self._take("("):
            inner = self.either()
            self._require(")")
            return inner
        return self._test()

    def _test(self) -> Filter:
        path = _path(self._next("word", "a field"))
        if self._says("in"):
            return Test(path, "=", self._several())
        if self._says("not"):
            if not self._says("in"):
                raise UsageError("the filter needs in behind a field and not", HINT)
            return Not(Test(path, "=", self._several()))
        for op in ("=", "!=", "~", "!~", "<=", ">=", "<", ">"):
            if self._take(op):
                return _test(path, op, self._next("", "a value"))
        for word, pattern in _TEXTUAL.items():
            if self._says(word):
                return _test(path, "~", pattern % re.escape(self._next("", "a value")))
        return Test(path)

    def _several(self) -> tuple[str, ...]:
        self._require("(")
        values = [self._next("", "a value")]
        while self._take(","):
            values.append(self._next("", "a value"))
        self._require(")")
        return tuple(values)

    def _says(self, word: str) -> bool:
        """Take the next token where it is that word, or what stands for it; never a text in quotes."""
        kind, text = self._tokens[-1] if self._tokens else ("", "")
        return kind in ("word", "op") and text.lower() in _WORDS.get(word, (word,)) and bool(self._tokens.pop())

    def _take(self, op: str) -> bool:
        return bool(self._tokens) and self._tokens[-1] == ("op", op) and bool(self._tokens.pop())

    def _require(self, op: str) -> None:
        if not self._take(op):
            raise UsageError(f"the filter lacks a {op}", HINT)

    def _next(self, kind: str, what: str) -> str:
        if not self._tokens or self._tokens[-1][0] not in ((kind,) if kind else ("word", "text")):
            found = f", not {self._tokens[-1][1]}" if self._tokens else ""
            raise UsageError(f"the filter needs {what} here{found}", HINT)
        return self._tokens.pop()[1]


def _test(path: tuple[str, ...], op: str, value: str) -> Filter:
    if op.startswith("!"):
        return Not(_test(path, op[1:], value))
    if op == "~":
        _checked(value)
    if op[0] in "<>" and not _orderable(value):
        raise UsageError(f"{value} is neither a number nor a time", "times are as in 2026-11-23T03:00:00Z")
    return Test(path, op, (value,))


def _orderable(value: str) -> bool:
    return NUMBER.fullmatch(value) is not None or instant(value) is not None


def _checked(pattern: str) -> None:
    try:
        finder(pattern)
    except BadPattern as error:
        raise UsageError(f"not a regular expression: {pattern}: {error}", error.remedy or HINT) from error


def _path(field: str) -> tuple[str, ...]:
    steps = _STEP.findall(SHORT.get(field, field))
    path = tuple(quoted or plain for quote, quoted, plain in steps if quote or plain)
    if not path or "" in path:
        raise UsageError(f"not a field: {field}", HINT)
    return path
