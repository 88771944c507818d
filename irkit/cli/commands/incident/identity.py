"""`irkit identity`: what a pod's service account may do, taking that away, and giving it back."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from irkit.cli import options
from irkit.cli.app import group
from irkit.cli.command import command
from irkit.cli.face import Face
from irkit.errors import Exit

if TYPE_CHECKING:
    from irkit.contain.identity.nouns import Identity
    from irkit.model.run import RunRecord

identities = group("identity", "Show, revoke and restore what a pod's service account may do.")


class Blast(StrEnum):
    """Values of `--blast`."""

    POD = "pod"
    ACCOUNT = "account"


BlastFlag = Annotated[
    Blast, typer.Option("--blast", help="pod: this pod's writes. account: all its pods lose its own grants, too.")
]


@command(identities, "show")
def show(face: Face, pod: options.Pod) -> Exit:
    """Say what the pod's service account may do, and which secrets to rotate. Exit 4: part could not be read."""
    from irkit.contain.identity.show import show as look
    from irkit.model.codec import plain

    found = look(face.pod(pod), face.door())
    told = plain(found)
    target = {key: told.pop(key) for key in ("namespace", "name", "uid")}
    face.emit({"pod": target, **told, "complete": found.complete})
    _show_identity(face, found)
    return Exit.COMPLETE if found.complete else Exit.GAPS


@command(identities, "revoke")
def revoke(
    face: Face,
    pod: options.Pod,
    blast: BlastFlag = Blast.POD,
    case: options.Case = None,
    authority: options.Authority = "",
    dry_run: options.DryRun = False,
) -> Exit:
    """Refuse what the pod writes, by its uid; its reads go on. Exit 5: part of the account's grants was not seen."""
    from irkit.cli import running

    asked = {"blast": str(blast)}
    record = running.single(face, "pod.revoke@1", face.pod(pod), asked, case=case, authority=authority, dry_run=dry_run)
    return _end(face, record, pod, "revoked already: nothing to change")


@command(identities, "restore")
def restore(face: Face, pod: options.Pod, authority: options.Authority = "", dry_run: options.DryRun = False) -> Exit:
    """Give the pod its identity back: exactly what irkit changed is changed back."""
    from irkit.cli import running

    record = running.single(face, "pod.restore@1", face.pod(pod), {}, authority=authority, dry_run=dry_run)
    return _end(face, record, pod, "not revoked: nothing to restore")


def _end(face: Face, record: RunRecord, pod: str, nothing: str) -> Exit:
    """Tell what was done, as the journal has it; raises what kept it from being done."""
    from irkit.cli import running

    error, told, target = running.trouble(record), _told(record), record.target
    if error and not told:
        raise error
    where = {"namespace": target.namespace, "name": target.name, "uid": target.uid} if target else {}
    face.emit({**told, "pod": where, "status": record.status, "run": record.id})
    actions = [action for step in record.steps for action in step.actions]
    for line in [action.what for action in actions] or [nothing]:
        face.show(line)
    for label in ("warnings", "gaps"):
        for line in told[label]:
            face.show(f"{'note' if label == 'warnings' else 'not seen':<10} {line}", "warn")
    if any(action.undo for action in actions):
        face.show(f"{'undo':<10} irkit identity restore {pod}")
    if error:
        face.complain(error)
    return record.status.exit_code


def _told(record: RunRecord) -> dict[str, Any]:
    """What the last step said of itself; empty where it failed before it could."""
    from irkit.playbook.journal import log
    from irkit.playbook.journal.record import Ledger
    from irkit.settings import home

    details = Ledger(log.read(home() / "runs" / record.id)).details
    if "revocation" in details:
        found: dict[str, Any] = details["revocation"]
        return {key: value for key, value in found.items() if key not in ("namespace", "name", "uid")}
    return {key: details[key] for key in ("changes", "warnings", "gaps") if key in details}


def _show_identity(face: Face, found: Identity) -> None:
    face.show(f"{'account':<10} {found.service_account}, revoked: {found.revoked or 'no'}", "bold")
    rows = [
        (each.namespace or "*", each.role, each.binding, each.subject, "yes" if each.revocable else "no, a group's")
        for each in found.grants
    ]
    face.table(("WHERE", "ROLE", "BY", "SUBJECT", "REVOCABLE"), rows)
    face.table(("NAMESPACE", "SECRET", "WHY"), ((each.namespace or "*", each.name, each.why) for each in found.secrets))
    for warning in found.warnings:
        face.show(f"{'note':<10} {warning}", "warn")
    for gap in found.gaps:
        face.show(f"{'missing':<10} {gap}", "warn")
