"""What is wrong with a playbook, with line and column; every problem found in one go."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from irkit.errors import UsageError
from irkit.playbook.language.meaning import meaning
from irkit.playbook.language.shape import shape
from irkit.playbook.language.yaml import BadYaml, Path, Problem, load
from irkit.playbook.schema import Pinned, Playbook


def lint(text: str) -> list[Problem]:
    """Every problem of the playbook in `text`, in the order of lines; empty for a good one."""
    return _read(text)[1]


def parse(text: str, source: str = "") -> Pinned:
    """The playbook in `text`, read from `source`; raises UsageError with the first problem's place."""
    data, problems = _read(text)
    if problems:
        more = f"{len(problems) - 1} more: " if problems[1:] else ""
        raise UsageError(f"{source or 'playbook'}:{problems[0]}", f"{more}irkit playbook lint {source}".strip())
    return Pinned(msgspec.convert(data, Playbook), text, source)


def _read(text: str) -> tuple[Any, list[Problem]]:
    """The data in `text`, and what is wrong with it."""
    try:
        document = load(text)
    except BadYaml as bad:
        return None, [bad.problem]
    if not isinstance(document.data, dict):
        return None, [Problem(1, 1, "not a playbook: a mapping is expected")]
    return document.data, sorted({document.at(path, message) for path, message in _problems(document.data)})


def _problems(data: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    found = list(shape(data))
    yield from found or meaning(data)
