"""What a file holds, told from its first lines, never from its name; what cannot be read is a Gap with its remedy."""

from __future__ import annotations

import errno
from dataclasses import replace
from itertools import islice
from pathlib import Path

from irkit.audit.read.blocks import Form, Source, blocks
from irkit.audit.read.event import decode, whole
from irkit.audit.read.foreign.shapes import expand
from irkit.audit.read.unpack import Torn, is_packed
from irkit.model.evidence import Gap, GapReason

COLLECTOR = "audit"
SNIFF = 20  # lines looked at to tell an audit log from anything else
_TAR, _TAR_AT = b"ustar", 257  # POSIX pax, "ustar Interchange Format"
WHERE = "the API server's --audit-log-path names the file; one line of it is one JSON object of audit.k8s.io/v1"

Found = Source | Gap


def look(path: Path, label: str) -> Found:
    """The source at `path`, under the name that the user gave it."""
    label = named(label)
    try:
        return _look(path, label)
    except OSError as error:
        return refused(label, error)
    except Torn as error:
        return gap(label, GapReason.TRUNCATED, str(error), "take the file again from the control plane node")


def refused(label: str, error: OSError) -> Gap:
    """The gap where the system keeps us from a source."""
    if isinstance(error, FileNotFoundError):
        return gap(label, GapReason.ABSENT, "no such file", WHERE)
    if isinstance(error, PermissionError):
        return gap(label, GapReason.DENIED, "not allowed to read it", "run as a user who may, or copy the file")
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    remedy = "free some space where temporary files go (TMPDIR)" if full else "try with a copy of the file"
    return gap(label, GapReason.FAILED, error.strerror or "cannot be read", remedy)


def named(name: str) -> str:
    r"""A file's name as text that any encoding holds: bytes that are no UTF-8 as `\xff`."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _look(path: Path, label: str) -> Found:
    if not path.is_file():
        path.stat()  # tells whether it is there, and may be read
        return gap(label, GapReason.INVALID, "not a plain file", "pipe what it gives into -")
    source = Source(path, label, path.stat().st_size, packed=is_packed(path))
    if not source.size:
        return gap(label, GapReason.ABSENT, "the file is empty", WHERE)
    first = _first(source)
    form = _form(source, first)
    if form is None:
        return gap(label, GapReason.INVALID, "not an audit log: no audit.k8s.io event in it", WHERE)
    if first and first[0][_TAR_AT:].startswith(_TAR):  # its headers would swallow the first event of each file
        return gap(label, GapReason.FAILED, "a tar archive of audit logs", "unpack it, and name the folder")
    return replace(source, form=form)


def _form(source: Source, first: list[bytes]) -> Form | None:
    """How events lie in the source, by its first lines (some may be torn); None where none is found."""
    if not _laid_out(first):
        if any(decode(line) is not None for line in first[:SNIFF]):
            return Form.NATIVE
        if any(expand(line) for line in first[:SNIFF]):
            return Form.WRAPPED
    try:
        found = (line for block in blocks(replace(source, form=Form.DOCUMENT)) for _, line in block.lines())
        return Form.DOCUMENT if any(decode(line) is not None for line in found) else None
    except Torn:
        if first and first[0].startswith((b"{", b"[")):
            raise  # it may well be one
        return None


def _laid_out(first: list[bytes]) -> bool:
    """Whether a short file is one JSON text, an event a line: the last, with no comma behind it, is no log's line."""
    return 1 < len(first) < 2 * SNIFF and decode(first[0]) is None and whole(b"\n".join(first)) is not None


def _first(source: Source) -> list[bytes]:
    """The first lines, twice SNIFF; raises Torn where not even one can be read."""
    first: list[bytes] = []
    try:
        for line in islice((line for block in blocks(source) for _, line in block.lines()), 2 * SNIFF):
            first.append(line)
    except Torn:
        if not first:
            raise
    return first


def gap(label: str, reason: GapReason, detail: str, remedy: str) -> Gap:
    """The gap where a source cannot be read."""
    return Gap(COLLECTOR, f"audit log {named(label)}", reason, detail, remedy)


def torn(source: Source, why: str, remedy: str = "") -> Gap:
    """The gap where a source breaks off."""
    remedy = remedy or "take the file again from the control plane node"
    return Gap(COLLECTOR, f"rest of audit log {source.label}", GapReason.TRUNCATED, why, remedy)
