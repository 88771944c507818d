"""A command run in a container: its output over WebSocket, as Kubernetes' v4.channel.k8s.io frames it.

Every message begins with a byte that names its channel: 1 is standard output, 2 standard error, 3 the final Status.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import urllib3
import websocket

from irkit.cluster.objects import entries, part
from irkit.cluster.wire.deadline import LATE, Deadline
from irkit.cluster.wire.refusal import Refusal, refusal
from irkit.cluster.wire.trouble import trouble
from irkit.errors import ClusterError, DeadlineExceeded, Unreachable
from irkit.model.evidence import Call
from irkit.text import Mask, line, safe
from irkit.times import Clock

PROTOCOL = "v4.channel.k8s.io"
STDOUT, STDERR, STATUS = 1, 2, 3
_WORDS = 2048  # bytes of standard error, and of a Status, that are read

FOREIGN = (websocket.WebSocketException, OSError, ValueError)


class Output:
    """What a command writes, to be iterated once; `call` is final afterwards.

    Raises ClusterError where the command does not end well, Unreachable where the connection does not tell its end.
    """

    def __init__(
        self,
        socket: Any,  # noqa: ANN401
        call: Call,
        server: str,
        sent: float,
        deadline: Deadline,
        mask: Mask,
    ) -> None:
        self.call, self._mask = call, mask
        self._socket, self._server, self._sent, self._deadline = socket, server, sent, deadline

    def __iter__(self) -> Iterator[bytes]:
        complaint = b""
        try:
            while True:
                channel, data = self._message()
                if channel == STATUS:
                    return _judge(data, complaint, self._mask)
                if channel == STDOUT and data:
                    yield data
                if channel == STDERR:
                    complaint = (complaint + data)[:_WORDS]
        except FOREIGN as error:
            raise _broken(error, self._server) from error
        finally:
            self.close()

    def _message(self) -> tuple[int, bytes]:
        self._socket.settimeout(self._deadline.left())
        kind, data = self._socket.recv_data()
        if kind == websocket.ABNF.OPCODE_CLOSE:
            raise websocket.WebSocketConnectionClosedException("closed before the command's end was told")
        return (data[0], data[1:]) if data else (STDOUT, b"")

    def close(self) -> None:
        """Leave; a command that still runs loses its output."""
        self._socket.shutdown()
        self.call = replace(self.call, elapsed=time.monotonic() - self._sent)


def begin(
    pool: urllib3.PoolManager,
    server: str,
    url: str,
    headers: Mapping[str, str],
    deadlines: tuple[Deadline, Deadline],
    clock: Clock,
    mask: Mask,
) -> Output | Refusal:
    """Ask for `url` (exec with its query) as a WebSocket; raises a ClusterError for no answer.

    The first of `deadlines` is for the beginning, the second for reading.
    """
    started, sent = clock(), time.monotonic()

    def called(status: int, answered: Callable[[str], str | None]) -> Call:
        took = time.monotonic() - sent
        return Call("GET", url, status, started, took, answered("date"), answered("audit-id"))

    try:
        socket = websocket.create_connection(
            "ws" + server.removeprefix("http") + url,
            timeout=deadlines[0].left(),
            header=[f"{name}: {value}" for name, value in headers.items()],
            subprotocols=[PROTOCOL],
            suppress_origin=True,
            skip_utf8_validation=True,
            redirect_limit=0,
            **_transport(pool),
        )
    except websocket.WebSocketBadStatusException as error:
        return refusal(error.status_code, error.resp_body or b"", f"GET {url.partition('?')[0]}", mask)
    except FOREIGN as error:
        raise _broken(error, server) from error
    return Output(socket, called(101, (socket.getheaders() or {}).get), server, sent, deadlines[1], mask)


def _transport(pool: urllib3.PoolManager) -> dict[str, Any]:
    """The same TLS and the same proxy as other requests; the environment's proxies are in the pool already, if any."""
    options = pool.connection_pool_kw
    tls: dict[str, Any] = {"context": options.get("ssl_context"), "server_hostname": options.get("server_hostname")}
    if pool.proxy is None:
        return {"sslopt": tls, "http_no_proxy": ["*"]}
    login = tuple((pool.proxy.auth or "").split(":", 1))
    proxy = {"http_proxy_host": pool.proxy.host, "http_proxy_port": pool.proxy.port, "proxy_type": "http"}
    return {"sslopt": tls, **proxy, "http_proxy_auth": login if len(login) == 2 else None, "http_no_proxy": [""]}


def _broken(error: Exception, server: str) -> ClusterError:
    if isinstance(error, websocket.WebSocketTimeoutException):
        return DeadlineExceeded(f"{server} did not answer in the time allowed", LATE)
    if isinstance(error, websocket.WebSocketException):
        told = safe(" ".join(str(error).split()))[:200]
        return Unreachable(f"no whole answer from {server}: {told}", "the connection broke: try again")
    return trouble(error, server).error


def _judge(status: bytes, complaint: bytes, mask: Mask) -> None:
    """Raise ClusterError for a command that did not end well; `status` is a metav1.Status."""
    try:
        told = json.loads(status)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise Unreachable("how the command ended was not told", "the connection broke: try again")
    if told.get("status") == "Success":
        return
    codes = [
        each.get("message") for each in entries(part(told, "details"), "causes") if each.get("reason") == "ExitCode"
    ]
    ended = f"the command ended with {codes[0]}" if codes else str(told.get("message") or "the command failed")
    words = complaint.decode(errors="replace").strip()
    raise ClusterError(line(f"{ended}: {words}" if words else ended, mask))
