"""A pod's containers: as declared, and as they run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from irkit.cluster.protocol import Json

# What a container is called in spec and status, and how we name its kind.
KINDS = (
    ("init", "initContainers", "initContainerStatuses"),
    ("regular", "containers", "containerStatuses"),
    ("ephemeral", "ephemeralContainers", "ephemeralContainerStatuses"),
)


@dataclass(frozen=True, slots=True)
class Container:
    """One container of a pod: as declared, and as it runs."""

    name: str
    kind: str  # "init", "regular", "ephemeral"
    spec: Json
    status: Json  # {} until the kubelet has reported

    @property
    def restarts(self) -> int:
        """How often it was started again."""
        count = self.status.get("restartCount")
        return count if isinstance(count, int) else 0


def containers(pod: Json) -> Iterator[Container]:
    """Every container of a pod's object, init containers first."""
    spec, status = pod.get("spec") or {}, pod.get("status") or {}
    for kind, declared, reported in KINDS:
        known = {each["name"]: each for each in status.get(reported) or ()}
        for each in spec.get(declared) or ():
            yield Container(str(each["name"]), kind, each, known.get(each["name"]) or {})
