"""THE FACE: one file per command group; a command parses, calls and prints, and decides nothing."""


def main() -> None:
    """Run the command line; the entry point of `irkit` and `kubectl-irkit`."""
    from irkit.cli import commands

    commands.main()
