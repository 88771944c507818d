"""report.md as a second reader sees it: the structure is ours alone, whatever the data tries."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from irkit.report.render import render
from tests.report import records

HEADINGS = [
    *("Key moments", "What to do next", "Containment", "Timeline", "Target", "Evidence", "What is missing"),
    *("What was collected", "Audit log", "Actions and undo", "Custody", "What the verdicts mean"),
]


def tokens(name: str) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(render(records.ALL[name](), "md"))


def every(found: list[Token]) -> Iterator[Token]:
    for token in found:
        yield token
        yield from token.children or ()


@pytest.mark.parametrize("name", sorted(records.ALL))
def test_the_headings_are_ours(name: str) -> None:
    found = tokens(name)
    inline = [later.content for token, later in zip(found, found[1:], strict=False) if token.type == "heading_open"]
    assert inline[1:] == HEADINGS


@pytest.mark.parametrize("name", sorted(records.ALL))
def test_there_is_no_html_no_link_and_no_picture(name: str) -> None:
    kinds = {token.type for token in every(tokens(name))}
    assert not kinds & {"html_inline", "html_block", "link_open", "image", "code_block", "hr"}


@pytest.mark.parametrize("name", sorted(records.ALL))
def test_every_row_has_as_many_cells_as_its_head(name: str) -> None:
    """markdown-it drops cells beyond the head's; so the rows are counted in the text, pipes that are escaped aside."""
    widths: list[int] = []
    for line in render(records.ALL[name](), "md").splitlines():
        cells = len(re.findall(r"(?<!\\)\|", line)) if line.startswith("|") else 0
        if cells and widths:
            assert cells == widths[-1], line[:200]
        widths = [*widths, cells] if cells else []


def test_hostile_text_arrives_as_it_is() -> None:
    text = "".join(token.content for token in every(tokens("hostile")) if token.type == "text")
    assert "<script>alert(1)</script>" in text
    assert "**bold** [x](http://evil.example)" in text
    assert "\\x1b[31mred" in text
