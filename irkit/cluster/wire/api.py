"""The Cluster protocol over the wire."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from irkit.cluster.objects import part
from irkit.cluster.protocol import FIELD_MANAGER, Json, Query, Reply
from irkit.cluster.wire.answer import Answer
from irkit.cluster.wire.deadline import Deadline
from irkit.cluster.wire.refusal import Refusal
from irkit.cluster.wire.sender import Request, Sender

if TYPE_CHECKING:
    from irkit.cluster.wire.execution import Output

PAGE = "500"  # objects, as kubectl asks for
WHOLE = 256 << 20  # bytes of a reply that is held in memory
RESTARTS = 3  # of a list whose tokens keep expiring


@dataclass(frozen=True, slots=True)
class Api:
    """One API server, spoken to through `sender`; `timeout` is for one call, retries included."""

    sender: Sender
    context: str
    timeout: float
    overall: Deadline = Deadline()

    @property
    def server(self) -> str:
        """The API server's URL."""
        return self.sender.server

    def within(self, seconds: float) -> Api:
        """The same cluster, with all calls together bounded by a deadline `seconds` from now."""
        return replace(self, overall=self.overall.sooner(seconds))

    def get(self, path: str, query: Query | None = None) -> Reply:
        """One object, or any small document."""
        return self._reply(Request("GET", path, query or {}, repeatable=True))

    def pages(self, path: str, query: Query | None = None) -> Iterator[Reply]:
        """A list in pages, following `continue` (from the query's, if it has one); survives expired tokens."""
        base = {"limit": PAGE, **(query or {})}
        token, restarts, consistent = base.pop("continue", ""), 0, True
        while True:
            asked = base | ({"continue": token} if token else {})
            outcome = self._ask(Request("GET", path, asked, repeatable=True))
            if isinstance(outcome, Refusal):
                if outcome.status != 410 or not token or restarts == RESTARTS:
                    raise outcome.error()
                token, restarts, consistent = outcome.token, restarts + 1, False
                continue
            page = Reply(outcome.call, outcome.body, consistent)
            yield page
            token = str(part(page.json(), "metadata").get("continue") or "")
            if not token:
                return

    @contextmanager
    def stream(self, path: str, query: Query | None = None) -> Iterator[Answer]:
        """An answer of any length: each silence is bounded by `timeout`, the whole by `within` alone."""
        reading = replace(self.overall, silence=self.timeout)
        request = Request("GET", path, query or {}, repeatable=True)
        outcome = self.sender.send(request, self.overall.sooner(self.timeout), reading=reading)
        if isinstance(outcome, Refusal):
            raise outcome.error()
        try:
            yield outcome
        finally:
            outcome.close()

    @contextmanager
    def execute(self, path: str, command: Sequence[str], container: str) -> Iterator[Output]:
        """The output of a command; each silence is bounded by `timeout`, the whole by `within` alone."""
        query = [("container", container), ("stdout", "true"), ("stderr", "true")]
        url = f"{path}?{urlencode([*query, *(('command', part) for part in command)])}"
        reading = replace(self.overall, silence=self.timeout)
        outcome = self.sender.execute(url, self.overall.sooner(self.timeout), reading)
        if isinstance(outcome, Refusal):
            raise outcome.error()
        try:
            yield outcome
        finally:
            outcome.close()

    def create(self, path: str, body: Json, *, dry_run: bool = False) -> Reply:
        """POST `body`."""
        return self._reply(Request("POST", path, _asked(dry_run), _encode(body), repeatable=dry_run))

    def apply(self, path: str, body: Json, *, dry_run: bool = False) -> Reply:
        """Server-side apply, never forced. JSON is YAML."""
        query = {**_asked(dry_run), "force": "false"}
        kind = "application/apply-patch+yaml"
        return self._reply(Request("PATCH", path, query, _encode(body), kind, repeatable=True))

    def patch(self, path: str, operations: Sequence[Json], *, dry_run: bool = False) -> Reply:
        """JSON Patch; a failed `test` operation raises Conflict."""
        tested = any(operation.get("op") == "test" for operation in operations)
        kind, data = "application/json-patch+json", _encode(list(operations))
        return self._reply(Request("PATCH", path, _asked(dry_run), data, kind, repeatable=dry_run, tested=tested))

    def post(self, path: str, query: Query | None = None) -> Reply:
        """POST without a body, once."""
        return self._reply(Request("POST", path, query or {}))

    def delete(self, path: str, *, uid: str, resource_version: str | None = None, dry_run: bool = False) -> Reply:
        """DELETE under preconditions."""
        preconditions = {"uid": uid} | ({"resourceVersion": resource_version} if resource_version else {})
        options: Json = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": preconditions}
        if dry_run:
            options["dryRun"] = ["All"]
        return self._reply(Request("DELETE", path, body=_encode(options), repeatable=dry_run))

    def _reply(self, request: Request) -> Reply:
        outcome = self._ask(request)
        if isinstance(outcome, Refusal):
            raise outcome.error(tested=request.tested)
        return outcome

    def _ask(self, request: Request) -> Reply | Refusal:
        deadline = self.overall.sooner(self.timeout)
        outcome = self.sender.send(request, deadline)
        if isinstance(outcome, Refusal):
            return outcome
        body = outcome.read(WHOLE)  # first: the call is final only then
        return Reply(outcome.call, body)


def _asked(dry_run: bool) -> dict[str, str]:
    return {"fieldManager": FIELD_MANAGER} | ({"dryRun": "All"} if dry_run else {})


def _encode(body: Json | list[Json]) -> bytes:
    return json.dumps(body).encode()
