"""Every command group, one file each."""

from __future__ import annotations

import typer


def load() -> typer.Typer:
    """The whole command tree."""
    from irkit.cli.app import app
    from irkit.cli.commands import (
        attest,
        audit,
        audit_policy,
        baseline,
        bundle,
        capture,
        contain,
        demo,
        detect,
        doctor,
        identity,
        playbook,
        queue,
        rails,
        reach,
        report,
        respond,
        run,
        serve,
        ship,
        timeline,
    )

    # Imported for the commands they register, in the order in which help shows them.
    _ = (
        respond,
        contain,
        identity,
        reach,
        capture,
        audit,
        detect,
        baseline,
        timeline,
        audit_policy,
        bundle,
        attest,
        ship,
        report,
        playbook,
        run,
        serve,
        queue,
        rails,
        demo,
        doctor,
    )
    return app
