"""`irkit capture`: the evidence alone; the cluster is only read, unless a look into the pod is asked for."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from irkit.cli import completing, options
from irkit.cli.app import app
from irkit.cli.command import command
from irkit.cli.face import Face
from irkit.errors import Exit, UsageError
from irkit.settings import DEFAULT_STORE, StoreSettings


class Look(StrEnum):
    """How to look at a pod's processes."""

    OFF = "off"
    EPHEMERAL = "ephemeral"
    EXEC = "exec"


What = Annotated[
    str,
    typer.Argument(
        metavar="[POD|KIND/NAME]",
        help="web-0, NAMESPACE/web-0, or a workload: deployment/web.",
        autocompletion=completing.pods,
    ),
]
Selector = Annotated[str, typer.Option("--selector", "-l", metavar="LABELS", help="All pods with these: app=web.")]
Every = Annotated[bool, typer.Option("--all", help="All pods of the namespace.")]
Out = Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Put the bundle here.")]
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

Flows = Annotated[bool, typer.Option("--flows", help="Ask Cilium's agent for its flows; needs exec in that pod.")]
Usage = Annotated[
    str, typer.Option("--prometheus", metavar="URL|cluster", help="Ask Prometheus there, or the cluster's own.")
]
Secrets = Annotated[bool, typer.Option("--secrets", help="Take its secrets by their hashes; needs to read them.")]


def _looks(
    processes: Processes = Look.OFF,
    probe_image: ProbeImage = "",
    checkpoint: Checkpoint = False,
    node_logs: NodeLogs = False,
    flows: Flows = False,
    prometheus: Usage = "",
    secrets: Secrets = False,
) -> dict[str, Any]:
    """The inputs of playbook collect-inside; none where it is not asked for."""
    asked = {"checkpoint": checkpoint, "node_logs": node_logs, "flows": flows, "prometheus": prometheus}
    if processes is Look.OFF and not secrets and not any(asked.values()):
        return {}
    return asked | {"processes": processes.value, "probe_image": probe_image, "secrets": secrets}


@command(app, "capture")
def capture(
    face: Face,
    *,
    what: What = "",
    selector: Selector = "",
    every: Every = False,
    out: Out = None,
    evidence: options.EvidenceFlags,
    case: options.Case = None,
    authority: options.Authority = "",
    looks: Annotated[dict[str, Any], options.Flags(_looks)],
    dry_run: options.DryRun = False,
    sealing: options.SealFlags,
) -> Exit:
    """Take evidence of a pod, a workload's pods or a namespace's into a sealed bundle (playbook collect-only or -wide).

    What leaves traces in the pod or takes far-reaching rights (--processes, --checkpoint, --node-logs, --flows,
    --prometheus, --secrets) is taken only when asked for, and of one pod (playbook collect-inside).
    """
    from irkit.cli import running
    from irkit.playbook import find
    from irkit.playbook.door import destination

    book, whom = _whom(face, what, selector, every)
    pinned, inputs = find.load(_inside(book) if looks else book), whom | looks | evidence
    store = StoreSettings(out.resolve().as_uri() if out else DEFAULT_STORE)
    destination(store).check()
    record = running.start(
        face, pinned, inputs, store=store, sealing=sealing, case=case, authority=authority, dry_run=dry_run
    )
    return running.finish(face, record)


def _inside(book: str) -> str:
    """The playbook that looks into the pod of `book`; raises UsageError where that is about many."""
    if book == "collect-wide":
        raise UsageError("looks into a pod are taken pod by pod", "name one pod for these")
    return "collect-inside"


def _whom(face: Face, what: str, selector: str, every: bool) -> tuple[str, dict[str, Any]]:
    """The playbook for one pod or for many, and the inputs that name them; raises UsageError."""
    from irkit.collect.wide.select import is_workload

    if sum(map(bool, (what, selector, every))) != 1:
        raise UsageError("name a pod or a workload, or give --selector, or --all", "one of these, not several")
    if what and not is_workload(what):
        named = face.pod(what)
        return "collect-only", {"namespace": named.namespace, "pod": named.name}
    return "collect-wide", {"namespace": face.resolved_namespace(), "workload": what, "selector": selector}
