"""What a step needs to be allowed to do: the one source of `irkit rbac`, `irkit doctor` and the docs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Permission:
    """`verb` on `resource` ("pods", "pods/log") of API group `group` ("" is the core group).

    `scope` is "namespace" when a Role in the target's namespace is enough, "cluster" otherwise. `optional` ones only
    enrich evidence: without them the run goes on, with a gap.
    """

    group: str
    resource: str
    verb: str
    scope: str = "namespace"
    optional: bool = False

    def __str__(self) -> str:
        return f"{self.verb} {self.resource}{f'.{self.group}' if self.group else ''}"
