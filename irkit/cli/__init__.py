"""THE FACE: one file per command group; a command parses, calls and prints, and decides nothing."""

import atexit
import gc


def main() -> None:
    """Run the command line; the entry point of `irkit` and `kubectl-irkit`.

    The modules of a command are a hundred thousand objects, and none is garbage: walking them again and again while
    they are read, and once more at the end, would take a sixth of the start of every command.
    """
    gc.set_threshold(10_000)  # new objects between two looks for garbage; Python's own 700 is for small programs
    atexit.register(gc.freeze)
    from irkit.cli import commands

    commands.main()
