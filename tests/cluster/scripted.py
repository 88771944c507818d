"""A real HTTP server whose answers a test writes down: for the ways an API server misbehaves."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]  # names in lower case
    body: bytes


Json = dict[str, Any]
Answer = Callable[["Handler"], None]


def reply(body: bytes | dict[str, Any] = b"{}", status: int = 200, **headers: str) -> Answer:
    """A whole answer; `Retry_After="1"` sends the header Retry-After."""
    data = json.dumps(body).encode() if isinstance(body, dict) else body

    def answer(handler: Handler) -> None:
        handler.begin(status, {"Content-Length": str(len(data)), **headers})
        handler.wfile.write(data)

    return answer


def refuse(status: int, reason: str = "", message: str = "no", **more: object) -> Answer:
    """A metav1.Status."""
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": status}
    return reply({**body, "message": message, "reason": reason, **more}, status)


def cut(body: bytes = b"", *, chunked: bool = False) -> Answer:
    """Announces more than it sends, then hangs up; with no body at all it hangs up before the status line."""

    def answer(handler: Handler) -> None:
        handler.close_connection = True
        if body and chunked:
            handler.begin(200, {"Transfer-Encoding": "chunked"})
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(body), body))
        elif body:
            handler.begin(200, {"Content-Length": str(len(body) + 100)})
            handler.wfile.write(body)

    return answer


def hang(body: bytes = b"", pause: float | None = None) -> Answer:
    """Sends headers and `body`, then nothing (or a byte every `pause` seconds) for as long as the test lasts."""

    def answer(handler: Handler) -> None:
        handler.close_connection = True
        handler.begin(200, {"Content-Length": "1000000"})
        handler.wfile.write(body)
        handler.wfile.flush()
        while not handler.script.over.wait(pause):
            handler.wfile.write(b".")
            handler.wfile.flush()

    return answer


class Handler(BaseHTTPRequestHandler):
    """Plays the next answer of the script; the last one again and again."""

    protocol_version = "HTTP/1.1"
    script: Script

    def begin(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        url = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        target = url.path if not url.netloc else f"{url.scheme}://{url.netloc}{url.path}"
        self.script.asked.append(Asked(self.command, target, dict(parse_qsl(url.query)), headers, body))
        answers = self.script.answers
        try:
            (answers.pop(0) if len(answers) > 1 else answers[0])(self)
        except OSError:
            self.close_connection = True  # the client has gone: what many of these tests are about

    do_GET = do_POST = do_PATCH = do_DELETE = _answer

    def log_message(self, *_: object) -> None:
        pass


@dataclass
class Script:
    """What the server answers, in order, and what it was asked."""

    url: str
    answers: list[Answer]
    asked: list[Asked]
    over: threading.Event


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A failed TLS handshake is what some tests want."""


@contextmanager
def serving(*answers: Answer, tls: tuple[Path, Path] | None = None) -> Iterator[Script]:
    """A server on a free port; `tls` is certificate and key."""
    script = Script("", list(answers), [], threading.Event())
    server = _Server(("127.0.0.1", 0), type("Scripted", (Handler,), {"script": script}))
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    script.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield script
    finally:
        script.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


def kubeconfig(
    folder: Path, url: str, *, user: Json | None = None, cluster: Json | None = None, name: str = "test"
) -> Path:
    """A kubeconfig with one context."""
    path = folder / f"{name}.conf"
    path.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": name,
                "clusters": [{"name": name, "cluster": {"server": url, **(cluster or {})}}],
                "users": [{"name": name, "user": user or {"token": "s3cret"}}],
                "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
            }
        )
    )
    return path
