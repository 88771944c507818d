"""Open the sealed part of a bundle. Each opening is a custody event, on disk before the first byte is decrypted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from irkit.bundle import layout
from irkit.bundle.attest import afterwards
from irkit.bundle.reader import contents
from irkit.bundle.recipients import confide, veil
from irkit.errors import BundleError, IrkitError, UsageError
from irkit.model.run import Operator
from irkit.times import Clock

SEALED = layout.PAYLOAD + confide.FOLDER


@dataclass(frozen=True, slots=True)
class Opened:
    """One file that was opened. Its hash is not told: that of a short secret can be guessed from."""

    member: str
    path: Path
    size: int  # bytes of plain text


@dataclass(frozen=True, slots=True)
class Unsealing:
    """What was opened, and the head of the custody that says so: whoever keeps it can tell if the end is cut off."""

    opened: tuple[Opened, ...]
    custody_head_sha256: str


def unseal(
    bundle: Path,
    out: Path,
    identity: Path,
    *,
    members: Sequence[str] = (),
    reason: str,
    authority: str = "",
    operator: Operator,
    clock: Clock,
) -> Unsealing:
    """Decrypt `members` of the bundle (none named: all that is sealed) into the new folder `out`.

    `reason` and `authority` ("": nobody said) are for custody.

    Raises UsageError for an identity that is none, a folder that exists and a missing reason; VerificationError where
    a file is damaged or not for this identity; BundleError for a member that is not there; JournalError where custody
    cannot be written, and then nothing is opened.
    """
    if not reason.strip():
        raise UsageError("no reason given", "--reason says in the custody log why the originals are opened")
    keys = veil.identities(identity)
    with afterwards.opened(bundle) as log:
        _make(out)
        what = {"members": list(members) or "all", "reason": reason, "authority": authority}
        log.append(afterwards.told("unseal.intended", operator, clock(), **what))
        opened = []
        try:
            for one in _opened(bundle, out, keys, members):
                log.append(afterwards.told("unsealed", operator, clock(), member=one.member))
                opened.append(one)
        except IrkitError as error:
            log.append(afterwards.told("unseal.failed", operator, clock(), error=error.message))
            raise
        return Unsealing(tuple(opened), log.head)


def _make(out: Path) -> None:
    try:
        out.mkdir(mode=0o700, parents=True)
    except FileExistsError as error:
        raise UsageError(
            f"{out} exists", "name a new folder: what is opened is never mixed with other files"
        ) from error
    except OSError as error:
        raise BundleError(f"cannot make {out}: {error.strerror}") from error


def _opened(bundle: Path, out: Path, keys: Sequence[object], members: Sequence[str]) -> Iterator[Opened]:
    found = set()
    for name, _, chunks in contents(bundle):
        if name in members if members else name.startswith(SEALED) and name.endswith(veil.SUFFIX):
            target = out / _place(name)
            yield Opened(name, target, veil.decrypt(chunks, name, keys, target).size)
            found.add(name)
    if missing := sorted(set(members) - found):
        raise BundleError(f"no {missing[0]} in {bundle}", f"irkit bundle ls {bundle} shows what is there")
    if not found:
        raise BundleError(f"nothing is sealed in {bundle}", f"irkit bundle ls {bundle} shows what is there")


def _place(member: str) -> Path:
    """Where a member goes: a name that leads out of the folder is refused, whoever wrote it."""
    path = member.removeprefix(layout.PAYLOAD).removeprefix(confide.FOLDER).removesuffix(veil.SUFFIX)
    if any(part in ("", ".", "..") for part in path.split("/")) or "\0" in path:
        raise BundleError(f"unsafe name in the bundle: {member!r}", "irkit bundle verify says what else is wrong")
    return Path(path)
