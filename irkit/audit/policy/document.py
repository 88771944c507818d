"""A YAML or JSON file as plain data, with the place of everything in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

MAX_CHARACTERS = 256 << 10
MAX_DEPTH = 20
# The API server reads YAML 1.1 (sigs.k8s.io/yaml), where these are truth values unless they stand in quotes.
_TRUTH = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "off", "Off", "OFF"), False),
}
NUMBER = 0  # stands for any: none has a place in a policy

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong with a policy; `line` and `column` count from 1."""

    line: int
    column: int
    check: str  # what looked: "unknown-key", "shadowed-rule"
    message: str
    fatal: bool = False  # the API server does not start with such a file


class Unreadable(Exception):
    """The text is not one plain YAML document."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Document:
    """`data` as dicts, lists and scalars; `places` from the path of each value to line and column, from 1."""

    data: Any
    places: dict[Path, tuple[int, int]]

    def at(self, path: Path, check: str, message: str, *, fatal: bool = False) -> Problem:
        """A problem at `path`, or at the nearest thing above it that has a place."""
        while path and path not in self.places:
            path = path[:-1]
        return Problem(*self.places.get(path, (1, 1)), check, message, fatal)


def load(text: str) -> Document:
    """The document in `text`; raises Unreadable."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    if len(text) > MAX_CHARACTERS:
        raise Unreadable(_broken(1, 1, "larger than 256 KiB"))
    places: dict[Path, tuple[int, int]] = {}
    depth = 0
    try:
        for event in YAML(typ="rt", pure=True).parse(text):
            depth = _plain_event(event, depth)
        return Document(_first(YAML(typ="rt", pure=True).compose_all(text), places), places)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        message = str(error.problem or error.context or "not YAML").splitlines()[0]
        raise Unreadable(_broken(line, column, message)) from error
    except (YAMLError, ValueError) as error:
        raise Unreadable(_broken(1, 1, f"not YAML: {str(error).splitlines()[0]}")) from error


def _first(nodes: Iterable[Any], places: dict[Path, tuple[int, int]]) -> Any:  # noqa: ANN401
    """The first document as plain data; the API server reads no other, so there may only be empty ones."""
    listed = list(nodes)
    for node in (one for one in listed[1:] if str(one.value)):
        message = "a second document: the API server reads only the first"
        raise Unreadable(Problem(node.start_mark.line + 1, node.start_mark.column + 1, "syntax", message))
    return _plain(listed[0], (), places) if listed else None


def _broken(line: int, column: int, message: str) -> Problem:
    return Problem(line, column, "syntax", message, fatal=True)


def _plain_event(event: Any, depth: int) -> int:  # noqa: ANN401 - of ruamel, untyped
    """The depth after `event`. Refused: what could unfold to any size, or takes the reader long to follow."""
    from ruamel.yaml import events as kinds

    here = (event.start_mark.line + 1, event.start_mark.column + 1)
    if isinstance(event, kinds.AliasEvent) or getattr(event, "anchor", None):
        raise Unreadable(Problem(*here, "syntax", "anchors and aliases are not read here: write it out"))
    depth += isinstance(event, kinds.CollectionStartEvent) - isinstance(event, kinds.CollectionEndEvent)
    if depth > MAX_DEPTH:
        raise Unreadable(_broken(*here, f"nested deeper than {MAX_DEPTH} levels"))
    return depth


def _plain(node: Any, path: Path, places: dict[Path, tuple[int, int]]) -> Any:  # noqa: ANN401
    from ruamel.yaml.nodes import MappingNode, SequenceNode

    places.setdefault(path, (node.start_mark.line + 1, node.start_mark.column + 1))
    if isinstance(node, SequenceNode):
        return [_plain(item, (*path, number), places) for number, item in enumerate(node.value)]
    if isinstance(node, MappingNode):
        return _mapping(node, path, places)
    return _scalar(node)


def _mapping(node: Any, path: Path, places: dict[Path, tuple[int, int]]) -> dict[str, Any]:  # noqa: ANN401
    found: dict[str, Any] = {}
    for key, value in node.value:
        name = str(key.value)
        line, column = key.start_mark.line + 1, key.start_mark.column + 1
        if name in found:
            # Strict decoding fails, the lenient one that follows takes the last: nobody can have meant that.
            raise Unreadable(Problem(line, column, "syntax", f"the key {name} stands here twice", fatal=False))
        places[*path, name] = (line, column)
        found[name] = _plain(value, (*path, name), places)
    return found


def _scalar(node: Any) -> Any:  # noqa: ANN401 - text, number, truth value or nothing
    match str(node.tag).rpartition(":")[2]:
        case "null":
            return None
        case "bool":
            return str(node.value).lower() == "true"
        case "int" | "float":
            return NUMBER
        case "str" if not node.style:
            return _TRUTH.get(str(node.value), str(node.value))
    return str(node.value)
