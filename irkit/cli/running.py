"""Playbooks started, or gone on with, from the command line."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import typer

from irkit import times
from irkit.cli import options
from irkit.cli.face import Face
from irkit.cli.progress import Lines
from irkit.errors import Exit, IrkitError, Refused, VerificationError
from irkit.model.run import RunRecord, Status, StepRecord
from irkit.settings import SealSettings, StoreSettings, home

if TYPE_CHECKING:
    from irkit.model.pod import PodRef
    from irkit.playbook.engine import Settings, Setup
    from irkit.playbook.schema import Pinned


def setup(face: Face) -> Setup:
    """What surrounds every run that this command drives."""
    from irkit.playbook.engine import Setup

    return Setup(home(), progress=Lines(face))


def settings(face: Face, store: StoreSettings | None = None, sealing: SealSettings | None = None) -> Settings:
    """The cluster, store and seal that the flags ask for."""
    from irkit.playbook.engine import Settings

    return Settings(face.cluster, store or StoreSettings(), sealing or SealSettings())


def settings_again(face: Face, run: str, store: str | None, endpoint: str | None) -> Settings | None:
    """The settings of `run` with what the flags change; None where they change nothing."""
    from irkit.playbook import engine

    if not (face.cluster.kubeconfig or face.cluster.context or store or endpoint):
        return None
    own = engine.settings_of(run, setup(face))
    cluster = replace(
        own.cluster,
        kubeconfig=face.cluster.kubeconfig or own.cluster.kubeconfig,
        context=face.cluster.context or own.cluster.context,
    )
    kept = replace(own.store, url=store or own.store.url, s3_endpoint_url=endpoint or own.store.s3_endpoint_url)
    return engine.Settings(cluster, kept, own.sealing)


def start(
    face: Face,
    pinned: Pinned,
    inputs: Mapping[str, Any],
    *,
    store: StoreSettings | None = None,
    sealing: SealSettings | None = None,
    case: str | None = None,
    authority: str = "",
    dry_run: bool = False,
) -> RunRecord:
    """Run a playbook from its beginning."""
    from irkit.playbook import engine, runs

    surroundings = setup(face)
    begin = partial(
        engine.run,
        pinned,
        inputs,
        surroundings,
        run_id=runs.new_id(times.now(), os.urandom(3)),
        settings=settings(face, store, sealing),
        case=case or "",
        authority=options.stated(authority),
        dry_run=dry_run,
    )
    record = engine.run_in_turn(begin, surroundings, face.note)
    if record.id != begin.keywords["run_id"]:
        face.note(f"joined run {record.id}, which is under way for the same key; no run was started", "warn")
    return record


def single(
    face: Face,
    uses: str,
    pod: PodRef,
    params: dict[str, Any],
    *,
    case: str | None = None,
    authority: str = "",
    dry_run: bool = False,
) -> RunRecord:
    """Start, and carry out, the one step `uses` on one pod."""
    from irkit.playbook.registry import single as pinned

    return start(face, pinned(uses, pod, params), {}, case=case, authority=authority, dry_run=dry_run)


def finish(face: Face, record: RunRecord) -> Exit:
    """Tell a run that has ended, and say how the command ends; raises what kept it from ever finding its pod."""
    from irkit.cli import summary

    error = trouble(record)
    if error and record.target is None and record.scope is None:
        raise error
    face.emit(record)
    summary.conclude(face, record)
    if error:
        face.complain(error)
    return record.status.exit_code


def trouble(record: RunRecord) -> IrkitError | None:
    """The gravest step that did not do its work, or whose work does not hold; None where gaps are the worst."""
    for status, kind in (
        (Status.FAILED, IrkitError),
        (Status.UNVERIFIED, VerificationError),
        (Status.REFUSED, Refused),
    ):
        for step in record.steps:
            if step.status is status:
                return kind(step.summary, _remedy(step))
    return None


def _remedy(step: StepRecord) -> str:
    """What to do about a step; of one that came to no end, with what takes back as far as it came."""
    undo = next((action.undo for action in step.actions if action.undo), "")
    if not undo or step.status is Status.UNVERIFIED:
        return step.hint
    return "; ".join(filter(None, (step.hint, f"{undo} takes back what was begun")))


def confirm(face: Face, question: str, *, yes: bool) -> None:
    """Ask before something that cannot simply be undone; raises Refused where the answer is no, or nobody is there."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise Refused(f"not done without a yes: {question}", "give --yes")
    if not typer.confirm(question, err=True):
        raise Refused("not confirmed", "nothing was changed")


def confirm_playbook(face: Face, pinned: Pinned, target: str, *, yes: bool) -> None:
    """Ask, on a terminal, before a playbook that changes the cluster; a script has decided by calling us."""
    from irkit.playbook.registry import step

    changing = [step(spec.does).about for spec in pinned.playbook.every_step if step(spec.does).effect.changes_cluster]
    if changing and not yes and sys.stdin.isatty() and sys.stderr.isatty():
        confirm(face, f"{target}: {', '.join(changing)}?", yes=False)
