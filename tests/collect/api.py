"""A tiny real API server: JSON by path, streams of any length, exec over WebSocket, every way to fail half-way."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from urllib.parse import parse_qsl, urlsplit

from irkit.bundle.redact.sayings import masked
from irkit.cluster.client import connect
from irkit.cluster.protocol import Cluster
from irkit.cluster.wire.sender import Pace
from irkit.settings import ClusterSettings

Query = dict[str, str]


@dataclass
class Says:
    """One answer. An iterable body is sent in chunks; if it raises, the connection is cut where it stands."""

    body: bytes | Iterable[bytes]
    status: int = 200


@dataclass
class Execs:
    """A command's output: messages, each with its channel's byte before it, over WebSocket."""

    messages: Iterable[bytes]


SUCCESS = b'\3{"status":"Success"}'
Route = Says | Callable[[Query], Says] | Execs | Callable[[Query], Execs]


def ok(noun: object) -> Says:
    """`noun` as JSON, spaced as no encoder of ours would, so that raw bytes can be told from rewritten ones."""
    return Says(json.dumps(noun, indent=3).encode() + b"\n\n")


def no(status: int, reason: str, message: str) -> Says:
    return Says(
        json.dumps({"kind": "Status", "status": "Failure", "reason": reason, "message": message}).encode(), status
    )


class Cut(Exception):
    """Raised by a body to break the connection."""


@dataclass
class Api:
    """Routes by path, those of another method than GET by "PATCH /path"; `asked` is every request, in order."""

    routes: dict[str, Route] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    broken: tuple[str, Route] | None = None  # one request, as in `asked`, and what it gets instead; None: no such
    lock: Lock = field(default_factory=Lock)
    port: int = 0

    def answer(self, request: str, path: str, query: Query) -> Says | Execs:
        if self.broken and steady(self.broken[0]) == steady(request):
            route = self.broken[1]
            return route if isinstance(route, Says | Execs) else route(query)
        route = self.routes.get(path, no(404, "NotFound", f"{path} not found"))
        return route if isinstance(route, Says | Execs) else route(query)

    def connect(self, folder: Path, *, timeout: float = 10) -> Cluster:
        """irkit's own client, as its commands have it, spoken to this server; it tries once."""
        config = folder / "kubeconfig"
        config.write_text(kubeconfig(self.port))
        return connect(
            ClusterSettings(kubeconfig=str(config), timeout=timeout),
            pace=Pace(attempts=1, base=0.01, cap=0.01),
            mask=masked,
        )


def steady(request: str) -> str:
    """A request without the time at which it is asked."""
    return re.sub(r"\b(start|end)=\d+", r"\1=now", request)


def kubeconfig(port: int) -> str:
    parts: dict[str, dict[str, object]] = {
        "clusters": {"cluster": {"server": f"http://127.0.0.1:{port}"}},
        "users": {"user": {}},
        "contexts": {"context": {"cluster": "it", "user": "it"}},
    }
    return json.dumps({"current-context": "it"} | {kind: [{"name": "it"} | value] for kind, value in parts.items()})


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # a capture connects many times at once; of 5, the kernel makes the sixth wait a second

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that leaves is part of the tests."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


@contextmanager
def serving(routes: dict[str, Route]) -> Iterator[Api]:
    api = Api(routes)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # else each answer waits 40 ms for an acknowledgement

        def do_GET(self) -> None:
            self._serve("")

        def do_PATCH(self) -> None:
            self._serve("PATCH ")

        def do_POST(self) -> None:
            self._serve("POST ")

        def _serve(self, method: str) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            with api.lock:
                api.asked.append(method + self.path)
                if body:
                    api.bodies.append(body)
            parts = urlsplit(self.path)
            says = api.answer(method + self.path, method + parts.path, dict(parse_qsl(parts.query)))
            if isinstance(says, Execs):
                self._execute(says)
                return
            self.send_response(says.status)
            if isinstance(says.body, bytes):
                self.send_header("Content-Length", str(len(says.body)))
                self.end_headers()
                self.wfile.write(says.body)
            else:
                self._chunks(says.body)

        def _execute(self, execs: Execs) -> None:
            """RFC 6455, the server's half of what exec needs."""
            self.close_connection = True
            key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
            self.send_response(101)
            self.send_header("Upgrade", "websocket")
            self.send_header("Connection", "Upgrade")
            self.send_header("Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())  # noqa: S324
            self.send_header("Sec-WebSocket-Protocol", self.headers["Sec-WebSocket-Protocol"])
            self.end_headers()
            try:
                for message in execs.messages:
                    self.wfile.write(b"\x82\x7f" + len(message).to_bytes(8) + message)
                self.wfile.write(b"\x88\x00")
            except (Cut, OSError):
                return

        def _chunks(self, body: Iterable[bytes]) -> None:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            try:
                for chunk in body:
                    self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
                self.wfile.write(b"0\r\n\r\n")
            except (Cut, OSError):
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = Server(("127.0.0.1", 0), Handler)
    api.port = server.server_address[1]
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
