"""`scheme://host/path?key=value` as the operator gave it, and what is asked of it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from irkit.audit.read.window import Window
from irkit.errors import UsageError
from irkit.settings import ClusterSettings

if TYPE_CHECKING:
    from irkit.cluster.protocol import Cluster

Door = Callable[[], "Cluster"]
_SCHEME = re.compile(r"([a-z][a-z0-9+-]*)://")


def default_door() -> Cluster:
    """The cluster that the environment names, for commands that have no flags for one."""
    from irkit.cluster.client import connect

    return connect(ClusterSettings(os.environ.get("IRKIT_KUBECONFIG"), os.environ.get("IRKIT_CONTEXT")))


@dataclass(frozen=True, slots=True)
class Asked:
    """What of a log is wanted, and the way to the cluster for those that lie in it."""

    window: Window
    door: Door = default_door


@dataclass(frozen=True, slots=True)
class Place:
    """One URL, taken apart. `text` is how the user wrote it, which is how every event names its source."""

    text: str
    scheme: str
    rest: str  # all behind `://` up to `?`
    options: dict[str, str] = field(default_factory=dict)

    @property
    def parts(self) -> tuple[str, str]:
        """What stands before and behind the first slash."""
        first, _, path = self.rest.partition("/")
        return first, path


def is_remote(name: str) -> bool:
    """Whether `name` is a URL."""
    return _SCHEME.match(name) is not None


def place(text: str, options: frozenset[str]) -> Place:
    """`text` taken apart; raises UsageError for an option that its kind of source does not know."""
    scheme, _, rest = text.partition("://")
    rest, _, query = rest.partition("?")
    given = dict(parse_qsl(query, keep_blank_values=True))
    if strange := sorted(given.keys() - options):
        known = f"it knows {', '.join(sorted(options))}" if options else "it knows none"
        raise UsageError(f"{scheme}:// has no option {strange[0]!r}", known)
    return Place(text, scheme, rest, given)
