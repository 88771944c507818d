"""An answer arriving: headers first, then the body in the chunks the peer sends."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

from urllib3 import BaseHTTPResponse

from irkit.cluster.wire.deadline import Deadline
from irkit.cluster.wire.trouble import FOREIGN, trouble
from irkit.errors import ClusterError
from irkit.model.evidence import Call

CHUNK = 1 << 16


class Answer:
    """One answer, to be read once; `call` is final once it has been. Leaving it unread closes its connection."""

    def __init__(self, response: BaseHTTPResponse, call: Call, server: str, sent: float, deadline: Deadline) -> None:
        self.call = call
        self.headers = response.headers
        self._response, self._server, self._sent, self._deadline = response, server, sent, deadline
        self._over = False

    def __iter__(self) -> Iterator[bytes]:
        try:
            while chunk := self._read():
                yield chunk
        except FOREIGN as error:
            raise trouble(error, self._server).error from error
        finally:
            self.close()

    def _read(self) -> bytes:
        """The next bytes, as soon as there are some; `read` would wait for a whole chunk."""
        left = self._deadline.left()
        sock = getattr(self._response.connection, "sock", None)
        # None: the peer will close, and the request's own timeout stands
        if sock is not None and not _nearly(sock.gettimeout(), left):
            sock.settimeout(left)
        return self._response.read1(CHUNK)

    def read(self, limit: int) -> bytes:
        """The whole body; raises ClusterError for one of more than `limit` bytes."""
        parts, size = [], 0
        for chunk in self:
            size += len(chunk)
            if size > limit:
                self.close()
                raise ClusterError(f"the answer to {self.call.url} is larger than {limit >> 20} MiB", "ask for less")
            parts.append(chunk)
        return b"".join(parts)

    def close(self) -> None:
        """Give the connection back to the pool if the body was read to its end, else close it."""
        if self._over:
            return
        self._over = True
        if self._response.connection is not None:
            self._response.close()
        self.call = replace(self.call, elapsed=time.monotonic() - self._sent)


def _nearly(timeout: float | None, left: float) -> bool:
    """Whether a socket's timeout need not be set anew, which is a call to the system for each chunk."""
    return timeout is not None and abs(timeout - left) <= left / 100
