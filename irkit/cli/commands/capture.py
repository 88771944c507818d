"""`irkit capture`: the evidence alone; the cluster is only read, unless a look into the pod is asked for."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from irkit.cli import options
from irkit.cli.app import app
from irkit.cli.command import command
from irkit.cli.face import Face
from irkit.errors import Exit
from irkit.settings import DEFAULT_STORE, SealSettings, StoreSettings

Out = Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Put the bundle here.")]


class Look(StrEnum):
    """How to look at a pod's processes."""

    OFF = "off"
    EPHEMERAL = "ephemeral"
    EXEC = "exec"


Processes = Annotated[
    Look, typer.Option("--processes", help="Look at its processes; ephemeral adds a container that stays in the pod.")
]
ProbeImage = Annotated[
    str, typer.Option("--probe-image", envvar="IRKIT_PROBE_IMAGE", metavar="IMAGE", help="Of that container.")
]
Checkpoint = Annotated[
    bool, typer.Option("--checkpoint", help="Have the kubelet write each container's memory to the node's disk.")
]
NodeLogs = Annotated[bool, typer.Option("--node-logs", help="Take what kubelet and runtime logged; needs nodes/proxy.")]


@command(app, "capture", seal=True)
def capture(
    face: Face,
    sealing: SealSettings,
    pod: options.Pod,
    out: Out = None,
    audit: options.Audit = None,
    deadline: options.Deadline = None,
    case: options.Case = None,
    processes: Processes = Look.OFF,
    probe_image: ProbeImage = "",
    checkpoint: Checkpoint = False,
    node_logs: NodeLogs = False,
    dry_run: options.DryRun = False,
) -> Exit:
    """Take a pod's evidence into a sealed bundle and touch nothing (playbook collect-only).

    With --processes, --checkpoint or --node-logs it looks into the pod as well (playbook collect-inside).
    """
    from irkit.cli import running
    from irkit.playbook import find

    named = face.pod(pod)
    store = StoreSettings(f"file://{out.resolve()}" if out else DEFAULT_STORE)
    inputs: dict[str, Any] = {"namespace": named.namespace, "pod": named.name}
    inputs |= options.collecting(audit, deadline)
    book = "collect-only"
    if processes is not Look.OFF or checkpoint or node_logs:
        book = "collect-inside"
        inputs |= {"processes": processes.value, "probe_image": probe_image}
        inputs |= {"checkpoint": checkpoint, "node_logs": node_logs}
    record = running.start(face, find.load(book), inputs, store=store, sealing=sealing, case=case, dry_run=dry_run)
    return running.finish(face, record)
