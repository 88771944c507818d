"""Text that stays text in Markdown: in prose, in a table cell, in a code span, in a fence."""

from __future__ import annotations

import re

from irkit.text import safe


class Marked(str):
    """Markdown already, not to be escaped again."""

    __slots__ = ()


# Entities, not backslashes, for what could become HTML: not every renderer knows `\<`.
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_META = re.compile(r"[\\`*_\[\]|~$@]|[&<>]|(?<=\w):(?=//)|(?<=www)\.", re.IGNORECASE)
# What begins a list, a heading or a rule when it comes first: "- ", "---", "+ ", "= ", "1. ", "1) "; "1.5" does not.
_FIRST = re.compile(r"^(\s*)(?:([-+=#])|(\d+)([.)])(?=\s|$))")


def prose(text: str) -> str:
    """`text` for a sentence or a table cell: no mark-up, no link, no line break."""
    shown = _META.sub(lambda hit: _ENTITIES.get(hit[0], "\\" + hit[0]), safe(text))
    return _FIRST.sub(lambda hit: f"{hit[1]}{hit[3] or ''}\\{hit[2] or hit[4]}", shown)


def code(text: str) -> Marked:
    """`text` as a code span that is also safe in a table, where even code must escape its pipes."""
    shown = safe(text).replace("|", "\\|")
    if not shown.strip():
        return Marked("")
    ticks = "`" * (_longest(shown) + 1)
    pad = " " if shown[0] == "`" or shown[-1] == "`" else ""
    return Marked(f"{ticks}{pad}{shown}{pad}{ticks}")


def fence(text: str) -> Marked:
    """`text` as a fenced block, its fence longer than any run of backticks within."""
    ticks = "`" * max(3, _longest(text) + 1)
    return Marked(f"{ticks}text\n{safe(text, keep=chr(10))}\n{ticks}")


def _longest(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)
