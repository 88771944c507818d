"""What takes long to compile, kept where Python keeps what it makes of modules: in `__pycache__` beside them.

So only who may change irkit itself can change it, and where Python writes nothing, nothing is written here either: then
each process compiles anew. What is kept is for code and patterns of irkit's own, never for anything of a case.
"""

from __future__ import annotations

import hashlib
import os
import sys
from contextlib import suppress
from importlib.util import cache_from_source
from pathlib import Path

_SEAL = 32  # bytes of the SHA-256 over the recipe and what was made by it, which stands before what was made


def read(beside: Path, name: str, recipe: bytes) -> bytes | None:
    """What was made by `recipe` and kept as `name` in the folder `beside`; None where there is no such thing.

    A recipe is all that decides what is made: the source, the compiler's version, its options.
    """
    try:
        found = _file(beside, name).read_bytes()
    except OSError:
        return None
    return found[_SEAL:] if found[:_SEAL] == _seal(recipe, found[_SEAL:]) else None


def write(beside: Path, name: str, recipe: bytes, made: bytes) -> None:
    """Keep what was `made`, if that can be done."""
    if sys.dont_write_bytecode:
        return
    file = _file(beside, name)
    part = file.with_name(f"{file.name}.{os.getpid()}")
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            part.write_bytes(_seal(recipe, made) + made)
            part.replace(file)
        finally:
            part.unlink(missing_ok=True)


def _seal(recipe: bytes, made: bytes) -> bytes:
    return hashlib.sha256(hashlib.sha256(recipe).digest() + made).digest()


def _file(beside: Path, name: str) -> Path:
    return Path(cache_from_source(str(beside / f"{name}.py"))).with_suffix(".kept")
