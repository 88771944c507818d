"""Every reason why something is missing, in one table: what an error means for the evidence, and what would help."""

from __future__ import annotations

from irkit.collect.budget import NoRoom, Spent
from irkit.collect.piece import Piece
from irkit.errors import (
    DeadlineExceeded,
    Forbidden,
    Invalid,
    IrkitError,
    NotFound,
    Overloaded,
    PodReplaced,
    Unauthorized,
    Unreachable,
)
from irkit.model.evidence import Gap, GapReason
from irkit.text import safe

_RUNTIME = "the runtime keeps only the last terminated container; look in the log backend"
# pkg/kubelet/kuberuntime: kuberuntime_container.go, logs.go
_KUBELETS_WORDS = (
    b"unable to retrieve container logs for ",
    b"failed to try resolving symlinks in path ",
    b"failed to open log file ",
)
_LONGEST = 300  # characters of a detail; a hostile server may send a page


class NeverExisted(NotFound):
    """There is no such thing, and by nature there never was."""


class Lost(NotFound):
    """There was such a thing, and the cluster has it no longer; the hint says where else to look."""


class Unfit(IrkitError):
    """It is there, and is not what it should be."""


# The first class that fits counts, so subclasses stand before their base. {needs} is the permission.
_TABLE: tuple[tuple[type[Exception], GapReason, str], ...] = (
    (PodReplaced, GapReason.REPLACED, "nothing of the successor was taken; ask the log backend for the pod by its uid"),
    (Unauthorized, GapReason.DENIED, "the credentials were not accepted: log in again, then repeat the capture"),
    (Forbidden, GapReason.DENIED, "grant `{needs}` (`irkit rbac` prints the role), then repeat the capture"),
    (NeverExisted, GapReason.NEVER_EXISTED, ""),
    (NotFound, GapReason.ABSENT, "it was gone before it could be taken; the audit log may still tell of it"),
    (DeadlineExceeded, GapReason.DEADLINE, "repeat the capture with more time"),
    (Overloaded, GapReason.UNREACHABLE, "repeat the capture when the API server and the node's kubelet answer again"),
    (Unreachable, GapReason.UNREACHABLE, "repeat the capture when the API server can be reached (`irkit doctor`)"),
    (Invalid, GapReason.INVALID, ""),
    (Unfit, GapReason.INVALID, ""),
    (NoRoom, GapReason.NO_ROOM, ""),
    (Spent, GapReason.TRUNCATED, ""),
    (OSError, GapReason.FAILED, "free or repair the disk that holds the evidence, then repeat the capture"),
    (Exception, GapReason.FAILED, ""),
)
# What stops a stream on its way, so that a part of it is there.
_CUTS = (GapReason.DEADLINE, GapReason.UNREACHABLE)


def gap(piece: Piece, error: Exception, *, kept: int = 0) -> Gap:
    """Why `piece` is missing, or all of it but the first `kept` bytes."""
    reason, remedy = next((reason, remedy) for kind, reason, remedy in _TABLE if isinstance(error, kind))
    detail = _line(error)
    if kept:
        reason = GapReason.TRUNCATED if reason in _CUTS else reason
        detail = f"{detail}; the first {kept} bytes are there"
    # What these two hint at is meant for a command that needs the object at once, not for a capture that went on.
    hint = error.hint if isinstance(error, IrkitError) and type(error) not in (Forbidden, NotFound) else ""
    return Gap(piece.collector, piece.about, reason, detail, hint or remedy.format(needs=piece.permission or "it"))


def capped(piece: Piece, kept: int) -> Gap:
    """The byte cap took the rest of `piece`."""
    detail = f"cut at the limit; the first {kept} bytes are there"
    return Gap(
        piece.collector, piece.about, GapReason.TRUNCATED, detail, "repeat the capture with a higher --max-artifact"
    )


def no_log(error: Invalid, restarts: int) -> IrkitError:
    """What a refused log request means; `restarts` is the container's restart count.

    The kubelet refuses a previous log with "previous terminated container ... not found" and the log of a container
    that has never run with "... is waiting to start: ...". Without a restart neither log was ever written. After one
    there was a log, and the runtime has removed it: it keeps only the last terminated container of each name.
    """
    if not any(words in error.message for words in ("previous terminated container", "waiting to start")):
        return error
    if not restarts:
        return NeverExisted(error.message, status=error.status, reason=error.reason)
    return Lost(error.message, _RUNTIME, status=error.status, reason=error.reason)


def not_a_log(first: bytes) -> None:
    """Raise Lost where a log's first bytes are the kubelet's words instead: it sends them with status 200.

    It happens when the runtime has removed the container by then. With timestamps asked for, every line that a
    container wrote begins with one, so no container can write these words there itself.
    """
    if first.startswith(_KUBELETS_WORDS):
        raise Lost(safe(first[:_LONGEST].decode(errors="replace")), _RUNTIME)


def _line(error: Exception) -> str:
    """The error in one line."""
    text = error.message if isinstance(error, IrkitError) else _foreign(error)
    return " ".join(text.split())[:_LONGEST]


def _foreign(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"the disk refused {error.filename or 'the evidence'}: {error.strerror or error}"
    return f"unexpected {type(error).__name__}: {error}"
