"""Every command group, one file each."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

import typer

# File to the commands it registers, in the order in which help shows them.
FILES: dict[str, tuple[str, ...]] = {
    "respond": ("respond",),
    "contain": ("isolate", "release"),
    "identity": ("identity",),
    "reach": ("reach",),
    "capture": ("capture",),
    "audit": ("audit search",),
    "detect": ("audit detect",),
    "baseline": ("audit baseline",),
    "timeline": ("audit timeline",),
    "audit_policy": ("audit policy",),
    "bundle": ("bundle verify", "bundle ls", "bundle cat"),
    "attest": tuple(f"bundle {name}" for name in "keygen seal sign stamp unseal transfer diff".split()),
    "ship": ("ship",),
    "report": ("report",),
    "playbook": ("playbook",),
    "run": ("run ls", "run show", "run resume", "run undo"),
    "approvals": ("run approve", "run deny", "run cancel"),
    "serve": ("serve",),
    "queue": ("queue",),
    "rails": ("rails", "freeze", "thaw"),
    "demo": ("demo", "drill"),
    "doctor": ("doctor", "rbac"),
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
