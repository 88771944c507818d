"""The probe's output as JSON lines: `{"pid", "file", ...}`, the content under the name that says what it is."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator

from irkit.cluster.protocol import Json
from irkit.collect import gaps
from irkit.model.codec import compact

LONGEST = 64 << 20  # bytes of one line: a /proc file in base64


def rows(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """One JSON line for each /proc file; raises `gaps.Unfit` for a line that no such file fills."""
    held = bytearray()
    for chunk in chunks:
        held += chunk
        if b"\n" in chunk:
            *lines, held = held.split(b"\n")
            yield from (compact(row(bytes(line))) + b"\n" for line in lines if line)
        if len(held) > LONGEST:
            raise gaps.Unfit(f"a line of more than {LONGEST >> 20} MiB")
    if held:
        yield compact(row(bytes(held))) + b"\n"


def row(line: bytes) -> Json:
    """What one line of the probe's says; a line that is none of ours is kept under "stray"."""
    parts = line.split(b" ")
    try:
        pid, what, content = int(parts[0]), parts[1].decode("ascii"), base64.b64decode(parts[2], validate=True)
    except (ValueError, IndexError, binascii.Error):
        return {"pid": 0, "file": "stray", "text": _text(line)}
    found: Json = {"pid": pid, "file": what}
    if what == "cmdline":
        return found | {"args": [_text(each) for each in content.removesuffix(b"\0").split(b"\0")] if content else []}
    if what == "fd":
        names = content.split(b"\0")[:-1]
        return found | {"fds": {_text(key): _text(to) for key, to in zip(names[::2], names[1::2], strict=False)}}
    return found | {"text": _text(content)}


def _text(content: bytes) -> str:
    r"""Bytes that are no UTF-8 are shown as `\xff`."""
    return content.decode("utf-8", "backslashreplace")
