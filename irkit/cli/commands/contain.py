"""`irkit isolate` and `irkit release`: containment, and its undoing."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from irkit.cli import options
from irkit.cli.app import app
from irkit.cli.command import command
from irkit.cli.face import Face
from irkit.errors import Exit, IrkitError

if TYPE_CHECKING:
    from irkit.model.run import RunRecord

KeepLabels = Annotated[
    bool, typer.Option("--keep-labels", help="Add our label and change no other, whatever finds the pod by them.")
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
    keep_labels: KeepLabels = False,
    dry_run: options.DryRun = False,
) -> Exit:
    """Cut a pod off from the network and say whether it holds. Exit 5: something still gets through."""
    from irkit.cli import running, summary

    record = _single(face, "pod.isolate@1", pod, {"keep_labels": keep_labels}, case=case, dry_run=dry_run)
    error = running.trouble(record)
    if error and not record.isolation:
        raise error
    face.emit(_isolated(record))
    if record.isolation:
        if not record.isolation.changes:
            face.show("isolated already: nothing to change")
        _show_changes(face, record, dry_run=dry_run)
        for label, text, style in summary.isolation_lines(record.isolation):
            face.show(f"{label:<10} {text}", style)
    if not dry_run:
        face.show(f"{'undo':<10} irkit release {pod} -n {record.target.namespace if record.target else ''}".rstrip())
    return record.status.exit_code


@command(app, "release")
def release(face: Face, pod: options.Pod, yes: Yes = False, dry_run: options.DryRun = False) -> Exit:
    """Give an isolated pod its network back: exactly what irkit changed is changed back."""
    from irkit.cli import running

    record = _single(face, "pod.release@1", pod, {"force": yes}, dry_run=dry_run)
    error = running.trouble(record)
    if error and _asks(error):
        running.confirm(face, f"{error.message}. Take back our changes and leave the others?", yes=False)
        record = _single(face, "pod.release@1", pod, {"force": True}, dry_run=dry_run)
        error = running.trouble(record)
    if error:
        raise error
    face.emit({"pod": _pod(record), "changes": _actions(record), "run": record.id})
    _show_changes(face, record, dry_run=dry_run)
    if not _actions(record):
        face.show("not isolated: nothing to release")
    return record.status.exit_code


def _asks(error: IrkitError) -> bool:
    """True for a refusal that somebody at a terminal can decide about."""
    from irkit.contain.release import ASK

    return error.hint == ASK and sys.stdin.isatty()


def _single(
    face: Face, uses: str, pod: str, params: dict[str, Any], *, dry_run: bool, case: str | None = None
) -> RunRecord:
    from irkit.cli import running
    from irkit.playbook.registry import single

    return running.start(face, single(uses, face.pod(pod), params), {}, case=case, dry_run=dry_run)


def _isolated(record: RunRecord) -> dict[str, Any]:
    """The shape that `irkit isolate -o json` promises."""
    found = record.isolation
    return {
        "pod": _pod(record),
        "engine": found.engine if found else "",
        "changes": found.changes if found else (),
        "residual": found.residual if found else (),
        "verdict": found.verdict if found else {},
        "proof": found.proof if found else (),
        "warnings": found.warnings if found else (),
        "run": record.id,
    }


def _pod(record: RunRecord) -> dict[str, str]:
    target = record.target
    return {"namespace": target.namespace, "name": target.name, "uid": target.uid} if target else {}


def _actions(record: RunRecord) -> list[str]:
    return [action.what for step in record.steps for action in step.actions]


def _show_changes(face: Face, record: RunRecord, *, dry_run: bool) -> None:
    for action in _actions(record):
        face.show(action)
    if dry_run and record.isolation:
        for change in record.isolation.changes:
            face.show(_yaml(change.body))


def _yaml(body: Any) -> str:  # noqa: ANN401 - a manifest or a patch
    from irkit.model.codec import pretty

    return pretty(body).decode()
