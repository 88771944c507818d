"""The command tree as a user sees it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

from irkit.cli.commands import load


def commands() -> dict[str, set[str]]:
    """Every command, such as "bundle verify", with the flags it takes."""
    return dict(_walk(typer.main.get_command(load()), ()))


def _walk(command: Any, path: tuple[str, ...]) -> Iterator[tuple[str, set[str]]]:  # noqa: ANN401 - typer has no name for it
    for name, child in getattr(command, "commands", {}).items():
        yield from _walk(child, (*path, name))
    if not hasattr(command, "commands"):
        flags = {flag for parameter in command.params for flag in (*parameter.opts, *parameter.secondary_opts)}
        yield " ".join(path), {flag for flag in flags if flag.startswith("-")} | {"-h", "--help"}
