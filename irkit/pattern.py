r"""Regular expressions that a person wrote, over text that an attacker may have: the one place where these two meet.

Python's own engine tries one way after the other: `(a+)+$` is at work for hours on thirty letters. RE2 reads a text
once, whatever it holds. What is written keeps Python's meaning: Python's own parser reads it, and each part is said in
RE2's words. What cannot be matched in one reading (backreferences, lookaround) is refused by name.

Two small differences stay: `\b` knows ASCII words, and a `$` that more text may follow is refused.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from functools import lru_cache
from re import _constants as code  # type: ignore[attr-defined]  # the parser has no public name (yet: 3.11 to 3.14)
from re import _parser as python  # type: ignore[attr-defined]
from typing import Any

_MEMORY = 32 << 20  # bytes for one pattern: enough for [\w.-]{1,253}, and its automaton is rarely thrown away
_SHORT = 256  # characters of a text worth remembering a verdict on
_APART = "say that in a pattern of its own"
_REFUSED = {
    code.GROUPREF: ("a backreference", "write the text twice, or compare two fields"),
    code.GROUPREF_EXISTS: ("a group that hangs on another one", "write both cases, with | between"),
    code.ASSERT: ("a lookahead or lookbehind", _APART),
    code.ASSERT_NOT: ("a negative lookahead or lookbehind", _APART),
    code.FAILURE: ("a negative lookahead of nothing", _APART),
    code.ATOMIC_GROUP: ("an atomic group", "write (?:...): no group is slow here"),
    code.POSSESSIVE_REPEAT: ("a possessive repetition", "leave out the last +: no repetition is slow here"),
}
_ASCII = {"DIGIT": "0-9", "WORD": "0-9A-Z_a-z", "SPACE": r"\t-\r "}
_UNICODE = {
    "DIGIT": r"\p{Nd}",
    "WORD": r"\p{L}\p{N}_",
    "SPACE": r"\t-\r\x1c- \x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}",
}
_PLACES = {
    code.AT_BEGINNING_STRING: r"\A",
    code.AT_END_STRING: r"\z",
    code.AT_BOUNDARY: r"\b",
    code.AT_NON_BOUNDARY: r"\B",
}
_TIMES = {(0, 1): "?", (0, code.MAXREPEAT): "*", (1, code.MAXREPEAT): "+"}


class BadPattern(ValueError):
    """What is no regular expression, or none that any text can be matched with in bounded time."""

    def __init__(self, problem: str, remedy: str | None = None) -> None:
        super().__init__(problem)
        self.remedy = remedy


@lru_cache(maxsize=512)
def finder(pattern: str) -> Callable[[str], bool]:
    """Whether a text holds what the pattern says, as `re.search` has it; raises BadPattern."""
    return _matcher(_Words(r"\n?\z").said(pattern))


@lru_cache(maxsize=512)
def whole(pattern: str) -> Callable[[str], bool]:
    """Whether all of a text is what the pattern says, as `re.fullmatch` has it; raises BadPattern."""
    words = _Words(r"\z").said(pattern)
    return _matcher(rf"\A(?:{words})\z")


@lru_cache(maxsize=64)
def beginner(pattern: str) -> Callable[[str], bool]:
    """Whether a text begins with what the pattern says in Go's syntax, which is RE2's; raises BadPattern."""
    return _matcher(rf"\A(?:{pattern})")


def _matcher(words: str) -> Callable[[str], bool]:
    import re2  # late: most commands meet no pattern

    options = re2.Options()
    options.max_mem, options.log_errors, options.never_capture = _MEMORY, False, True
    try:
        search = re2.compile(_bytes(words), options).search
    except re2.error as error:
        said = error.args[0]
        problem = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        raise BadPattern(problem, "repeat less: at most 1000 times, and [A-Za-z0-9_] is smaller than \\w") from error
    again = lru_cache(maxsize=1024)(lambda text: search(_bytes(text)) is not None)  # names and verbs come back
    return lambda text: again(text) if len(text) <= _SHORT else search(_bytes(text)) is not None


def _bytes(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:  # half a surrogate pair, which JSON can say: one odd character, as any other
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


class _Words:
    """Python's parse of a pattern, in RE2's words. `ending` is what `$` says at the end of a pattern."""

    def __init__(self, ending: str) -> None:
        self._ending = ending

    def said(self, pattern: str) -> str:
        try:
            with warnings.catch_warnings(action="error"):  # what Python may read otherwise one day
                tree = python.parse(pattern)
            return self._all(tree, tree.state.flags, last=True)
        except (re.error, OverflowError, Warning) as error:
            raise BadPattern(str(error)) from error
        except RecursionError:
            raise BadPattern("it nests too deep") from None

    def _all(self, parts: Any, flags: int, *, last: bool) -> str:  # noqa: ANN401 - the parser has no types
        end = len(parts) - 1
        return "".join(self._one(op, given, flags, last=last and at == end) for at, (op, given) in enumerate(parts))

    def _one(self, op: Any, given: Any, flags: int, *, last: bool) -> str:  # noqa: ANN401
        if op in _REFUSED:
            name, remedy = _REFUSED[op]
            raise BadPattern(f"{name} cannot be matched in bounded time", remedy)
        if op is code.SUBPATTERN:
            _, more, less, parts = given
            return f"(?:{self._all(parts, (flags | more) & ~less, last=last)})"
        if op is code.BRANCH:
            return f"(?:{'|'.join(self._all(parts, flags, last=last) for parts in given[1])})"
        if op in (code.MAX_REPEAT, code.MIN_REPEAT):
            least, most, parts = given
            return f"(?:{self._all(parts, flags, last=last and most == 1)}){_times(least, most)}"
        if op is code.AT:
            return self._place(given, flags, last=last)
        return _character(op, given, flags)

    def _place(self, place: Any, flags: int, *, last: bool) -> str:  # noqa: ANN401
        if place is code.AT_BEGINNING:
            return "(?m:^)" if flags & re.MULTILINE else r"\A"
        if place is not code.AT_END:
            return _PLACES[place]
        if flags & re.MULTILINE:
            return "(?m:$)"
        if not last:
            raise BadPattern("a $ that is not at the end", "write (?m:$) for the end of a line, \\Z for the text's")
        return f"(?:{self._ending})"


def _times(least: int, most: int) -> str:
    return _TIMES.get((least, most)) or f"{{{least},{'' if most is code.MAXREPEAT else most}}}"


def _character(op: Any, given: Any, flags: int) -> str:  # noqa: ANN401
    """What stands for one character."""
    if flags & re.ASCII and flags & re.IGNORECASE:
        raise BadPattern("the flags a and i do not go together here", "leave out a, and write [A-Za-z0-9_] for \\w")
    if op is code.ANY:
        return "(?s:.)" if flags & re.DOTALL else r"[^\n]"
    if op is code.NOT_LITERAL:
        said = f"[^{_letter(given)}]"
    elif op is code.LITERAL:
        said = _letter(given)
    else:
        said = _set(given, flags)
    return f"(?i:{said})" if flags & re.IGNORECASE else said


def _letter(number: int) -> str:
    return chr(number) if chr(number).isascii() and chr(number).isalnum() else f"\\x{{{number:x}}}"


def _set(items: Any, flags: int) -> str:  # noqa: ANN401
    negated = items[0][0] is code.NEGATE
    return f"[{'^' * negated}{''.join(_item(op, given, flags) for op, given in items[negated:])}]"


def _item(op: Any, given: Any, flags: int) -> str:  # noqa: ANN401
    if op is code.LITERAL:
        return _letter(given)
    if op is code.RANGE:
        return f"{_letter(given[0])}-{_letter(given[1])}"
    *_, no, kind = str(given).split("_")  # CATEGORY_DIGIT, CATEGORY_NOT_DIGIT
    if no == "NOT":
        return _others(rf"\{kind[0]}+", flags & re.ASCII)
    return (_ASCII if flags & re.ASCII else _UNICODE)[kind]


@lru_cache(maxsize=8)
def _others(pattern: str, flags: int) -> str:
    """All that are not of a kind, as ranges: RE2 has no other way to say that within a set."""
    every = "".join(map(chr, (*range(0xD800), *range(0xE000, 0x110000))))
    found = (one[0] for one in re.finditer(pattern, every, flags))
    return "".join(f"{_letter(ord(one[0]))}-{_letter(ord(one[-1]))}" for one in found)
