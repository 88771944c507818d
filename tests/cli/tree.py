"""The command tree as a user sees it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

from irkit.cli.commands import load


def commands() -> dict[str, set[str]]:
    """Every command, such as "bundle verify", with the flags it takes."""
    return {name: _flags(command) for name, command in _all()}


def files() -> dict[str, str]:
    """Every command with the file of `irkit.cli.commands` that registers it, such as "logs.audit"."""
    return {name: ".".join(command.callback.__module__.split(".")[3:]) for name, command in _all()}


def _all() -> Iterator[tuple[str, Any]]:
    yield from _walk(typer.main.get_command(load()), ())


def _walk(command: Any, path: tuple[str, ...]) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - typer has no name for it
    for name, child in getattr(command, "commands", {}).items():
        yield from _walk(child, (*path, name))
    if not hasattr(command, "commands"):
        yield " ".join(path), command


def _flags(command: Any) -> set[str]:  # noqa: ANN401 - likewise
    flags = {flag for parameter in command.params for flag in (*parameter.opts, *parameter.secondary_opts)}
    return {flag for flag in flags if flag.startswith("-")} | {"-h", "--help"}
