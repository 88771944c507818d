"""THE FACE: one file per command group; a command parses, calls and prints, and decides nothing."""

import atexit
import gc
import os
import sys


def main() -> None:
    """Run the command line; the entry point of `irkit` and `kubectl-irkit`.

    The modules of a command are a hundred thousand objects, and none is garbage: walking them again and again while
    they are read, and once more at the end, would take a sixth of the start of every command.
    """
    gc.set_threshold(10_000)  # new objects between two looks for garbage; Python's own 700 is for small programs
    atexit.register(gc.freeze)
    _take_places()
    try:
        from irkit.cli import commands

        commands.main()
    except KeyboardInterrupt:  # before a command could tell of it
        sys.exit("irkit: interrupted")


def _take_places() -> None:
    """Open on nothing what was closed before (`>&-`): the next file would take its number, and get what is printed."""
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        if getattr(sys, name) is None:
            nothing = os.open(os.devnull, os.O_RDWR)
            if nothing != number:
                os.dup2(nothing, number)
                os.close(nothing)
            setattr(sys, name, os.fdopen(number, mode))
