"""What is wrong with a playbook, with line and column; every problem found in one go."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from irkit.playbook.language.checked import checked, refuse
from irkit.playbook.language.fit import Found
from irkit.playbook.language.meaning import meaning
from irkit.playbook.language.shape import shape
from irkit.playbook.language.yaml import Problem
from irkit.playbook.schema import Pinned, Playbook


def lint(text: str) -> list[Problem]:
    """Every problem of the playbook in `text`, in the order of lines; empty for a good one."""
    return checked(text, _problems)[1]


def parse(text: str, source: str = "") -> Pinned:
    """The playbook in `text`, read from `source`; raises UsageError with the first problem's place."""
    data, problems = checked(text, _problems)
    refuse(problems, source or "playbook", f"irkit playbook lint {source}")
    return Pinned(msgspec.convert(data, Playbook), text, source)


def _problems(data: Any) -> Iterator[Found]:  # noqa: ANN401 - YAML of any shape
    if not isinstance(data, dict):
        yield (), "not a playbook: a mapping is expected"
        return
    found = list(shape(data))
    yield from found or meaning(data)
