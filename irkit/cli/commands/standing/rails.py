"""`irkit rails`, `irkit freeze`, `irkit thaw`: how far runs may go that nobody watches, and how to hold them all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from irkit.cli import options
from irkit.cli.app import app, group
from irkit.cli.command import command
from irkit.cli.face import Face
from irkit.cli.newfile import give
from irkit.errors import Exit, UsageError
from irkit.settings import home

if TYPE_CHECKING:
    from irkit.playbook.rails.lint import Rules

rails = group("rails", "Check, show and try the rails of runs that nobody watches.")

File = Annotated[
    Path | None,
    typer.Option("--rails", envvar="IRKIT_RAILS", metavar="FILE", help="A rails file (default: a dry run of nothing)."),
]
Files = Annotated[list[Path], typer.Argument(metavar="FILE...", help="Rails files.")]
Why = Annotated[str, typer.Argument(metavar="WHY", help="For those who find everything frozen.")]
Action = Annotated[str, typer.Option("--action", metavar="STEP", help="The step that would change the pod.")]
Playbook = Annotated[str, typer.Option("--playbook", metavar="NAME", help="The playbook that it would be part of.")]
Trigger = Annotated[str, typer.Option("--trigger", metavar="SOURCE", help="The name of the alert's source.")]
Severity = Annotated[str, typer.Option("--severity", help="info, low, medium, high or critical.")]
Out = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write here.")]


@command(rails, "lint", online=False)
def lint(face: Face, files: Files) -> Exit:
    """Check rails files; every problem with its line and column. Exit 2 when there are any."""
    from irkit.playbook.rails.lint import lint as check

    return face.faults([(str(file), check(_text(file))) for file in files])


@command(rails, "show", online=False)
def show(face: Face, file: File = None) -> None:
    """Show the policy with its defaults, whether all is frozen, and what was done in the last day."""
    from datetime import timedelta

    import msgspec

    from irkit.playbook.rails.memory import Memory
    from irkit.times import now

    rules, memory = rules_of(file), Memory(home())
    frozen, deeds = memory.frozen(), memory.everywhere(now(), timedelta(days=1))
    policy: dict[str, Any] = {key: getattr(rules.policy, key) for key in rules.policy.__struct_fields__}
    face.emit({"policy": policy, "sha256": rules.sha256, "frozen": frozen, "deeds": deeds})
    face.show(str(frozen) if frozen else "not frozen", "warn" if frozen else "")
    for key, value in policy.items():
        face.show(f"{key:<11} {msgspec.json.encode(value).decode()}")
    head = ("AT", "RUN", "ACTION", "NAMESPACE", "WORKLOAD", "REAL", "FAILED")
    yes = {True: "yes", False: ""}
    rows = [(f"{d.at:%F %T}Z", d.run, d.action, d.namespace, d.workload, yes[d.real], yes[d.failed]) for d in deeds]
    face.table(head, rows)


@command(rails, "explain")
def explain(
    face: Face,
    pod: options.Pod,
    file: File = None,
    action: Action = "pod.isolate@1",
    playbook: Playbook = "compromised-pod",
    trigger: Trigger = "alertmanager",
    severity: Severity = "high",
) -> Exit:
    """Tell what the rails would decide about a pod now, and why; nothing is done. Exit 3 when they would not let it."""
    from irkit.model.audit import Severity as Level
    from irkit.playbook.rails.facts import Occasion
    from irkit.playbook.rails.guard import Guard
    from irkit.playbook.rails.memory import Memory
    from irkit.times import now

    if severity not in list(Level):
        raise UsageError(f"not a severity: {severity!r}", f"one of {', '.join(Level)}")
    guard = Guard(rules_of(file), Memory(home()), Occasion(trigger, Level(severity)))
    decision = guard.explain(action, playbook, face.pod(pod), face.door(), now())
    face.emit({"ruling": decision.ruling, "until": decision.until, "reasons": decision.reasons})
    face.show(f"{decision.ruling}" + (f" until {decision.until:%F %T}Z" if decision.until else ""), "bold")
    for reason in decision.reasons:
        face.show(f"{reason.rule:<12} {reason.why}")
    return Exit.COMPLETE if decision.passes else Exit.REFUSED


@command(rails, "schema", online=False)
def schema(face: Face, out: Out = None) -> None:
    """Print the JSON Schema of rails files, for editors."""
    from irkit.model.codec import pretty
    from irkit.playbook.rails.policy import schema as of_rails

    give(face, pretty(of_rails()), out)


@command(app, "freeze", online=False)
def freeze(face: Face, why: Why) -> None:
    """Hold every run that nobody watches before its next change to the cluster, until irkit thaw."""
    from irkit.playbook.engine import operator
    from irkit.playbook.rails.memory import Memory
    from irkit.times import now

    if not why.strip():
        raise UsageError("a freeze needs a reason", "whoever finds everything frozen at 03:00 reads it")
    frozen = Memory(home()).freeze(operator().os_user, why, now())
    face.emit({"frozen": frozen})
    face.show(str(frozen), "warn")


@command(app, "thaw", online=False)
def thaw(face: Face) -> None:
    """Let them go on."""
    from irkit.playbook.engine import operator
    from irkit.playbook.rails.memory import Memory
    from irkit.times import now

    ended = Memory(home()).thaw(operator().os_user, now())
    face.emit({"frozen": None, "ended": ended})
    face.show(f"thawed; it was {ended}" if ended else "nothing was frozen")


def rules_of(file: Path | None) -> Rules:
    """The rails in `file`, or those that allow nothing; raises UsageError."""
    from irkit.playbook.rails.lint import default, parse

    return parse(_text(file), str(file)) if file else default()


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {file}: {getattr(error, 'strerror', None) or 'not UTF-8'}") from error
