"""The kinds of sources that are no files: the one visible table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from irkit.audit.read.look import Found, gap
from irkit.audit.read.remote import cloudwatch, node_logs, s3
from irkit.audit.read.remote.failure import Failure
from irkit.audit.read.remote.place import Asked, Place, place
from irkit.errors import IrkitError, UsageError
from irkit.model.evidence import GapReason

Fetch = Callable[[Place, Asked, Path], Iterator[Found]]

KINDS: dict[str, tuple[Fetch, frozenset[str]]] = {
    "s3": (s3.fetch, s3.OPTIONS),
    "cloudwatch": (cloudwatch.fetch, cloudwatch.OPTIONS),
    "node-logs": (node_logs.fetch, node_logs.OPTIONS),
}


def fetch(name: str, asked: Asked, into: Path) -> Iterator[Found]:
    """What lies behind a URL, copied into the folder; what cannot be fetched is a gap."""
    kind = KINDS.get(name.partition("://")[0])
    if kind is None:
        remedy = f"there are {', '.join(f'{known}://' for known in KINDS)}; or copy the log and name the file"
        yield gap(name, GapReason.INVALID, "no such kind of source", remedy)
        return
    try:
        yield from kind[0](place(name, kind[1]), asked, into)
    except Failure as failure:
        yield gap(name, failure.reason, failure.detail, failure.remedy)
    except UsageError as error:
        yield gap(name, GapReason.INVALID, error.message, error.hint)
    except IrkitError as error:
        yield gap(name, GapReason.UNREACHABLE, error.message, error.hint)
    except OSError as error:
        remedy = "free some space where temporary files go (TMPDIR), or narrow it by --since"
        yield gap(name, GapReason.FAILED, error.strerror or "cannot be copied here", remedy)
