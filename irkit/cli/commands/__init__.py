"""Every command group, one file each."""

from __future__ import annotations

from importlib import import_module

import typer

# In the order in which help shows them.
FILES = (
    "respond",
    "contain",
    "identity",
    "reach",
    "capture",
    "audit",
    "detect",
    "baseline",
    "timeline",
    "audit_policy",
    "bundle",
    "attest",
    "ship",
    "report",
    "playbook",
    "run",
    "approvals",
    "serve",
    "queue",
    "rails",
    "demo",
    "doctor",
)


def load() -> typer.Typer:
    """The whole command tree: each file registers its commands as it is imported."""
    from irkit.cli.app import app

    for name in FILES:
        import_module(f"{__name__}.{name}")
    return app
