"""The commands that need no cluster, run in this process."""

from __future__ import annotations

from typer.testing import CliRunner, Result

from irkit.cli.commands import load


def irkit(*arguments: object, code: int = 0) -> Result:
    """Run `irkit ARGUMENTS`; fails unless it ends with `code`."""
    ended = CliRunner().invoke(load(), [str(argument) for argument in arguments])
    assert ended.exit_code == code, (ended.output, ended.exception)
    return ended
