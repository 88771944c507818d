"""YAML as data with positions, and without what makes YAML dangerous: no anchors, aliases, tags or second documents."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ruamel.yaml.events import Event

MAX_BYTES = 64 * 1024
MAX_DEPTH = 20

Path = Sequence[str | int]


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong with a file; `line` and `column` count from 1."""

    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"{self.line}:{self.column}: {self.message}"


class BadYaml(Exception):
    """The text is not YAML, or not the plain YAML accepted here."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Document:
    """The data of one YAML document, with the position of everything in it."""

    tree: Any  # as the round-trip loader made it, with positions
    data: Any  # the same as plain dicts, lists and scalars

    def at(self, path: Path, message: str) -> Problem:
        """`message` as a problem at `path`: at the key where the last part is one, at the nearest parent otherwise."""
        node, line, column = self.tree, 0, 0
        for part in path:
            try:
                line, column = node.lc.data[part][:2]
                node = node[part]
            except (AttributeError, KeyError, IndexError, TypeError):
                break
        return Problem(line + 1, column + 1, message)


def load(text: str) -> Document:
    """The document that `text` holds; raises BadYaml."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise BadYaml(Problem(1, 1, f"larger than {MAX_BYTES // 1024} KiB"))
    reader = YAML(typ="rt", pure=True)
    try:
        for problem in _forbidden(reader.parse(io.StringIO(text))):
            raise BadYaml(problem)
        tree = reader.load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line, mark.column) if mark else (0, 0)
        message = str(error.problem or error.context or "not YAML").splitlines()[0]
        raise BadYaml(Problem(line + 1, column + 1, message)) from error
    except (YAMLError, ValueError) as error:
        raise BadYaml(Problem(1, 1, f"not YAML: {str(error).splitlines()[0]}")) from error
    document = Document(tree, _plain(tree))
    for path in _odd_keys(tree):
        raise BadYaml(document.at(path, "a key is text: put it in quotes"))
    return document


def _odd_keys(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[Path]:  # noqa: ANN401 - YAML of any shape
    """Keys that are numbers, truth values, ...: as text 010 would be "10", and a label of that name never match."""
    pairs = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in pairs:
        if isinstance(tree, dict) and not isinstance(key, str):
            yield (*path, key)
        yield from _odd_keys(value, (*path, key))


def _plain(tree: Any) -> Any:  # noqa: ANN401 - YAML of any shape
    match tree:
        case dict():
            return {str(key): _plain(value) for key, value in tree.items()}
        case list():
            return [_plain(value) for value in tree]
        case bool() | None:
            return tree
    for kind in (str, int, float):
        if isinstance(tree, kind):
            return kind(tree)
    return tree


def _forbidden(events: Iterator[Event]) -> Iterator[Problem]:
    from ruamel.yaml import events as kinds

    depth = 0
    for event in events:
        line, column = event.start_mark.line + 1, event.start_mark.column + 1
        if isinstance(event, kinds.AliasEvent) or getattr(event, "anchor", None):
            yield Problem(line, column, "anchors and aliases are not accepted")
        if getattr(event, "ctag", None):
            yield Problem(line, column, "tags are not accepted")
        depth += isinstance(event, kinds.CollectionStartEvent) - isinstance(event, kinds.CollectionEndEvent)
        if depth > MAX_DEPTH:
            yield Problem(line, column, f"nested deeper than {MAX_DEPTH} levels")
