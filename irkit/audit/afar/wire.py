"""What is asked of a piece, and what came of it, as bytes: data alone, since what reads them must not run any of it."""

from __future__ import annotations

import zlib
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar, get_origin

import msgspec

from irkit.audit.detect.fresh.work import Fresh
from irkit.audit.detect.kept.doubles import Compare, Ids
from irkit.audit.detect.sigma.work import SigmaWatch
from irkit.audit.detect.work import Watch, Watched
from irkit.audit.hunt import Caught, Hunt
from irkit.model.codec import whole

T = TypeVar("T")
Work = Watch | Hunt | SigmaWatch | Fresh | Compare
Found = Watched | Caught | Ids

_OWN = (bytes, bytearray, memoryview, datetime)  # what MessagePack has words for
LARGEST = 32 << 20  # bytes of one answer, packed: more is read where the log lies
# Every kind of work that may travel, with what comes of it.
KINDS: dict[str, tuple[type[Work], type[Found]]] = {
    "detect": (Watch, Watched),
    "sigma": (SigmaWatch, Watched),
    "fresh": (Fresh, Watched),
    "ids": (Compare, Ids),
    "search": (Hunt, Caught),
}


@dataclass(frozen=True, slots=True)
class Part:
    """What a worker answers: what it found, packed, or why it could not look ("" where it could)."""

    found: bytes = b""
    refused: str = ""


def kind_of(work: object) -> str:
    """The name of a kind of work; raises KeyError for one that does not travel."""
    return next(name for name, (kind, _) in KINDS.items() if isinstance(work, kind))


def encode(noun: object) -> bytes:
    """`noun` as MessagePack."""
    try:
        return msgspec.msgpack.encode(noun, enc_hook=str)
    except UnicodeEncodeError:  # hostile JSON can hold half a surrogate pair, UTF-8 cannot
        return msgspec.msgpack.encode(whole(msgspec.to_builtins(noun, builtin_types=_OWN, enc_hook=str)))


def decode(kind: type[T], data: bytes) -> T:
    """What `encode` made; raises ValueError for what is none of that kind."""
    return msgspec.msgpack.decode(data, type=kind, dec_hook=_made)


def pack(found: object) -> bytes:
    """What was found, for `Part`."""
    return zlib.compress(encode(found), 1)


def unpack(kind: type[T], data: bytes) -> T:
    """What `pack` made; raises ValueError."""
    try:
        return decode(kind, zlib.decompress(data))
    except zlib.error as error:
        raise ValueError(f"not an answer: {error}") from error


def _made(kind: type, plain: Any) -> Any:  # noqa: ANN401 - what msgspec has no words for
    if get_origin(kind) is Counter:
        return Counter(plain)
    if kind is Path:
        return Path(plain)
    raise NotImplementedError(kind)
