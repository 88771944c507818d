"""What the docs say is what the program does."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from irkit.collect.registry import COLLECTORS
from irkit.errors import Exit
from irkit.model.evidence import GapReason
from irkit.model.isolation import Verdict
from irkit.playbook.registry import STEPS
from tests.cli.tree import commands

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md"))]
TEXT = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)


def _shown(page: Path) -> Iterator[str]:
    """Every irkit command line in a page's code blocks."""
    blocks = re.findall(r"^```[a-z]*\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    for line in "\n".join(blocks).replace("\\\n", " ").splitlines():
        yield from re.findall(r"^(?:\$ )?((?:kubectl )?irkit .*)$", line)


@pytest.mark.parametrize("name", sorted(commands()))
def test_every_command_is_documented(name: str) -> None:
    assert f"irkit {name}" in TEXT


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_line_shown_exists(page: Path) -> None:
    known = commands()
    for line in _shown(page):
        words = shlex.split(line.split("|")[0], comments=True)
        words = words[words.index("irkit") + 1 :]
        name = next((name for many in (3, 2, 1) if (name := " ".join(words[:many])) in known), None)
        assert name or words[0].startswith("-"), line
        unknown = {word.partition("=")[0] for word in words if word.startswith("-")} - known.get(
            name or "", {"--version"}
        )
        assert not unknown, line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_page_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
        assert target.startswith("https://") or (page.parent / target).exists(), target


def test_every_step_collector_reason_and_verdict_is_documented() -> None:
    assert [step.name for step in STEPS if f"`{step.name}`" not in TEXT] == []
    assert [collector.name for collector in COLLECTORS if f"### {collector.name}\n" not in TEXT] == []
    assert [word for word in (*GapReason, *Verdict) if f"`{word}`" not in TEXT] == []


def test_every_exit_code_is_documented() -> None:
    page = (ROOT / "docs" / "respond.md").read_text(encoding="utf-8")
    assert [code for code in Exit if f"| {int(code)} |" not in page] == []
