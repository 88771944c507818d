"""One exchange over a connection of urllib3's: the request in one write, the answer parsed in C.

urllib3 finds, makes, keeps and ends connections, and says what went wrong. Between these, http.client writes a request
header by header and has the answer's read as those of an e-mail: measured, two thirds of what a small request cost us.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from http.client import RemoteDisconnected
from io import BufferedIOBase
from typing import Any

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ProtocolError
from urllib3.response import HTTPResponse

CHUNK = 1 << 16
LONGEST = 256 << 10  # bytes of an answer's head
_ILL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")  # what would end a header and begin another
_BODILESS = ("GET", "HEAD", "DELETE", "OPTIONS")


def lean(pool: HTTPConnectionPool) -> HTTPConnectionPool:
    """`pool`, whose connections to come speak as this module does. Not for one that goes through a proxy."""
    kind = _Secure if isinstance(pool, HTTPSConnectionPool) else _Plain
    pool.ConnectionCls = kind  # type: ignore[assignment] # its answers are not urllib3's
    return pool


class Headers(dict[str, str]):
    """By lower-case name; several of one name are joined by commas."""

    def get(self, name: str, default: Any = None) -> Any:  # noqa: ANN401 - as of a dict
        """The value of a header, whatever case its name is in."""
        return super().get(name.lower(), default)

    def add(self, name: bytes, value: bytes) -> None:
        """One more header."""
        key, told = name.decode("latin-1").lower(), value.decode("latin-1")
        self[key] = f"{self[key]}, {told}" if key in self else told


class Response:
    """What urllib3's pool asks of an answer, and what `wire.answer` reads. Gives its connection back at its end."""

    version_string = "HTTP/1.1"
    length_remaining: int | None = None  # told in urllib3's debug log alone

    def __init__(self, connection: HTTPConnection) -> None:
        self.headers = Headers()
        self.status = 0
        self.retries: Any = None  # the pool's own, as the two below
        self._connection: HTTPConnection | None = None
        self._pool: Any = None
        self._sock = connection.sock
        self._parser = HttpResponseParser(self)
        self._body: list[bytes] = []
        self._decoded: HTTPResponse | None = None  # None: the body is what was sent
        self._begun = self._ended = self._last = False  # its head is whole; it is whole; nothing may come after it

    @property
    def connection(self) -> HTTPConnection | None:
        """The connection it still comes by; None once it is whole, or closed."""
        return self._connection

    def begin(self) -> None:
        """Read the head. Raises what sockets raise, RemoteDisconnected, ProtocolError."""
        size = 0
        while not self._begun:
            data = self._sock.recv(CHUNK)
            size += len(data)
            if not size:
                raise RemoteDisconnected("the connection was closed without an answer")
            if not data or size > LONGEST:
                raise ProtocolError("the answer's head does not end")
            self._feed(data)
        # We ask for none, but a proxy on the way may know better.
        if (encoding := self.headers.get("content-encoding", "identity").lower()) != "identity":
            encoded: Any = _Encoded(self._next)
            self._decoded = HTTPResponse(encoded, {"content-encoding": encoding}, preload_content=False)

    def read1(self, size: int) -> bytes:
        """The next bytes, as soon as there are some, at most some 64 kB; none at its end. Raises as `begin`."""
        try:
            return self._next() if self._decoded is None else self._decoded.read1(size)
        except Exception:
            self.close()
            raise

    def _next(self) -> bytes:
        while not self._body and not self._ended:
            data = self._sock.recv(CHUNK)
            if data:
                self._feed(data)
            elif "content-length" in self.headers or "transfer-encoding" in self.headers:
                raise ProtocolError("the connection was closed before the answer was whole")
            else:
                self._ended = self._last = True
        if self._ended:
            self._give_back()
        body, self._body = b"".join(self._body), []
        return body

    def close(self) -> None:
        """Read no more of it."""
        self._last = True
        self._give_back()

    def on_message_begin(self) -> None:
        """For the parser: another answer, which nobody asked for, where one is whole already."""
        self._last |= self._ended

    def on_header(self, name: bytes, value: bytes) -> None:
        """For the parser."""
        if not self._begun:
            self.headers.add(name, value)

    def on_headers_complete(self) -> None:
        """For the parser: a head is whole. One of 1xx only announces another."""
        if self._begun:
            return
        self.status = self._parser.get_status_code()
        if self.status < 200:
            self.headers.clear()
        else:
            self._begun, self._last = True, not self._parser.should_keep_alive()

    def on_body(self, body: bytes) -> None:
        """For the parser."""
        if not self._ended:
            self._body.append(body)

    def on_message_complete(self) -> None:
        """For the parser."""
        self._ended |= self._begun

    def _feed(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            self._last = True
            if not self._ended:
                raise ProtocolError(f"not an answer in HTTP/1.1: {error}") from error

    def _give_back(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            if self._last:
                connection.close()
            self._pool._put_conn(connection)  # as urllib3's own answers do


class _Encoded(BufferedIOBase):
    """A file of what comes, for urllib3 to undo its encoding."""

    def __init__(self, following: Callable[[], bytes]) -> None:
        self._following = following

    def read(self, _size: int | None = -1, /) -> bytes:
        return self._following()

    read1 = read


class _Exchange(HTTPConnection):
    """In place of http.client's way to write a request and to read an answer."""

    def request(  # type: ignore[override] # the pool gives more than we ask for
        self, method: str, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None, **_: object
    ) -> None:
        """Send one; raises ValueError for what is no header."""
        told = {"Host": self._named(), **(headers or {})}
        if body is not None or method not in _BODILESS:
            told["Content-Length"] = str(len(body or b""))
        if any(map(_ILL.search, (url, *told.values()))) or " " in url:
            raise ValueError("not to be sent as a header")
        head = "".join(f"{name}: {value}\r\n" for name, value in told.items())
        if self.sock is not None:
            self.sock.settimeout(self.timeout)
        self.send(f"{method} {url} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + (body or b""))

    def _named(self) -> str:
        host = self.host.partition("%")[0]
        host = f"[{host}]" if ":" in host else host
        return host if self.port == self.default_port else f"{host}:{self.port}"

    def getresponse(self) -> Response:  # type: ignore[override] # what the pool and we ask of one
        """The answer, its head read."""
        self.sock.settimeout(self.timeout)
        response = Response(self)
        response.begin()
        return response


class _Plain(_Exchange):
    pass


class _Secure(_Exchange, HTTPSConnection):
    pass
