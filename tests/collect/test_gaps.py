from __future__ import annotations

import errno

import pytest

from irkit import errors
from irkit.collect import gaps
from irkit.collect.piece import Piece
from irkit.model.evidence import GapReason
from irkit.model.permission import Permission

PIECE = Piece("node", "node/node.json", "node node1", Permission("", "nodes", "get", "cluster"))


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (errors.Forbidden("no"), GapReason.DENIED),
        (errors.Unauthorized("who?"), GapReason.DENIED),
        (errors.NotFound("not found"), GapReason.ABSENT),
        (errors.Unreachable("refused"), GapReason.UNREACHABLE),
        (errors.Overloaded("503"), GapReason.UNREACHABLE),
        (errors.DeadlineExceeded("late"), GapReason.DEADLINE),
        (errors.PodReplaced("another"), GapReason.REPLACED),
        (errors.Invalid("422"), GapReason.INVALID),
        (errors.Conflict("409"), GapReason.FAILED),
        (gaps.NeverExisted("never"), GapReason.NEVER_EXISTED),
        (gaps.Lost("lost"), GapReason.ABSENT),
        (gaps.Unfit("not JSON"), GapReason.INVALID),
        (OSError(errno.ENOSPC, "No space left on device", "data/x"), GapReason.FAILED),
        (KeyError("name"), GapReason.FAILED),
    ],
)
def test_every_error_has_its_reason(error: Exception, reason: GapReason) -> None:
    gap = gaps.gap(PIECE, error)
    assert (gap.collector, gap.target, gap.reason) == ("node", "node node1", reason)
    assert gap.detail
    assert "\n" not in gap.detail + gap.remedy


def test_a_denied_piece_names_the_permission_and_the_command() -> None:
    assert gaps.gap(PIECE, errors.Forbidden("no", "a hint")).remedy == (
        "grant `get nodes` (`irkit rbac` prints the role), then repeat the capture"
    )


def test_the_errors_own_hint_comes_first() -> None:
    assert gaps.gap(PIECE, errors.Unreachable("no", "mend the cable")).remedy == "mend the cable"


def test_a_full_disk_is_named() -> None:
    gap = gaps.gap(PIECE, OSError(errno.ENOSPC, "No space left on device", "data/node/node.json"))
    assert gap.detail == "the disk refused data/node/node.json: No space left on device"


def test_a_servers_novel_is_one_short_line() -> None:
    assert len(gaps.gap(PIECE, errors.Invalid("word\n" * 1000)).detail) == 300


@pytest.mark.parametrize(
    "message",
    [
        'previous terminated container "app" in pod "web" not found',
        'container "app" is waiting to start: ImagePullBackOff',
    ],
)
def test_no_log_depends_on_restarts(message: str) -> None:
    refused = errors.Invalid(message, status=400)
    assert gaps.gap(PIECE, gaps.no_log(refused, 0)).reason is GapReason.NEVER_EXISTED
    lost = gaps.gap(PIECE, gaps.no_log(refused, 2))
    assert (lost.reason, "keeps only the last" in lost.remedy) == (GapReason.ABSENT, True)


@pytest.mark.parametrize(
    "words",
    [
        b"unable to retrieve container logs for containerd://1d9593e9",
        b'failed to try resolving symlinks in path "/var/log/pods/it/1d9593e9/0.log": lstat: no such file or directory',
    ],
)
def test_the_kubelets_words_are_not_a_log(words: bytes) -> None:
    """Both seen on Kubernetes 1.37 with containerd: status 200, no newline, after the container was removed."""
    with pytest.raises(gaps.Lost, match="1d9593e9") as caught:
        gaps.not_a_log(words)
    assert gaps.gap(PIECE, caught.value).reason is GapReason.ABSENT


def test_a_container_that_writes_these_words_has_a_log() -> None:
    line = b"2026-01-01T00:00:00.000000000Z unable to retrieve container logs for containerd://1d9593e9"
    gaps.not_a_log(line)
    assert line


def test_another_refusal_stays_what_it_is() -> None:
    refused = errors.Invalid("a container name must be specified", status=400)
    assert gaps.no_log(refused, 0) is refused
