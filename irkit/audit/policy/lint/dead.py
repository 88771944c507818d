"""Rules, and parts of rules, that no request reaches: an earlier rule takes them all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from irkit.audit.policy.document import Path
from irkit.audit.policy.lint.covers import atoms, covers
from irkit.audit.policy.nouns import Policy, PolicyRule

Found = Iterator[tuple[Path, str, str]]  # where, what looked, message


def dead(policy: Policy) -> Found:
    """Shadowed rules, and shadowed entries of rules that are otherwise alive."""
    for place, rule in enumerate(policy.rules):
        yield from _of_rule(policy.rules[:place], rule)


def _of_rule(earlier: tuple[PolicyRule, ...], rule: PolicyRule) -> Found:
    takers: dict[Path, list[PolicyRule | None]] = defaultdict(list)  # None: no single earlier rule takes it
    for atom in atoms(rule):
        taker = next((early for early in earlier if covers(early, atom.rule)), None)
        takers[atom.path].append(taker)
    gone = {path: [taker for taker in found if taker] for path, found in takers.items() if None not in found}
    if len(gone) == len(takers):
        told = _named(taker for found in gone.values() for taker in found)
        what = "takes" if len(told) == 1 else "take"
        message = f"never reached: {' and '.join(told)} {what} all of it; move it up, or remove it"
        yield ("rules", rule.number - 1), "shadowed-rule", message
        return
    for path, found in gone.items():
        yield path, "shadowed-part", f"never reached: {' and '.join(_named(found))} decides it before"


def _named(rules: Iterator[PolicyRule] | list[PolicyRule]) -> list[str]:
    numbers = {rule.number: rule.line for rule in rules}
    return [f"rule {number} (line {line})" for number, line in sorted(numbers.items())]
