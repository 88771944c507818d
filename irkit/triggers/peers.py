"""Peers that take their time: each has so long to say what it wants, and keeps out nobody who says it at once."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 10  # a head that is not there by then is not coming; likewise the handshake of TLS
MOST = 512  # connections, of the 1,024 files that a process may usually have open; runs need some, too


class Peer(H11Protocol):
    """One connection, as uvicorn serves it."""

    _since: float  # when it began to say nothing
    _late: asyncio.TimerHandle

    @property
    def idle(self) -> bool:
        """Whether it has yet to say what it wants."""
        return self.cycle is None or self.cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """One more; where there are too many, the one that has said nothing for longest has to go."""
        super().connection_made(transport)
        self._wait()
        if len(self.connections) > MOST:
            silent = [peer for peer in self.connections if isinstance(peer, Peer) and peer.idle]
            min(silent, key=lambda peer: peer._since).transport.abort()

    def on_response_complete(self) -> None:
        """It may ask for more."""
        self._late.cancel()
        self._wait()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self._late.cancel()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._since = self.loop.time()
        self._late = self.loop.call_later(HEAD_SECONDS, self._end)

    def _end(self) -> None:
        if self.idle:
            self.transport.abort()


class Loop(asyncio.SelectorEventLoop):
    """A loop whose servers wait no longer for the handshake of TLS than for a head."""

    async def create_server(self, *arguments: Any, **named: Any) -> asyncio.Server:  # noqa: ANN401 - asyncio's own
        """As ever."""
        if named.get("ssl"):
            named["ssl_handshake_timeout"] = HEAD_SECONDS
        return await super().create_server(*arguments, **named)
