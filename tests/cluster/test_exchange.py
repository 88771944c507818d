"""One request and its answer, byte by byte: what may come over a connection, and what becomes of the connection."""

from __future__ import annotations

import gzip
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
import urllib3
from urllib3.exceptions import ProtocolError

from irkit.cluster.wire.exchange import LONGEST, lean

Said = list[bytes]  # what a server sends for one request, piece by piece; b"": it hangs up
OK = b"HTTP/1.1 200 OK\r\n"


class Server:
    """Answers requests, on one connection after the other, by the next of `said`; keeps what it was asked."""

    def __init__(self) -> None:
        self.said: list[Said] = []
        self.asked: list[bytes] = []
        self.connections = 0
        self._listening = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    def close(self) -> None:
        self._listening.close()

    def _serve(self) -> None:
        while self._listening.fileno() >= 0:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            with connection, suppress(ConnectionError):  # the client may have heard enough
                while self.said and self._answer(connection):
                    pass

    def _answer(self, connection: socket.socket) -> bool:
        asked = b""
        while b"\r\n\r\n" not in asked:
            if not (more := connection.recv(1 << 16)):
                return False
            asked += more
        self.asked.append(asked)
        for piece in self.said.pop(0):
            if not piece:
                return False
            connection.sendall(piece)
        return True


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


Ask = Callable[..., bytes]


@pytest.fixture
def pool(server: Server) -> Iterator[urllib3.HTTPConnectionPool]:
    made = lean(urllib3.connection_from_url(server.url))
    yield made
    made.close()


@pytest.fixture
def ask(pool: urllib3.HTTPConnectionPool) -> Ask:
    def asked(method: str = "GET", url: str = "/api?a=b", body: bytes | None = None, **headers: str) -> bytes:
        timeout = urllib3.Timeout(20)
        response = pool.urlopen(
            method, url, body, headers, retries=False, preload_content=False, timeout=timeout, redirect=False
        )
        parts = list(iter(lambda: response.read1(1 << 16), b""))
        assert response.connection is None
        return b"%d %s" % (response.status, b"".join(parts))

    return asked


@pytest.mark.parametrize(
    ("said", "body"),
    [
        ([OK + b"Content-Length: 5\r\n\r\nhello"], b"hello"),
        ([OK + b"content-length:5\r\n\r\nhe", b"llo"], b"hello"),
        ([OK + b"Content-Length: 0\r\n\r\n"], b""),
        ([OK[:4], OK[4:] + b"Transfer-Encoding: chu", b"nked\r\n\r\n3\r\nhel\r\n2", b"\r\nlo\r\n0\r\n\r\n"], b"hello"),
        ([OK + b"Transfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nTrailer: 1\r\n\r\n"], b"hello"),
        ([b"HTTP/1.1 100 Continue\r\nX: y\r\n\r\n" + OK + b"Content-Length: 5\r\n\r\nhello"], b"hello"),
        ([b"HTTP/1.1 100 Continue\r\n\r\n", OK + b"Content-Length: 5\r\n\r\nhello"], b"hello"),
    ],
)
def test_an_answer_is_read_as_it_is_framed_and_its_connection_used_again(
    server: Server, ask: Ask, said: Said, body: bytes
) -> None:
    server.said = [said, said]
    assert [ask(), ask()] == [b"200 " + body] * 2
    assert server.connections == 1


def test_an_answer_without_a_length_ends_with_its_connection(server: Server, ask: Ask) -> None:
    server.said = [[b"HTTP/1.0 200 OK\r\n\r\nhel", b"lo", b""], [OK + b"\r\nhello", b""]]
    assert [ask(), ask()] == [b"200 hello"] * 2
    assert server.connections == 2


@pytest.mark.parametrize("more", [b"Connection: close\r\n", b""])
def test_a_connection_that_is_to_end_is_not_used_again(server: Server, ask: Ask, more: bytes) -> None:
    version = OK if more else b"HTTP/1.0 200 OK\r\n"
    server.said = [[version + more + b"Content-Length: 2\r\n\r\nok", b""]] * 2
    assert [ask(), ask()] == [b"200 ok"] * 2
    assert server.connections == 2


