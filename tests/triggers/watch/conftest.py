"""One practice cluster and one browser for all that is tried on the page."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from irkit.drill.range.server import Range, start
from tests.triggers.watch.stage import LEAD, Stage

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)


@pytest.fixture(scope="session")
def watch_range(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Range]:
    with start(home=tmp_path_factory.mktemp("range")) as range_:
        yield range_


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A real Chromium; without one the test is left out, or fails where IRKIT_TEST_REQUIRE_REAL is set, as in CI."""
    if BROWSER is None:
        message = "no chromium here: the watch page was not opened in a browser"
        if os.environ.get("IRKIT_TEST_REQUIRE_REAL"):
            pytest.fail(message)
        pytest.skip(f"LEFT OUT: {message}")
    with sync_playwright() as playwright:
        rights = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=BROWSER, args=rights)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page of a browser that nobody is logged in with; it must have complained of nothing."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    found = context.new_page()
    complaints: list[str] = []
    found.on("pageerror", lambda error: complaints.append(str(error)))
    found.on("console", lambda said: complaints.append(said.text) if "Content Security Policy" in said.text else None)
    yield found
    context.close()
    assert complaints == []


def log_in(page: Page, stage: Stage, token: str = LEAD) -> None:
    page.goto(stage.url)
    page.get_by_label("Token").fill(token)
    page.keyboard.press("Enter")
    page.wait_for_url(stage.url)
