"""What a command says, and where: one JSON document or plain text on stdout, everything else on stderr."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from irkit.errors import Exit, IrkitError, UsageError
from irkit.settings import ClusterSettings
from irkit.text import safe

if TYPE_CHECKING:
    from irkit.cluster.protocol import Cluster
    from irkit.model.evidence import Gap
    from irkit.model.pod import PodRef

_POD = re.compile(r"\A(?:po|pods?)/")
_COLORS = {"good": "32", "warn": "33", "bad": "31", "dim": "2", "bold": "1"}


class Output(StrEnum):
    """Values of `-o`."""

    TEXT = "text"
    JSON = "json"
    JSONL = "jsonl"


def silence() -> None:
    """Nobody hears stdout any more: keep the interpreter from complaining about it at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@dataclass(frozen=True, slots=True)
class Face:
    """One command's mouth. Text from a cluster passes `safe` here, once, so no command needs to think of it."""

    output: Output = Output.TEXT
    quiet: bool = False
    color: bool = False
    cluster: ClusterSettings = field(default_factory=ClusterSettings)
    namespace: str | None = None  # None: the context's, as with kubectl

    def note(self, text: str, style: str = "") -> None:
        """One line of chatter on stderr."""
        if not self.quiet:
            print(self.paint(safe(text), style), file=sys.stderr, flush=True)

    def show(self, text: str, style: str = "") -> None:
        """One line of the answer on stdout, whatever a name holds; nothing where JSON was asked for."""
        if self.output is Output.TEXT:
            print(self.paint(safe(text), style))

    def block(self, text: str) -> None:
        """A text of many lines, as it stands: a manifest, a file."""
        if self.output is Output.TEXT:
            print(safe(text, keep="\n\t"))

    def table(self, head: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
        """Aligned columns on stdout, the last one unpadded; nothing where JSON was asked for."""
        cells = [[safe(str(cell)) for cell in row] for row in (head, *rows)]
        widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
        for number, row in enumerate(cells):
            line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            if self.output is Output.TEXT:
                print(self.paint(line, "" if number else "bold"))

    def emit(self, noun: Any, *, lines: Iterable[Any] | None = None) -> None:  # noqa: ANN401 - any noun
        """The answer as JSON: one document for `-o json`; for `-o jsonl` one line for each of `lines` (or the noun)."""
        from irkit.model.codec import compact, pretty

        if self.output is Output.JSON:
            sys.stdout.buffer.write(pretty(noun))
        elif self.output is Output.JSONL:
            for line in [noun] if lines is None else lines:
                sys.stdout.buffer.write(compact(line) + b"\n")
        sys.stdout.flush()

    def missing(self, gaps: Sequence[Gap]) -> Exit:
        """What could not be read, with its remedy; the exit code that says so."""
        for gap in gaps:
            self.note(f"missing: {gap.target}: {gap.detail}; try: {gap.remedy}", "warn")
        return Exit.GAPS if gaps else Exit.COMPLETE

    def faults(self, checked: Sequence[tuple[str, Iterable[object]]], names: str = "") -> Exit:
        """What is wrong with each file that was checked, by line and column; where nothing is, their `names`."""
        from irkit.model.codec import plain

        rows = [{"file": file, **plain(problem)} for file, problems in checked for problem in problems]
        self.emit({"checked": [file for file, _ in checked], "problems": rows}, lines=rows)
        for row in rows:
            check = f" ({row['check']})" if "check" in row else ""
            text = f"{row['file']}:{row['line']}:{row['column']}: {row['message']}{check}"
            self.show(text, "bad" if row.get("fatal", True) else "warn")
        if not rows:
            self.show(f"{len(checked)} good{f': {names}' if names else ''}", "good")
        return Exit.USAGE if rows else Exit.COMPLETE

    def fail(self, error: IrkitError) -> Exit:
        """What went wrong, on stderr and, where JSON was asked for, as the answer."""
        self.complain(error)
        try:
            self.emit({"error": self.told(error)})
        except OSError:  # stdout itself is what failed
            silence()
        return error.exit_code

    def told(self, error: IrkitError) -> dict[str, Any]:
        """An error as JSON says it."""
        return {"message": error.message, "hint": error.hint, "exit_code": int(error.exit_code)}

    def complain(self, error: IrkitError) -> None:
        """What went wrong in one line on stderr, the remedy in the next, quiet or not."""
        print(self.paint(f"irkit: {safe(error.message)}", "bad"), file=sys.stderr)
        if error.hint:
            print(self.paint(f"  try: {safe(error.hint)}", "dim"), file=sys.stderr)

    def paint(self, text: str, style: str) -> str:
        """`text` in a style, or as it is where colour is off."""
        return f"\x1b[{_COLORS[style]}m{text}\x1b[0m" if self.color and style else text

    def pod(self, name: str) -> PodRef:
        """The pod a command names: `web`, `pod/web` or `payments/web`; raises UsageError, as for `deployment/web`."""
        from irkit.model.pod import PodRef

        namespace, slash, rest = _POD.sub("", name).rpartition("/")
        if not slash:
            return PodRef(self.resolved_namespace(), rest)
        from irkit.collect.wide.select import is_workload

        if is_workload(name):
            hint = "name a pod; irkit capture takes the evidence of all pods of a workload"
            raise UsageError(f"one pod is meant, not a workload: {name!r}", hint)
        return PodRef(namespace, rest)

    def door(self) -> Cluster:
        """The cluster that the flags choose."""
        from irkit.playbook.door import connect

        return connect(self.cluster)

    def resolved_namespace(self) -> str:
        """The namespace in force: `-n`, else the context's, else "default"."""
        if self.namespace:
            return self.namespace
        from irkit.cluster.client import default_namespace

        return default_namespace(self.cluster)
