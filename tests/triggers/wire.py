"""A server on loopback, spoken to over real HTTP."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from irkit.triggers import sources
from irkit.triggers.intake import Intake
from irkit.triggers.metrics import Metrics
from irkit.triggers.place import Place
from irkit.triggers.queue.protocol import Desk, Queue
from irkit.triggers.routing.lint import parse
from irkit.triggers.server import Endpoints, Server, listen
from irkit.triggers.watch.opening import Watching, site

SECRET, OLD = "s" * 32, "o" * 32
ENVIRON = {"TEST_PROM": SECRET, "TEST_PROM_OLD": OLD, "TEST_PAGER": SECRET, "TEST_HOOKS": "whsec_" + "c3Nz" * 11}
BEARER = {"authorization": f"Bearer {SECRET}"}


@dataclass(frozen=True, slots=True)
class Wire:
    """A client of the server at `url`."""

    url: str

    def send(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes, dict[str, str]]:
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=20)
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            return answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()}
        finally:
            connection.close()

    def post(self, source: str, body: object, headers: Mapping[str, str] | None = None) -> tuple[int, Any]:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        status, answer, _ = self.send("POST", f"/v1/alerts/{source}", raw, headers)
        return status, json.loads(answer)

    def metric(self, sample: str) -> float:
        """The value of one sample, 0 where there is none."""
        text = self.send("GET", "/metrics")[1].decode()
        return next((float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(sample + " ")), 0)

    def requests(self, source: str, outcome: str) -> float:
        return self.metric(f'irkit_requests_total{{source="{source}",outcome="{outcome}"}}')


@contextmanager
def served(
    text: str, queue: Queue, desk: Desk, environ: Mapping[str, str] = ENVIRON, watched: Watching | None = None
) -> Iterator[Wire]:
    """A server with the triggers in `text` before `queue`; with `watched`, its page, too."""
    loaded = parse(text)
    with listen("127.0.0.1", 0) as listening:
        intake = Intake(loaded, sources.ready(loaded.triggers, environ), queue, Metrics())
        server = Server(Endpoints(intake, desk), listening)
        if watched:
            server.add(site(watched, desk, Place(), lambda: server.ending).routes())
        thread = threading.Thread(target=server.run, name="server")
        thread.start()
        try:
            yield Wire(server.url)
        finally:
            server.stop()
            thread.join(20)
