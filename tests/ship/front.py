"""What stands before a real store: it passes everything on, and does to some requests what a test wants."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlsplit

from tests.served import served
from tests.ship.servers import Server

BROKEN_OFF = 0
# Method and query of a request -> the status it is refused with, BROKEN_OFF, or None where it is passed on.
Before = Callable[[str, dict[str, list[str]]], int | None]
# Likewise, with the store's status, before that is told.
After = Callable[[str, dict[str, list[str]], int], None]
_OWN = ("content-length", "transfer-encoding", "date", "server", "connection")


@contextmanager
def before(store: Server, *, ask: Before = lambda *_: None, told: After = lambda *_: None) -> Iterator[str]:
    """The URL of something before `store`."""
    behind = urlsplit(store.url)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            query = parse_qs(urlsplit(self.path).query, keep_blank_values=True)
            refused = ask(self.command, query)
            if refused == BROKEN_OFF:
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
            elif refused:
                self._say(refused, [], b"", "0")
            else:
                self._hand_on(body, query)

        def _hand_on(self, body: bytes, query: dict[str, list[str]]) -> None:
            connection = HTTPConnection(str(behind.hostname), behind.port)
            connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() != "expect":  # the body is here already
                    connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            content = answer.read()
            told(self.command, query, answer.status)
            size = answer.getheader("Content-Length", "0") if self.command == "HEAD" else str(len(content))
            self._say(answer.status, answer.getheaders(), content, size)
            connection.close()

        def _say(self, status: int, headers: list[tuple[str, str]], content: bytes, size: str) -> None:
            self.send_response(status)
            for name, value in headers:
                if name.lower() not in _OWN:
                    self.send_header(name, value)
            self.send_header("Content-Length", size)
            self.end_headers()
            self.wfile.write(content)

        do_HEAD = do_PUT = do_POST = do_GET = do_DELETE = _pass

        def log_message(self, *_: object) -> None: ...

    with served(Handler) as url:
        yield url
