"""What ordinary days knew, as a file that a person can read: by rule, every value that is no news."""

from __future__ import annotations

from pathlib import Path

import msgspec

from irkit.errors import UsageError
from irkit.model import codec

VALUES = 100_000  # kept for one rule
HINT = "irkit audit baseline LOG --known FILE makes one"


class Known(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`values`: rule id -> what it knows; `left_out`: how many more there were than are kept, which will be news."""

    sources: tuple[str, ...]
    events: int
    values: dict[str, frozenset[str]]
    left_out: dict[str, int] = {}


def text(known: Known) -> str:
    """The file: the same values give the same text."""
    whole = {"sources": known.sources, "events": known.events, "left_out": known.left_out}
    values = {rule: sorted(values) for rule, values in sorted(known.values.items())}
    return codec.pretty(whole | {"values": values}).decode()


def load(path: Path) -> Known:
    """What `text` made. Raises UsageError."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Known)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}", HINT) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{path} is not what ordinary days knew: {error}", HINT) from error
