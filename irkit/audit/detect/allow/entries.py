"""Who may do what without a finding: a reviewed list, every entry with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import msgspec

from irkit.audit.detect.rule import Rule
from irkit.audit.read.event import Event
from irkit.errors import UsageError

ANY = ("*",)
HINT = 'entries are like {reason: "log shipper", rules: [host-path], users: ["system:serviceaccount:logging:*"]}'


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One permission; the lists hold shell patterns, and an event must match every one of them."""

    reason: str
    rules: tuple[str, ...] = ANY
    users: tuple[str, ...] = ANY
    namespaces: tuple[str, ...] = ANY
    names: tuple[str, ...] = ANY
    learned: bool = False  # by `audit baseline`; the person who reviews the entry takes the mark away

    def covers(self, rule: Rule, event: Event) -> bool:
        """Whether this entry lets `event` pass under `rule`."""
        ref = event.ref
        asked = (
            (rule.id, self.rules),
            (event.who.username, self.users),
            (ref.namespace, self.namespaces),
            (ref.name, self.names),
        )
        return all(any(fnmatchcase(text, pattern) for pattern in patterns) for text, patterns in asked)


@dataclass(frozen=True, slots=True)
class Allow:
    """The whole list; empty: nobody is excused."""

    entries: tuple[Entry, ...] = ()

    def excuse(self, rule: Rule, event: Event) -> Entry | None:
        """The entry that lets `event` pass under `rule`, a reviewed one if there is any; None: none does."""
        found = [entry for entry in self.entries if entry.covers(rule, event)]
        return min(found, key=lambda entry: entry.learned, default=None)


def load(path: Path) -> Allow:
    """The allow-list in a YAML or JSON file: a list of entries. Raises UsageError where it is not one."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        return read(YAML(typ="safe", pure=True).load(path.read_text("utf-8")), str(path))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except (YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{path} is not YAML", HINT) from error


def read(data: Any, name: str) -> Allow:  # noqa: ANN401 - YAML of any shape
    """The allow-list in `data`; an entry that would excuse everything is refused."""
    try:
        entries = msgspec.convert(data, tuple[Entry, ...])
    except (msgspec.ValidationError, UnicodeEncodeError) as error:  # half a surrogate pair is no text
        raise UsageError(f"{name} is not an allow-list: {error}", HINT) from error
    for number, entry in enumerate(entries, 1):
        if not entry.reason.strip() or all(map(_anything, (entry.users, entry.namespaces, entry.names))):
            raise UsageError(f"{name}: entry {number} needs a reason and a user, namespace or name", HINT)
    return Allow(entries)


def _anything(patterns: tuple[str, ...]) -> bool:
    """Whether one of the patterns is nothing but wildcards."""
    return any("*" in pattern and not pattern.strip("*?") for pattern in patterns)
