"""The command tree."""

from __future__ import annotations

from typing import Annotated

import typer

from irkit import __version__

app = typer.Typer(
    name="irkit",
    help=(
        "Incident response and forensics for Kubernetes. At 03:00: irkit respond POD -n NS. "
        "To try it without a cluster: irkit demo."
    ),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"irkit {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Take the flags that stand before any command."""


def group(name: str, help_text: str) -> typer.Typer:
    """A sub-tree `irkit NAME ...`."""
    made = typer.Typer(name=name, help=help_text, no_args_is_help=True, rich_markup_mode=None)
    app.add_typer(made)
    return made
