"""What is taken only when somebody asks: for what it alters in the pod, or for the rights it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from irkit.collect.collector import Collector
from irkit.collect.inside.checkpoint import Checkpoint
from irkit.collect.inside.nodelogs import NodeLogs
from irkit.collect.inside.processes import Processes
from irkit.model.isolation import Change
from irkit.model.permission import Permission

# By the name of the collector, for a dry run and the docs.
INTRUSIVE = {
    "checkpoint": "writes the memory of each container to the node's disk; the container stands still meanwhile",
    "processes": "adds an ephemeral container to the pod for good (or, by exec, runs a shell in its containers)",
    "node-logs": "alters nothing, and takes a right that reaches every pod of the node",
}


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for: nothing, unless said."""

    processes: str = ""  # "ephemeral", "exec", or "" for no look at them
    image: str = ""  # of the ephemeral container, with sh, base64, readlink and sha256sum, or busybox
    checkpoint: bool = False
    node_logs: bool = False
    sealed: bool = False  # whether there is a sealed part, into which secrets may go


def intrusive(wish: Wish, intend: Callable[[Change], None]) -> Iterator[Collector]:
    """The collectors that `wish` asks for, most volatile first; each tells `intend` what it alters, before it does."""
    if wish.checkpoint:
        yield Checkpoint(intend)
    if wish.processes:
        yield Processes(wish.image if wish.processes == "ephemeral" else "", wish.sealed, intend)
    if wish.node_logs:
        yield NodeLogs()


def _nobody(_: Change) -> None: ...


NEEDS: tuple[Permission, ...] = tuple(
    sorted({need for each in intrusive(Wish("ephemeral", "any", True, True), _nobody) for need in each.needs})
)
