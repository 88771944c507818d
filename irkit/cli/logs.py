"""The log on stderr: for people, or one JSON object a line for machines. Nothing that is logged holds a secret."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from enum import StrEnum

from irkit.text import quoted, safe
from irkit.times import rfc3339


class LogFormat(StrEnum):
    """How a line of the log looks."""

    TEXT = "text"
    JSON = "json"


class JsonLines(logging.Formatter):
    """`at`, `level`, `logger`, `message`; `error` with a traceback where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, whatever is in it."""
        told = {
            "at": rfc3339(datetime.fromtimestamp(record.created, UTC)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            told["error"] = self.formatException(record.exc_info)
        return quoted(json.dumps(told, ensure_ascii=False)).replace("\n", "")


class Text(logging.Formatter):
    """For a terminal: what steers one is shown as an escape."""

    def format(self, record: logging.LogRecord) -> str:
        """Lines for a person."""
        return safe(super().format(record), keep="\n")


def configure(level: int, form: LogFormat) -> None:
    """Log to stderr from `level` on."""
    handler = logging.StreamHandler(sys.stderr)
    text = Text("%(asctime)s %(levelname)s %(name)s: %(message)s")
    handler.setFormatter(JsonLines() if form is LogFormat.JSON else text)
    logging.basicConfig(level=level, handlers=[handler])
    # At debug it writes down the headers that it sends, session token and all.
    logging.getLogger("botocore").setLevel(max(level, logging.INFO))
