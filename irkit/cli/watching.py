"""`irkit isolate --watch` and `--ttl`: stay with an isolated pod, and release it when its time is over."""

from __future__ import annotations

from irkit import times
from irkit.cli.face import Face, Output
from irkit.errors import Exit, UsageError
from irkit.model.pod import PodRef
from irkit.model.run import RunRecord


def check(face: Face) -> None:
    """Raise UsageError for an output that a watch cannot speak."""
    if face.output is Output.JSON:
        raise UsageError("a watch says more than one thing", "ask for lines: -o jsonl")


def stay(face: Face, record: RunRecord) -> Exit:
    """Tell each drift as it happens. Ends with exit 5 while one is in force; a release at its time decides else."""
    from irkit.contain.vigil.watch import Watch

    found = record.isolation
    if found is None or not found.engine:
        return record.status.exit_code
    pod = PodRef(found.namespace, found.name, found.uid)
    watch = Watch(pod, face.door(), times.now)
    try:
        for notice in watch.notices():
            face.emit({}, lines=[notice])
            style = {"begun": "bad", "ended": "good"}.get(notice.state, "")
            face.show(f"{times.rfc3339(notice.at)} {notice.state:<6} {notice.drift.kind}: {notice.drift.what}", style)
    except KeyboardInterrupt:
        face.note(_left(watch.until is not None, pod))
        return Exit.UNVERIFIED if watch.force else record.status.exit_code
    if watch.over == "the time is over":
        return _release(face, pod, record.authority)
    return Exit.UNVERIFIED if watch.force else Exit.COMPLETE


def _left(timed: bool, pod: PodRef) -> str:
    again = f"irkit isolate {pod.name} -n {pod.namespace} --watch"
    if timed:
        return f"the pod stays isolated, and nobody watches the time: {again}, or irkit release --expired from cron"
    return f"the pod stays isolated: {again} goes on"


def _release(face: Face, pod: PodRef, authority: str) -> Exit:
    """On the authority of the isolation, whose time was set with it."""
    from irkit.cli import running

    record = running.single(face, "pod.release@1", pod, {"force": False}, authority=authority)
    if error := running.trouble(record):
        raise error
    for step in record.steps:
        for action in step.actions:
            face.show(action.what)
    return record.status.exit_code
