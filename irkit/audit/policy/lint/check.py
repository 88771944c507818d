"""All checks over one policy."""

from __future__ import annotations

from irkit.audit.policy.document import Problem
from irkit.audit.policy.lint.bodies import bodies
from irkit.audit.policy.lint.dead import dead
from irkit.audit.policy.lint.gaps import gaps
from irkit.audit.policy.lint.words import words
from irkit.audit.policy.read import read

CHECKS = (words, dead, bodies, gaps)


def lint(text: str) -> list[Problem]:
    """Everything wrong with the policy in `text`, in the order of lines; of a fatal one only its form is judged."""
    reading = read(text)
    found = set(reading.problems)
    if reading.policy is not None:
        found.update(reading.document.at(*problem) for check in CHECKS for problem in check(reading.policy))
    return sorted(found)
