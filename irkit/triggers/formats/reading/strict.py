"""JSON as two readers cannot disagree about it: no duplicate keys, no NaN, no depth, no halves of characters."""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

from irkit.model.alert import BadAlert

CAP = 1 << 20
DEPTH = 32
# A string, to the end of the body where nothing closes it, or one bracket. It never fails once begun and never goes
# back (possessive quantifiers), so time is linear in the body whatever stands there.
_TOKENS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|[\[{]|[\]}]', re.DOTALL)
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_ESCAPED_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def read(body: bytes, cap: int = CAP, depth: int = DEPTH) -> Any:  # noqa: ANN401 - JSON of any shape
    """The value in `body`: UTF-8, at most `cap` bytes and `depth` levels. Raises BadAlert."""
    if len(body) > cap:
        raise BadAlert(f"larger than {cap} bytes")
    _shallow(body, depth)
    try:
        value = json.loads(
            body.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_constant, parse_float=_finite
        )
    except UnicodeDecodeError as error:
        raise BadAlert("not UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise BadAlert("not JSON") from error
    if _ESCAPED_SURROGATE.search(body) and _halved(value):
        raise BadAlert("half a surrogate pair, which is no character")
    return value


def _shallow(body: bytes, limit: int) -> None:
    """Refuse depth before any parser recurses into it."""
    depth = 0
    for token in _TOKENS.finditer(body):
        match body[token.start()]:
            case 0x5B | 0x7B:  # [ {
                depth += 1
            case 0x5D | 0x7D:  # ] }
                depth -= 1
        if depth > limit:
            raise BadAlert(f"nested deeper than {limit} levels")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadAlert("a key stands twice in one object")
    return found


def _constant(name: str) -> NoReturn:
    raise BadAlert(f"{name} is not a JSON number")


def _finite(text: str) -> float:
    if math.isinf(number := float(text)):
        raise BadAlert("a number too large to be one")
    return number


def _halved(value: Any) -> bool:  # noqa: ANN401 - JSON of any shape
    match value:
        case str():
            return bool(_SURROGATE.search(value))
        case dict():
            return any(_halved(part) for pair in value.items() for part in pair)
        case list():
            return any(map(_halved, value))
    return False
