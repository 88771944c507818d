"""A server put together from a triggers file, and taken apart again; never one whose secrets travel in the clear."""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from irkit.errors import UsageError
from irkit.triggers import sources
from irkit.triggers.intake import Intake
from irkit.triggers.metrics import Metrics
from irkit.triggers.place import Place
from irkit.triggers.queue.bell import Bell
from irkit.triggers.queue.opening import opened
from irkit.triggers.routing.lint import Loaded
from irkit.triggers.tail import Tail
from irkit.triggers.watch.opening import Watching, site

if TYPE_CHECKING:
    from irkit.triggers.orders.crew import Crew
    from irkit.triggers.server import Server


@contextmanager
def serving(
    loaded: Loaded,
    queue: str,
    place: Place,
    files: Sequence[tuple[str, Path]] = (),
    crew: Crew | None = None,
    watched: Watching | None = None,
) -> Iterator[Server]:
    """A server that listens, with its queue at the address `queue`; `run` serves. Raises UsageError, QueueError.

    `files`: sources and files of theirs that are followed meanwhile, one delivery a line. `crew`: who works meanwhile
    on what is accepted; None for nobody here. `watched`: what the watch page shows; None for no page.
    """
    try:
        from irkit.triggers.server import Endpoints, Server, listen
    except ImportError as error:
        raise UsageError("irkit serve needs starlette and uvicorn", "pip install 'irkit[serve]'") from error
    _safe(loaded, place)
    if unknown := [name for name, _ in files if name not in loaded.triggers.sources]:
        raise UsageError(f"no such source: {unknown[0]}", f"the sources: {', '.join(loaded.triggers.sources)}")
    known = sources.ready(loaded.triggers)
    store = opened(queue)
    try:
        with listen(place.host, place.port) as listening:
            intake = Intake(loaded, known, store.queue, Metrics(), crew.bell if crew else Bell())
            server = Server(Endpoints(intake, store.desk), listening, place.tls)
            if watched:
                server.add(site(watched, store.desk, place, lambda: server.ending).routes())
            working = crew.working(store.queue) if crew else nullcontext()
            with working, _following([Tail(name, path, intake.keep) for name, path in files]):
                yield server
    finally:
        store.close()


@contextmanager
def _following(tails: Sequence[Tail]) -> Iterator[None]:
    threads = [threading.Thread(target=tail.run, name=f"tail {tail.path}") for tail in tails]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for tail, thread in zip(tails, threads, strict=True):
            tail.stopped.set()
            thread.join()


def _safe(loaded: Loaded, place: Place) -> None:
    by_transport = [name for name, source in loaded.triggers.sources.items() if source.auth.mtls]
    if by_transport and not (place.tls and place.tls.client_ca):
        raise UsageError(f"source {by_transport[0]} relies on mTLS, which needs --client-ca")
    if place.tls is None and not place.behind_proxy and not _loopback(place.host):
        raise UsageError(
            f"plain HTTP on {place.host} would show every secret on the way",
            "--tls-cert and --tls-key; or --behind-proxy, where something in front ends TLS",
        )


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
