"""Run every benchmark, or those named: `python -m benchmarks [NAME...]`."""

from __future__ import annotations

import importlib
import pkgutil
import sys

import benchmarks

KNOWN = sorted(module.name for module in pkgutil.iter_modules(benchmarks.__path__) if not module.name.startswith("_"))


def main(asked: list[str]) -> int:
    """Run the benchmarks; returns the exit status."""
    if unknown := set(asked) - set(KNOWN):
        print(f"no such benchmark: {', '.join(sorted(unknown))}; there are: {', '.join(KNOWN)}", file=sys.stderr)
        return 2
    for name in asked or KNOWN:
        print(f"\n== {name}")
        importlib.import_module(f"benchmarks.{name}").main()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
