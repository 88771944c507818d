"""What is taken only when somebody asks: for what it alters in the pod, or for the rights it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from irkit.collect.collector import Collector
from irkit.collect.inside.checkpoint import Checkpoint
from irkit.collect.inside.nodelogs import NodeLogs
from irkit.collect.inside.processes import Processes
from irkit.collect.inside.secrets import Secrets
from irkit.collect.observers.hubble import Hubble
from irkit.collect.observers.prometheus import Prometheus
from irkit.model.isolation import Change
from irkit.model.permission import Permission

# By the name of the collector, for a dry run and the docs.
INTRUSIVE = {
    "checkpoint": "writes the memory of each container to the node's disk; the container stands still meanwhile",
    "processes": "adds an ephemeral container to the pod for good (or, by exec, runs a shell in its containers)",
    "flows": "runs Cilium's own client in its agent on the node",
    "node-logs": "alters nothing, and takes a right that reaches every pod of the node",
    "prometheus": "alters nothing; in the cluster it takes a right that reaches every service",
    "secrets": "alters nothing, and takes the right to read secrets",
}


CLUSTER = "cluster"  # the Prometheus that is found there


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for: nothing, unless said."""

    processes: str = ""  # "ephemeral", "exec", or "" for no look at them
    image: str = ""  # of the ephemeral container, with sh, base64, readlink and sha256sum, or busybox
    checkpoint: bool = False
    node_logs: bool = False
    flows: bool = False
    prometheus: str = ""  # "cluster", an address, or "" for none
    secrets: bool = False
    key: bytes = field(default=b"", repr=False)  # of the case, for hashes of secrets
    sealed: bool = False  # whether there is a sealed part, into which secrets may go


def intrusive(wish: Wish, intend: Callable[[Change], None]) -> Iterator[Collector]:
    """The collectors that `wish` asks for, most volatile first; each tells `intend` what it alters, before it does."""
    if wish.checkpoint:
        yield Checkpoint(intend)
    if wish.processes:
        yield Processes(wish.image if wish.processes == "ephemeral" else "", wish.sealed, intend)
    if wish.flows:
        yield Hubble()
    if wish.node_logs:
        yield NodeLogs()
    if wish.prometheus:
        yield Prometheus("" if wish.prometheus == CLUSTER else wish.prometheus)
    if wish.secrets:
        yield Secrets(wish.key)


def _nobody(_: Change) -> None: ...


EVERYTHING = Wish("ephemeral", "any", True, True, True, CLUSTER, True)
NEEDS: tuple[Permission, ...] = tuple(sorted({need for each in intrusive(EVERYTHING, _nobody) for need in each.needs}))
