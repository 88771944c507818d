"""Every command group, one file each."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

import typer

# File to the commands it registers, in the order in which help shows them.
FILES: dict[str, tuple[str, ...]] = {
    "incident.respond": ("respond",),
    "incident.contain": ("isolate", "release"),
    "incident.identity": ("identity",),
    "incident.reach": ("reach",),
    "incident.capture": ("capture",),
    "logs.audit": ("audit search",),
    "logs.detect": ("audit detect",),
    "logs.baseline": ("audit baseline",),
    "logs.timeline": ("audit timeline",),
    "logs.audit_policy": ("audit policy",),
    "bundles.bundle": ("bundle verify", "bundle ls", "bundle cat"),
    "bundles.attest": tuple(f"bundle {name}" for name in "keygen seal sign stamp unseal transfer diff".split()),
    "incident.ship": ("ship",),
    "incident.report": ("report",),
    "before.playbook": ("playbook",),
    "incident.run": ("run ls", "run show", "run resume", "run undo"),
    "incident.approvals": ("run approve", "run deny", "run cancel"),
    "standing.serve": ("serve",),
    "standing.queue": ("queue",),
    "standing.rails": ("rails", "freeze", "thaw"),
    "before.demo": ("demo", "drill"),
    "before.doctor": ("doctor", "rbac"),
}


def main() -> None:
    """Run the command line, with no more of the tree than it names."""
    load(sys.argv[1:])()


def load(words: Sequence[str] = ()) -> typer.Typer:
    """The command tree: each file registers its commands as it is imported.

    All of it, or the file alone that holds the command which `words` begin with: the others would take longer to read
    than a small search. Help, completion and what is misspelt begin with no command, and get all.
    """
    from irkit.cli.app import app

    for name in _holding(words) or FILES:
        import_module(f"{__name__}.{name}")
    return app


def _holding(words: Sequence[str]) -> list[str]:
    begun = {" ".join(words[:length]) for length in (1, 2)}
    return [name for name, held in FILES.items() if not begun.isdisjoint(held)]
