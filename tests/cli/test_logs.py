"""The log: a JSON object a line whatever is logged, and nothing that steers a terminal."""

from __future__ import annotations

import json
import logging
import subprocess
import sys

import pytest

from irkit.cli.logs import JsonLines, Text

EVIL = "a\x1b[31m\u202eb\nc"


def record(message: str, *, error: Exception | None = None) -> logging.LogRecord:
    info = (type(error), error, None) if error else None
    return logging.LogRecord("irkit.triggers", logging.WARNING, "", 0, "%s", (message,), info)


@pytest.mark.parametrize("message", ["plain", EVIL, '"}\n{"', "\ud800", ""])
def test_a_line_is_one_object_with_the_message_whole(message: str) -> None:
    line = JsonLines().format(record(message, error=ValueError(message)))
    told = json.loads(line)
    assert (told["level"], told["logger"], told["message"]) == ("warning", "irkit.triggers", message)
    assert "ValueError" in told["error"]
    assert line.isprintable()


def test_for_people_what_steers_a_terminal_is_shown() -> None:
    line = Text("%(message)s").format(record(EVIL))
    assert line == "a\\x1b[31m\\u202eb\nc"


def test_the_flag_chooses() -> None:
    command = [sys.executable, "-m", "irkit", "playbook", "ls", "--log-format", "yaml"]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert told.returncode == 2
    assert "log-format" in told.stderr
