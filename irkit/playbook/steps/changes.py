"""What a step changes on the cluster, as its run tells it: done, or what a dry run would have done."""

from __future__ import annotations

from collections.abc import Iterable

from irkit.model.isolation import Change
from irkit.model.run import Action
from irkit.playbook.steps.step import Context

_DONE = {"create": "created", "patch": "changed", "delete": "deleted"}


def merged(before: Iterable[Change], after: Iterable[Change]) -> tuple[Change, ...]:
    """Changes begun before a crash and those made since, each object's once."""
    return tuple(
        {(change.action, change.kind, change.name, change.detail): change for change in (*before, *after)}.values()
    )


def actions(changes: Iterable[Change], context: Context, *, undoable: bool = False) -> tuple[Action, ...]:
    """Each change in words; with what takes it back, where that is `undoable` and was done."""
    undo = f"irkit run undo {context.run}" if undoable and not context.dry_run else ""
    return tuple(Action(_described(change, would(context)), undo) for change in changes)


def begun(changes: Iterable[Change], undo: str) -> tuple[Action, ...]:
    """Those of a step that came to no good end, of which nobody knows whether they were made; `undo`: a command."""
    return tuple(Action(_described(change, "may have been "), undo) for change in changes)


def would(context: Context) -> str:
    """What stands before a participle in a dry run."""
    return "would be " if context.dry_run else ""


def _described(change: Change, would: str) -> str:
    done = _DONE.get(change.action, change.action)
    detail = f" ({change.detail})" if change.detail else ""
    return f"{change.kind} {change.place} {would}{done}{detail}"
