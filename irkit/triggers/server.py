"""The one door to the web framework: HTTP in, `Intake` behind it, and nothing else on this port."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import ssl
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from irkit import times
from irkit.errors import UsageError
from irkit.triggers.formats.reading.delivery import Delivery
from irkit.triggers.intake import RETRY_AFTER, Answer, Intake
from irkit.triggers.metrics import CONTENT_TYPE
from irkit.triggers.peers import Loop, Peer
from irkit.triggers.place import Tls
from irkit.triggers.queue.protocol import Desk, QueueError

BODY_SECONDS = 10  # a body that is not there by then is not coming
AT_ONCE = 256  # deliveries; more than this wait to be sent again


class _TooLarge(Exception):
    """The body is larger than the format's cap."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The handlers. What blocks runs in a thread."""

    intake: Intake
    desk: Desk
    room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    def routes(self) -> list[BaseRoute]:
        """Every path there is."""
        return [
            Route("/v1/alerts/{source}", self.alerts, methods=["POST"]),
            Route("/v1/alerts/{source}", self.handshake, methods=["OPTIONS"]),
            Route("/healthz", self.health),
            Route("/readyz", self.readiness),
            Route("/metrics", self.metrics),
        ]

    async def alerts(self, request: Request) -> Response:
        """Know the sender, keep what it says, then 202."""
        began, name = time.perf_counter(), request.path_params["source"]
        known = name in self.intake.sources
        answer = await self._answer(name, request) if known else Answer(404, "no-such-source")
        self.intake.metrics.request(name if known else "", answer.outcome, time.perf_counter() - began)
        headers = {"Retry-After": str(RETRY_AFTER)} if answer.status == 503 else None
        return JSONResponse(answer.body, answer.status, headers)

    async def _answer(self, name: str, request: Request) -> Answer:
        if self.room.locked():
            return Answer(503, "busy")
        async with self.room:
            return await self._taken(name, request)

    async def _taken(self, name: str, request: Request) -> Answer:
        if request.headers.get("content-encoding", "identity") != "identity":
            return Answer(415, "encoded")
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await _body(request, self.intake.sources[name].format.cap)
        except _TooLarge:
            return Answer(413, "too-large")
        except TimeoutError:
            return Answer(408, "too-slow")
        except ClientDisconnect:
            return Answer(400, "cut-off")
        return await run_in_threadpool(self.intake.receive, Delivery(name, body, times.now(), _headers(request)))

    async def handshake(self, request: Request) -> Response:
        """CloudEvents asks first whether deliveries are welcome, so that nobody is flooded who did not ask for it."""
        source = self.intake.sources.get(request.path_params["source"])
        origin = request.headers.get("webhook-request-origin")
        if source is None or source.format.name != "cloudevents" or origin is None:
            return Response(status_code=405, headers={"Allow": "POST"})
        return Response(headers={"WebHook-Allowed-Origin": origin, "Allow": "POST"})

    async def health(self, request: Request) -> Response:
        """The process answers."""
        return PlainTextResponse("ok\n")

    async def readiness(self, request: Request) -> Response:
        """The queue answers too."""
        jobs = await run_in_threadpool(self._jobs)
        return PlainTextResponse("ready\n" if jobs is not None else "no queue\n", 200 if jobs is not None else 503)

    async def metrics(self, request: Request) -> Response:
        """OpenMetrics."""
        jobs = await run_in_threadpool(self._jobs)
        return Response(self.intake.metrics.text(jobs), media_type=CONTENT_TYPE)

    def _jobs(self) -> dict[str, int] | None:
        try:
            return {str(state): count for state, count in self.desk.counts().items()}
        except QueueError:
            return None


async def _body(request: Request, cap: int) -> bytes:
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced) > cap:
        raise _TooLarge
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > cap:
            raise _TooLarge
        parts.append(part)
    return b"".join(parts)


def _headers(request: Request) -> dict[str, str]:
    """Names in lower case; of one that came more than once all values, as RFC 9110 joins them."""
    found: dict[str, str] = {}
    for name, value in request.headers.items():
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


class Server:
    """A server on a socket that listens already, so that its port is known before it serves.

    Raises UsageError for files that TLS cannot work with.
    """

    def __init__(self, endpoints: Endpoints, listening: socket.socket, tls: Tls | None = None) -> None:
        app = Starlette(routes=endpoints.routes())
        app.router.redirect_slashes = False  # a path is a source, or it is not there
        self._app = app
        # h11 ends a request whose head does not end; httptools, which uvicorn prefers where it is there, would go on.
        config = uvicorn.Config(
            app, http=Peer, lifespan="off", ws="none", log_config=None, access_log=False, server_header=False,
            proxy_headers=False, timeout_graceful_shutdown=10,
            ssl_certfile=tls.certificate if tls else None, ssl_keyfile=tls.key if tls else None,
            ssl_ca_certs=str(tls.client_ca) if tls and tls.client_ca else None,
            ssl_cert_reqs=ssl.CERT_REQUIRED if tls and tls.client_ca else ssl.CERT_NONE,
        )  # fmt: skip
        if tls:
            _load(config, tls)
        self._server, self._socket = uvicorn.Server(config), listening
        host, port = listening.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        self.url = f"{'https' if tls else 'http'}://{shown}:{port}"

    @property
    def ending(self) -> bool:
        """Whether it was asked to end: what streams has to, too."""
        return self._server.should_exit

    def add(self, routes: Iterable[BaseRoute]) -> None:
        """More paths, before it runs."""
        self._app.router.routes.extend(routes)

    def run(self) -> None:
        """Serve until SIGINT, SIGTERM or `stop`; requests under way are answered first."""
        if threading.current_thread() is threading.main_thread():
            # uvicorn raises the signal again once it has shut down: let that, too, end in our hands.
            signal.signal(signal.SIGTERM, signal.default_int_handler)
        with contextlib.suppress(KeyboardInterrupt), asyncio.Runner(loop_factory=Loop) as runner:
            runner.run(self._server.serve(sockets=[self._socket]))

    def stop(self) -> None:
        """Ask `run`, in another thread, to end."""
        self._server.should_exit = True


def _load(config: uvicorn.Config, tls: Tls) -> None:
    """Open what TLS needs now, before anybody is told that this server receives; raises UsageError."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(tls.certificate, tls.key, partial(_locked, tls.key))
        config.load()
    except OSError as error:  # every ssl.SSLError is one
        files = ", ".join(str(file) for file in (tls.certificate, tls.key, tls.client_ca) if file)
        hint = "in PEM: the certificate with its chain, its key without a passphrase, the authority of clients"
        raise UsageError(f"TLS does not work with {files}: {error.strerror}", hint) from error


def _locked(key: Path) -> str:
    """Refuse in the place of OpenSSL, which would ask for a passphrase on the terminal, and wait."""
    hint = f"openssl pkey -in {key} -out OPEN.pem, for this user alone to read (umask 077)"
    raise UsageError(f"the TLS key {key} is encrypted with a passphrase", hint)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 is any free one. Raises UsageError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family, backlog=1024)
    except OSError as error:
        raise UsageError(f"cannot listen on {host} port {port}: {error.strerror}", "choose another") from error
    # Taken over by what it accepts; asyncio sets it only where a socket names TCP. Without it every answer but the
    # first few of a kept connection waits 40 ms for the peer's delayed ACK.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening
