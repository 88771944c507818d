"""A real worker for pieces of logs, to be killed: `python -m tests.triggers.queue.scan.worker read|stall ADDRESS`.

read   says `ready`, reads pieces until stdin ends
stall  the same, but says `taken` at its first piece, and never ends with it
"""

from __future__ import annotations

import sys
from datetime import timedelta
from threading import Event

from irkit.audit.afar.reader import Reader
from irkit.triggers.queue.opening import opened
from irkit.triggers.scan.hand import reading

LEASE = timedelta(seconds=1)


class Stalled(Reader):
    """Says that it was asked, and answers never."""

    def answer(self, body: bytes) -> bytes:
        print("taken", flush=True)
        Event().wait()
        return body


def main(role: str, address: str) -> None:
    """Play a role."""
    with reading(opened(address), LEASE, Stalled() if role == "stall" else Reader()):
        print("ready", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
