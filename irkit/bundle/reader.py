"""Look into a bundle without extracting it: what is in it, and one file at a time, streamed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from irkit import digest
from irkit.bundle import frames, layout, tape
from irkit.errors import BundleError, VerificationError
from irkit.model.bundle import Bundle


def names(path: Path) -> Iterator[str]:
    """The paths of the files in the bundle, as `cat` takes them: "data/pod/pod.json", "custody.jsonl"."""
    return (name for name, _ in entries(path))


def entries(path: Path) -> Iterator[tuple[str, int]]:
    """(path, size in bytes) of every file in the bundle, payload first.

    Raises BundleError where the file cannot be read, VerificationError where the bundle is damaged.
    """
    with _opened(path) as reel:
        for member in reel.members():
            yield _inside(member), member.size


def contents(path: Path) -> Iterator[tuple[str, int, Iterator[bytes]]]:
    """Like `entries`, each with its content, to be read before the next is asked for."""
    with _opened(path) as reel:
        for member in reel.members():
            yield _inside(member), member.size, reel.content()


def cat(path: Path, member: str) -> Iterator[bytes]:
    """The content of one file in the bundle; raises like `entries`, and BundleError for a file that is not there."""
    with _opened(path) as reel:
        for found in reel.members():
            if _inside(found) == member:
                yield from reel.content()
                return
    raise BundleError(f"no {member} in {path}", f"irkit bundle ls {path} shows what is there")


def root(path: Path) -> str:
    """The folder that everything in the bundle stands in: its name when it was sealed; raises like `entries`."""
    with _opened(path) as reel:
        return next((member.name.partition("/")[0] for member in reel.members()), "")


def describe(path: Path) -> Bundle:
    """The noun for the bundle at `path`, hashed; raises like `entries`."""
    files = sum(name.startswith(layout.PAYLOAD) for name in names(path))
    measured = digest.of_file(path)
    return Bundle(path, measured.sha256, measured.size, files)


def _inside(member: tape.Member) -> str:
    return member.name.partition("/")[2]


@contextmanager
def _opened(path: Path) -> Iterator[tape.Tape]:
    def refuse(problem: str) -> None:
        raise BundleError(problem)

    try:
        with path.open("rb") as source:
            yield tape.Tape(frames.decompress(source, refuse))
    except OSError as error:
        raise BundleError(f"cannot read {path}: {error.strerror}", "the path of a sealed bundle, .tar.gz") from error
    except BundleError as error:
        raise VerificationError(
            f"{path} is damaged: {error.message}", f"irkit bundle verify {path}; tar xzf reads what can still be read"
        ) from error