@pytest.mark.parametrize(
    "more",
    [
        b"HTTP/1.1 500 Oh\r\nContent-Length: 6\r\n\r\nforged",
        b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 6\r\n\r\nforged",
        b"what is this?",
    ],
)
def test_what_nobody_asked_for_is_no_answer_to_the_next_request(server: Server, ask: Ask, more: bytes) -> None:
    whole = OK + b"Content-Length: 2\r\n\r\nok"
    server.said = [[whole + more], [whole]]
    assert [ask(), ask()] == [b"200 ok"] * 2


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
def test_a_status_without_a_body_has_none(server: Server, ask: Ask, status: bytes) -> None:
    server.said = [[b"HTTP/1.1 " + status + b"\r\n\r\n"]] * 2
    assert [ask(), ask()] == [status[:4]] * 2
    assert server.connections == 1


@pytest.mark.parametrize(
    "said",
    [
        [b""],
        [b"HTTP/1.1 200", b""],
        [OK + b"Content-Length: 6\r\n\r\nhello", b""],
        [OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", b""],
        [OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n", b""],
        [b"SSH-2.0-OpenSSH_9.2\r\n\r\n", b""],
        [OK + b"Content-Length: five\r\n\r\nhello", b""],
        [OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", b""],
        [b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n", b""],
        [OK + b"".join(b"X-%d: %s\r\n" % (one, b"x" * 1000) for one in range(LONGEST // 500)), b""],
    ],
)
def test_what_is_no_whole_answer_is_told_and_its_connection_ended(server: Server, ask: Ask, said: Said) -> None:
    server.said = [said, [OK + b"Content-Length: 2\r\n\r\nok"]]
    with pytest.raises(ProtocolError):
        ask()
    assert ask() == b"200 ok"
    assert server.connections == 2


def test_an_answer_left_unread_ends_its_connection(server: Server, pool: urllib3.HTTPConnectionPool) -> None:
    server.said = [[OK + b"Content-Length: 9\r\n\r\nhello"], [OK + b"Content-Length: 2\r\n\r\nok"]]
    first = pool.urlopen("GET", "/", retries=False, redirect=False, preload_content=False)
    assert first.read1(1) == b"hello"
    first.close()
    assert pool.urlopen("GET", "/", retries=False, redirect=False, preload_content=False).read1(1) == b"ok"
    assert server.connections == 2


def test_headers_are_found_in_any_case_and_joined(server: Server, pool: urllib3.HTTPConnectionPool) -> None:
    server.said = [[OK + b"AUDIT-id: one\r\nAudit-Id: two\r\nDate: \xe9\r\nContent-Length: 0\r\n\r\n"]]
    response = pool.urlopen("GET", "/", retries=False, redirect=False, preload_content=False)
    assert not response.read1(1)
    assert [response.headers.get(name) for name in ("Audit-Id", "date", "Retry-After")] == ["one, two", "é", None]


@pytest.mark.parametrize("encoding", ["gzip", "GZIP"])
def test_what_a_proxy_has_compressed_is_undone(server: Server, ask: Ask, encoding: str) -> None:
    body = gzip.compress(b"hello" * 1000)
    head = b"Content-Encoding: %s\r\nContent-Length: %d\r\n\r\n" % (encoding.encode(), len(body))
    server.said = [[OK + head + body[:20], body[20:]]] * 2
    assert [ask(), ask()] == [b"200 " + b"hello" * 1000] * 2


def test_a_request_is_what_a_server_expects(server: Server, ask: Ask) -> None:
    server.said = [[OK + b"Content-Length: 0\r\n\r\n"]] * 3
    ask("GET", "/api?a=b c", Accept="x/y")
    ask("POST", "/api")
    ask("DELETE", "/api", b"{}")
    host = b"Host: " + server.url.removeprefix("http://").encode()
    assert server.asked == [
        b"GET /api?a=b%20c HTTP/1.1\r\n" + host + b"\r\nAccept: x/y\r\n\r\n",
        b"POST /api HTTP/1.1\r\n" + host + b"\r\nContent-Length: 0\r\n\r\n",
        b"DELETE /api HTTP/1.1\r\n" + host + b"\r\nContent-Length: 2\r\n\r\n{}",
    ]


@pytest.mark.parametrize("value", ["a\r\nX-Forged: 1", "a\nb", "a\0b", "\u20ac"])
def test_no_value_can_become_another_header(server: Server, ask: Ask, value: str) -> None:
    with pytest.raises(ValueError, match="header|encode"):
        ask(Authorization=value)
    assert not server.asked
