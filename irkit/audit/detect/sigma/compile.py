"""A Sigma condition as a filter, which knows what a log left out; raises Unsupported for what has no such meaning."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from sigma import conditions, types

from irkit.audit.filter import grammar
from irkit.audit.filter.fields import FIELDS
from irkit.pattern import BadPattern, finder

if TYPE_CHECKING:
    from sigma.rule import SigmaRule

_MAPS = ("annotations", "labels", "extra", "matchLabels", "nodeSelector", "data")  # their keys may hold dots
_ORDER = {"LT": "<", "LTE": "<=", "GT": ">", "GTE": ">="}


class Unsupported(Exception):
    """What a rule says that cannot be judged on an audit event; `args[0]` names it."""


def tree(rule: SigmaRule) -> grammar.Filter:
    """The rule as a filter; raises Unsupported, and pySigma's own errors for a condition that is none."""
    return _any([_node(condition.parsed) for condition in rule.detection.parsed_condition])


def _any(parts: list[grammar.Filter]) -> grammar.Filter:
    return parts[0] if len(parts) == 1 else grammar.Any(tuple(parts))


def _node(node: object) -> grammar.Filter:
    match node:
        case conditions.ConditionAND():
            return grammar.All(tuple(map(_node, node.args)))
        case conditions.ConditionOR():
            return grammar.Any(tuple(map(_node, node.args)))
        case conditions.ConditionNOT():
            return grammar.Not(_node(node.args[0]))
        case conditions.ConditionFieldEqualsValueExpression():
            return _test(_path(node.field), node.value)
        case conditions.ConditionValueExpression():
            raise Unsupported("keywords without a field")
        case _:
            raise Unsupported(f"the construct {type(node).__name__}")


def _path(field: str) -> tuple[str, ...]:
    root, *rest = field.split(".")
    if root not in FIELDS:
        raise Unsupported(f"the field {field!r}: no audit event has it (objectRef.resource, requestObject.spec ... do)")
    for place, name in enumerate((root, *rest)):
        if name in _MAPS and place < len(rest):
            return (root, *rest[:place], ".".join(rest[place:]))
    return (root, *rest)


def _test(path: tuple[str, ...], value: object) -> grammar.Filter:
    for kind, made in _VALUES:
        if isinstance(value, kind):
            return made(path, value)
    raise Unsupported(f"the value {type(value).__name__}")


def _text(path: tuple[str, ...], value: types.SigmaString) -> grammar.Filter:
    """Without regard to case, as Sigma has it, unless the rule says `cased`."""
    pattern = "".join(map(_part, value.s))
    if path == ("responseStatus", "code") and not value.contains_special():
        raise Unsupported(f"the text {str(value)!r} for responseStatus.code, which is a number")
    flags = "(?s)" if isinstance(value, types.SigmaCasedString) else "(?is)"
    return _matching(path, rf"{flags}\A(?:{pattern})\Z")


def _part(part: object) -> str:
    if isinstance(part, str):
        return re.escape(part)
    if part is types.SpecialChars.WILDCARD_MULTI:
        return ".*"
    if part is types.SpecialChars.WILDCARD_SINGLE:
        return "."
    raise Unsupported("a placeholder")


def _expression(path: tuple[str, ...], value: types.SigmaRegularExpression) -> grammar.Filter:
    letters = {"IGNORECASE": "i", "MULTILINE": "m", "DOTALL": "s"}
    flags = "".join(sorted(letters[flag.name] for flag in value.flags))
    return _matching(path, f"(?{flags}){value.regexp.original}" if flags else str(value.regexp.original))


def _matching(path: tuple[str, ...], pattern: str) -> grammar.Filter:
    try:
        finder(pattern)
    except BadPattern as error:
        remedy = f" ({error.remedy})" if error.remedy else ""
        raise Unsupported(f"the regular expression {pattern[:200]!r}: {error}{remedy}") from error
    return grammar.Test(path, "~", (pattern,))


def _null(path: tuple[str, ...], _: object) -> grammar.Filter:
    return grammar.Any((grammar.Not(grammar.Test(path)), grammar.Test(path, "=", ("null",))))


def _exists(path: tuple[str, ...], value: types.SigmaExists) -> grammar.Filter:
    return grammar.Test(path) if value.exists else grammar.Not(grammar.Test(path))


def _compared(path: tuple[str, ...], value: types.SigmaCompareExpression) -> grammar.Filter:
    op = _ORDER.get(value.op.name)
    if op is None:
        raise Unsupported(f"the comparison {value.op.name}")
    if not grammar.NUMBER.fullmatch(str(value.number)):
        raise Unsupported(f"the number {value.number}: whole ones of at most 18 digits are compared")
    return grammar.Test(path, op, (str(value.number),))


def _part_of_a_time(_: tuple[str, ...], value: types.SigmaTimestampPart) -> grammar.Filter:
    raise Unsupported(f"the {value.timestamp_part.name.lower()} of a time")


_VALUES: tuple[tuple[type, Callable[..., grammar.Filter]], ...] = (
    (types.SigmaString, _text),
    (types.SigmaTimestampPart, _part_of_a_time),  # it is a number, too
    (types.SigmaNumber, lambda path, value: grammar.Test(path, "=", (str(value.number),))),
    (types.SigmaBool, lambda path, value: grammar.Test(path, "=", ("true" if value.boolean else "false",))),
    (types.SigmaNull, _null),
    (types.SigmaExists, _exists),
    (types.SigmaRegularExpression, _expression),
    (types.SigmaCIDRExpression, lambda path, value: grammar.Test(path, "cidr", (str(value.network),))),
    (types.SigmaCompareExpression, _compared),
)
