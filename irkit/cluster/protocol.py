"""What irkit asks of a Kubernetes API: raw bytes in, raw bytes out, every call recorded.

Paths are API paths without the server ("/api/v1/namespaces/payments/pods/web"), built by `resources.Resource.path`.
Every method raises a `ClusterError`; nothing from the SDK underneath gets out. Implementations are thread-safe.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from irkit.errors import ClusterError
from irkit.model import codec
from irkit.model.evidence import Call

Json = dict[str, Any]
Query = Mapping[str, str]
FIELD_MANAGER = "irkit"


@dataclass(frozen=True, slots=True)
class Reply:
    """One complete answer: the bytes as they came, and the call that brought them.

    `consistent` is False for a page of a list that shows a later state than the pages before it.
    """

    call: Call
    body: bytes
    consistent: bool = True

    def json(self) -> Json:
        """The body parsed; raises ClusterError where it is not a JSON object (a proxy's page, a cut answer)."""
        try:
            parsed = codec.parsed(self.body)
        except (ValueError, RecursionError):
            parsed = None
        if not isinstance(parsed, dict):
            hint = "is this an API server? check the server's URL in the kubeconfig, and proxies on the way"
            raise ClusterError(f"the answer to {self.call.url} is not a JSON object", hint, status=self.call.status)
        return parsed


class Stream(Protocol):
    """An answer arriving: iterate it once. `call` is final once the iteration has ended."""

    @property
    def call(self) -> Call:
        """The call so far."""
        ...

    def __iter__(self) -> Iterator[bytes]:
        """The body in chunks; raises Unreachable for a cut stream, DeadlineExceeded for a late one."""
        ...


class Cluster(Protocol):
    """The door to one Kubernetes API server."""

    @property
    def server(self) -> str:
        """The API server's URL."""
        ...

    @property
    def context(self) -> str:
        """The kubeconfig context in use; "" in-cluster."""
        ...

    def within(self, seconds: float) -> Cluster:
        """The same cluster, with all calls together bounded by a deadline `seconds` from now."""
        ...

    def get(self, path: str, query: Query | None = None) -> Reply:
        """One object, or any small document."""
        ...

    def pages(self, path: str, query: Query | None = None) -> Iterator[Reply]:
        """A list in pages of `limit` (500), following `continue`.

        An expired token (410) is survived: the list goes on, or starts again, and pages from there on are not
        `consistent` with those before; `objects.items` drops what comes twice.
        """
        ...

    def stream(self, path: str, query: Query | None = None) -> AbstractContextManager[Stream]:
        """An answer of any length, never whole in memory."""
        ...

    def execute(self, path: str, command: Sequence[str], container: str) -> AbstractContextManager[Stream]:
        """Run `command` in a container by the path of its pod's exec; the stream is its standard output, raw.

        Its end raises ClusterError for a command that did not end well, with the first words of its standard error.
        """
        ...

    def post(self, path: str, query: Query | None = None) -> Reply:
        """POST without a body: a call to what stands behind a proxy. Never repeated blindly after it was sent."""
        ...

    def create(self, path: str, body: Json, *, dry_run: bool = False) -> Reply:
        """POST `body`; raises AlreadyExists when the name is taken. Never repeated blindly after it was sent."""
        ...

    def apply(self, path: str, body: Json, *, dry_run: bool = False) -> Reply:
        """Server-side apply as field manager `irkit`, never forced; raises Conflict when another owns a field."""
        ...

    def patch(self, path: str, operations: Sequence[Json], *, dry_run: bool = False) -> Reply:
        """JSON Patch; a failed `test` operation raises Conflict, not Invalid."""
        ...

    def delete(self, path: str, *, uid: str, resource_version: str | None = None, dry_run: bool = False) -> Reply:
        """DELETE only the object with this uid (and resource version); raises Conflict for any other."""
        ...
