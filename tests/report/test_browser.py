"""The report in a real browser: it shows, it complains of nothing, and its policy holds against what gets in."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from irkit.report.render import render
from tests.report import records

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
LEFT_OUT = "LEFT OUT: no chromium here, the report was not opened in a browser"
pytestmark = pytest.mark.skipif(BROWSER is None, reason=LEFT_OUT)


def browse(page: Path, *flags: str) -> tuple[str, list[str]]:
    """What the browser prints for `page`, and the lines of its console."""
    fixed = ["--headless", "--disable-gpu", "--disable-background-networking", "--enable-logging=stderr", "--v=0"]
    rights = ["--no-sandbox"] if os.geteuid() == 0 else []
    command = [str(BROWSER), *fixed, *rights, f"--user-data-dir={page.parent / 'browser'}", *flags, page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=True, errors="replace")
    return done.stdout, [line for line in done.stderr.splitlines() if ":CONSOLE" in line]


def page(tmp_path: Path, name: str, *changes: tuple[str, str]) -> Path:
    html = render(records.ALL[name](), "html")
    for old, new in changes:
        assert old in html
        html = html.replace(old, new, 1)
    path = tmp_path / "report.html"
    path.write_text(html, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["incident", "hostile", "bare"])
def test_it_shows_and_complains_of_nothing(tmp_path: Path, name: str) -> None:
    dom, console = browse(page(tmp_path, name), "--dump-dom")
    assert console == []
    assert "<h1>" in dom
    assert "What the verdicts mean" in dom
    assert not re.search(r"<(script|img|iframe|object|embed)\b", dom)
    assert len(re.findall(r"<section\b", dom)) == 9


def test_it_is_drawn(tmp_path: Path) -> None:
    picture = tmp_path / "report.png"
    _, console = browse(page(tmp_path, "incident"), f"--screenshot={picture}", "--window-size=1280,1600")
    assert console == []
    assert picture.stat().st_size > 100_000  # a page without its stylesheet, or a blank one, is far smaller


def test_it_can_be_printed(tmp_path: Path) -> None:
    printed = tmp_path / "report.pdf"
    _, console = browse(page(tmp_path, "incident"), f"--print-to-pdf={printed}", "--no-pdf-header-footer")
    assert console == []
    assert printed.read_bytes()[:5] == b"%PDF-"


def test_the_policy_stops_what_escaping_might_one_day_miss(tmp_path: Path) -> None:
    smuggled = (
        "<script>document.title = 'owned'</script>"
        "<img src='https://evil.example/x.png' onerror=\"document.title='owned'\">"
        "<p style='position:fixed'>x</p></footer>"
    )
    dom, console = browse(page(tmp_path, "incident", ("</footer>", smuggled)), "--dump-dom")
    assert "<title>owned</title>" not in dom
    said = "\n".join(console)
    for directive in ("script", "img-src", "style-src"):
        assert directive in said
