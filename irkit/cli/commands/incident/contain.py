"""`irkit isolate` and `irkit release`: containment, and its undoing."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from irkit.cli import completing, options
from irkit.cli.app import app
from irkit.cli.command import command
from irkit.cli.face import Face
from irkit.errors import Exit, IrkitError, UsageError

if TYPE_CHECKING:
    from irkit.model.pod import PodRef, Target
    from irkit.model.run import RunRecord

KeepLabels = Annotated[
    bool, typer.Option("--keep-labels", help="Add our label and change no other, whatever finds the pod by them.")
]
Preserve = Annotated[
    bool, typer.Option("--preserve/--no-preserve", help="Annotations and a disruption budget against its eviction.")
]
Cordon = Annotated[bool, typer.Option("--cordon", help="Also let its node take no new pods.")]
Guard = Annotated[
    str, typer.Option("--guard", metavar="GROUP", help="Let the API server refuse to delete it, but for this group.")
]
Prove = Annotated[bool, typer.Option("--prove", help="Send packets: open before, shut after, a control still open.")]
ProbeImage = Annotated[
    str, typer.Option("--probe-image", metavar="IMAGE", help="What probes run: an image with sh and nc, as busybox.")
]
ProbePort = Annotated[
    list[int] | None,
    typer.Option("--probe-port", metavar="PORT", min=1, max=65535, help="TCP port to call (default: those declared)."),
]
ProbeInside = Annotated[
    bool, typer.Option("--probe-inside", help="INTRUSIVE: also call out of the pod, from a container that stays on it.")
]
KillFlows = Annotated[
    bool, typer.Option("--kill-flows", help="INTRUSIVE: kill open connections, from a container that stays on it.")
]
Ttl = Annotated[str, typer.Option("--ttl", metavar="TIME", help="Stay, watch, and release it after this long: 90m.")]
Watch = Annotated[bool, typer.Option("--watch", help="Stay, and say when the isolation is undone from outside.")]
OnePod = Annotated[
    str | None,
    typer.Argument(
        metavar="[POD]", help="Pod name: web-0, pod/web-0 or NAMESPACE/web-0.", autocompletion=completing.pods
    ),
]
Expired = Annotated[
    bool, typer.Option("--expired", help="Every pod whose --ttl is over: in -n NS, or in all namespaces. For cron.")
]
Yes = Annotated[
    bool,
    typer.Option("--yes", "-y", help="Do not ask where others have changed the labels: leave them as they made them."),
]


@command(app, "isolate")
def isolate(
    face: Face,
    pod: options.Pod,
    case: options.Case = None,
    authority: options.Authority = "",
    keep_labels: KeepLabels = False,
    preserve: Preserve = True,
    cordon: Cordon = False,
    guard: Guard = "",
    prove: Prove = False,
    probe_image: ProbeImage = "",
    probe_port: ProbePort = None,
    probe_inside: ProbeInside = False,
    kill_flows: KillFlows = False,
    ttl: Ttl = "",
    watch: Watch = False,
    dry_run: options.DryRun = False,
) -> Exit:
    """Cut a pod off from the network and say whether it holds. Exit 5: something still gets through."""
    from irkit.cli import running, watching

    staying = (watch or bool(ttl)) and not dry_run
    if staying:
        watching.check(face)
    asked = {"keep_labels": keep_labels, "preserve": preserve, "cordon": cordon, "guard": guard, "prove": prove}
    asked |= {"probe_image": probe_image, "probe_ports": probe_port or [], "probe_inside": probe_inside}
    asked |= {"kill_flows": kill_flows, "ttl": ttl}
    record = running.single(
        face, "pod.isolate@1", face.pod(pod), asked, case=case, authority=authority, dry_run=dry_run
    )
    error = running.trouble(record)
    if error and not record.isolation:
        raise error
    _tell(face, pod, record, dry_run=dry_run)
    return watching.stay(face, record) if staying else record.status.exit_code


def _tell(face: Face, pod: str, record: RunRecord, *, dry_run: bool) -> None:
    from irkit.cli import summary

    face.emit(_isolated(record))
    if record.isolation:
        if not record.isolation.changes:
            face.show("nothing to change: irkit's changes are all there")
        _show_changes(face, record, dry_run=dry_run)
        for label, text, style in summary.isolation_lines(record.isolation, dry_run=dry_run):
            face.show(f"{label:<10} {text}", style)
    if not dry_run:
        face.show(f"{'undo':<10} irkit release {pod} -n {record.target.namespace if record.target else ''}".rstrip())


@command(app, "release")
def release(
    face: Face,
    pod: OnePod = None,
    yes: Yes = False,
    expired: Expired = False,
    authority: options.Authority = "",
    dry_run: options.DryRun = False,
) -> Exit:
    """Give an isolated pod its network back: exactly what irkit changed is changed back."""
    if bool(pod) is expired:
        raise UsageError("release one POD, or those with --expired", "irkit release POD | irkit release --expired")
    if pod:
        record = _released(face, face.pod(pod), yes=yes, authority=authority, dry_run=dry_run)
        face.emit(_answer(record))
        return record.status.exit_code
    from irkit import times
    from irkit.contain.vigil import deadline

    over = list(deadline.over(face.door(), face.namespace, times.now()))
    if not over:
        face.note("no quarantine is past its time")
    ended, answers = [Exit.COMPLETE], list[dict[str, Any]]()
    for one, _ in over:
        try:  # one that cannot be released does not keep the others from it
            record = _released(face, one, yes=yes, authority=authority, dry_run=dry_run)
        except IrkitError as error:
            face.complain(error)
            ended.append(error.exit_code)
            answers.append({"pod": _named(one), "error": face.told(error)})
        else:
            ended.append(record.status.exit_code)
            answers.append(_answer(record))
    face.emit({"released": answers}, lines=answers)
    return max(ended)


def _released(face: Face, whom: PodRef, *, yes: bool, authority: str, dry_run: bool) -> RunRecord:
    from irkit.cli import running

    run = partial(running.single, face, "pod.release@1", whom, authority=authority, dry_run=dry_run)
    record = run({"force": yes})
    error = running.trouble(record)
    if error and _asks(error):
        running.confirm(face, f"{error.message}. Take back our changes and leave the others?", yes=False)
        record = run({"force": True})
        error = running.trouble(record)
    if error:
        raise error
    _show_changes(face, record, dry_run=dry_run)
    if not _actions(record):
        face.show("not isolated: nothing to release")
    return record


def _answer(record: RunRecord) -> dict[str, Any]:
    """The shape that `irkit release -o json` promises."""
    return {"pod": _pod(record), "changes": _actions(record), "run": record.id}


def _asks(error: IrkitError) -> bool:
    """True for a refusal that somebody at a terminal can decide about."""
    from irkit.contain.release import ASK

    return error.hint == ASK and sys.stdin.isatty()


def _isolated(record: RunRecord) -> dict[str, Any]:
    """The shape that `irkit isolate -o json` promises."""
    found = record.isolation
    return {
        "pod": _pod(record),
        "engine": found.engine if found else "",
        "changes": found.changes if found else (),
        "residual": found.residual if found else (),
        "verdict": found.verdict if found else {},
        "families": found.families if found else {},
        "proof": found.proof if found else (),
        "preserved": found.preserved if found else (),
        "warnings": found.warnings if found else (),
        "run": record.id,
    }


def _pod(record: RunRecord) -> dict[str, str]:
    return _named(record.target) if record.target else {}


def _named(pod: PodRef | Target) -> dict[str, str]:
    return {"namespace": pod.namespace, "name": pod.name, "uid": pod.uid or ""}


def _actions(record: RunRecord) -> list[str]:
    return [action.what for step in record.steps for action in step.actions]


def _show_changes(face: Face, record: RunRecord, *, dry_run: bool) -> None:
    for action in _actions(record):
        face.show(action)
    if dry_run and record.isolation:
        for change in record.isolation.changes:
            face.block(_yaml(change.body))


def _yaml(body: Any) -> str:  # noqa: ANN401 - a manifest or a patch
    from irkit.model.codec import pretty

    return pretty(body).decode()
