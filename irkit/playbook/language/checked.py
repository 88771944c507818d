"""A file that people write for irkit: read, held against its rules, and refused with the place of what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from irkit.errors import UsageError
from irkit.playbook.language.fit import Found
from irkit.playbook.language.yaml import BadYaml, Problem, load


def checked(text: str, rules: Callable[[Any], Iterable[Found]]) -> tuple[Any, list[Problem]]:
    """The data in `text`, YAML of any shape, and what the rules find wrong with it, in the order of lines."""
    try:
        document = load(text)
    except BadYaml as bad:
        return None, [bad.problem]
    return document.data, sorted({document.at(path, message) for path, message in rules(document.data)})


def refuse(problems: Sequence[Problem], source: str, remedy: str = "") -> None:
    """Raise UsageError with the first problem's place, where there is one; `remedy` is the command that tells all."""
    if problems:
        more = f"{len(problems) - 1} more" if problems[1:] else ""
        raise UsageError(f"{source}:{problems[0]}", ": ".join(filter(None, (more, remedy.strip()))))
