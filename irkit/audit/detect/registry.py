"""Every rule, in the order of the specification: the one visible list that detection, docs and tests walk."""

from __future__ import annotations

from irkit.audit.detect.rule import Rule
from irkit.audit.detect.rules import access, control, identity, rights, secrets, workloads

RULES: tuple[Rule, ...] = tuple(
    sorted(
        (*access.RULES, *workloads.RULES, *secrets.RULES, *rights.RULES, *identity.RULES, *control.RULES),
        key=lambda rule: rule.number,
    )
)
