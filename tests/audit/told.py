"""What tests `record_property("told", TEXT)` stands at the end of the run, from whichever worker it came."""

from __future__ import annotations

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, ())]
    for report in reports:
        for name, text in getattr(report, "user_properties", ()):
            if name == "told":
                terminalreporter.write_line(str(text))
