"""`irkit serve`: alerts in, kept, answered, and acted upon; or what would happen to one."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from irkit.cli import options
from irkit.cli.app import app
from irkit.cli.command import command
from irkit.cli.face import Face
from irkit.errors import Exit, UsageError
from irkit.settings import SealSettings, home

if TYPE_CHECKING:
    from irkit.playbook.engine import Settings
    from irkit.triggers.orders.crew import Crew
    from irkit.triggers.place import Place, Tls
    from irkit.triggers.routing.explain import Explained
    from irkit.triggers.routing.lint import Loaded
    from irkit.triggers.watch.opening import Watching

Triggers = Annotated[
    Path, typer.Option("--triggers", envvar="IRKIT_TRIGGERS", metavar="FILE", help="Sources and rules.")
]
Address = Annotated[
    str | None,
    typer.Option("--queue", envvar="IRKIT_QUEUE", metavar="URL", help="sqlite:///PATH or postgresql://... ."),
]
Host = Annotated[str, typer.Option("--host", help="Address to listen on.")]
Port = Annotated[int, typer.Option("--port", min=0, max=65535, help="0: any free one.")]
Pem = Annotated[
    Path | None, typer.Option("--tls-cert", metavar="PEM", help="The server's certificate, with its chain.")
]
Key = Annotated[Path | None, typer.Option("--tls-key", metavar="PEM", help="The certificate's key.")]
ClientCa = Annotated[
    Path | None, typer.Option("--client-ca", metavar="PEM", help="mTLS: only clients with a certificate of this one.")
]
Proxy = Annotated[bool, typer.Option("--behind-proxy", help="Plain HTTP is meant: something in front ends TLS.")]
Tails = Annotated[
    list[str] | None,
    typer.Option("--tail", metavar="SOURCE=FILE", help="Follow a file of the source too, a delivery a line; repeats."),
]
Rails = Annotated[
    Path | None,
    typer.Option("--rails", envvar="IRKIT_RAILS", metavar="FILE", help="How far runs may go (default: no change)."),
]
Workers = Annotated[int, typer.Option("--workers", min=0, max=64, help="Runs at once. 0: receive only.")]
Watch = Annotated[bool, typer.Option("--watch", help="Serve the watch page, too, at /watch.")]
OidcFile = Annotated[
    Path | None,
    typer.Option("--oidc", envvar="IRKIT_OIDC", metavar="FILE", help="With --watch: who logs in by which provider."),
]
Check = Annotated[bool, typer.Option("--check", help="Check the triggers file and stop. Exit 2 for a problem.")]
Payload = Annotated[
    Path | None,
    typer.Option("--explain", metavar="FILE", help="Show what this body (- is stdin) would start, and stop."),
]
Source = Annotated[str | None, typer.Option("--source", metavar="NAME", help="The source it would come by.")]
Headers = Annotated[
    list[str] | None, typer.Option("--header", metavar="NAME:VALUE", help="A header it would come with; repeats.")
]


@dataclass(frozen=True, slots=True)
class Listening:
    """Where to listen, as the flags say it."""

    host: Host = "127.0.0.1"
    port: Port = 8484
    tls_cert: Pem = None
    tls_key: Key = None
    client_ca: ClientCa = None
    behind_proxy: Proxy = False

    def place(self) -> Place:
        """The place; raises UsageError for half of what TLS needs."""
        from irkit.triggers.place import Place

        return Place(self.host, self.port, self._tls(), self.behind_proxy)

    def _tls(self) -> Tls | None:
        from irkit.triggers.place import Tls

        if self.tls_cert and self.tls_key:
            return Tls(self.tls_cert, self.tls_key, self.client_ca)
        if self.tls_cert or self.tls_key or self.client_ca:
            raise UsageError("TLS needs --tls-cert and --tls-key, and --client-ca goes with both")
        return None


@dataclass(frozen=True, slots=True)
class Trial:
    """A body to be explained, as if it had been delivered."""

    payload: Payload = None  # None: nothing is to be explained
    source: Source = None
    headers: Headers = None


@command(app, "serve")
def serve(
    face: Face,
    *,
    triggers: Triggers = Path("triggers.yaml"),
    address: Address = None,
    listening: Annotated[Listening, options.Flags(Listening)],
    tails: Tails = None,
    rails: Rails = None,
    workers: Workers = 1,
    watch: Watch = False,
    oidc: OidcFile = None,
    check: Check = False,
    trial: Annotated[Trial, options.Flags(Trial)],
    store: options.StoreFlags,
    sealing: options.SealFlags,
) -> Exit:
    """Receive alerts, keep them before saying 202, and run their playbooks on rails; until interrupted."""
    from irkit.triggers.routing.lint import parse_file

    if check:
        return _check(face, triggers)
    loaded = parse_file(triggers)
    if trial.payload is not None:
        return _explain(face, loaded, trial.payload, trial.source, trial.headers or [])
    from irkit.cli import running
    from irkit.triggers.queue.opening import default
    from irkit.triggers.serving import serving

    place = listening.place()
    settings = running.settings(face, store, sealing)
    crew = crew_of(face, settings, rails, workers, loaded) if workers else None
    watched = _watched(watch, oidc)
    files = [_tail(text) for text in tails or ()]
    with serving(loaded, address or default(), place, files, crew, watched) as server:
        _told(face, server.url, loaded, page=watched is not None, workers=workers)
        server.run()
        face.note("ending, once the runs in hand have ended")
    return Exit.COMPLETE


def _told(face: Face, url: str, loaded: Loaded, *, page: bool, workers: int) -> None:
    """Where alerts, and people, may come."""
    urls = {name: f"{url}/v1/alerts/{name}" for name in loaded.triggers.sources}
    face.emit({"url": url, "sources": urls})
    for where in [*urls.values(), *([f"{url}/watch"] if page else [])]:
        face.show(where)
    face.note(f"receiving, {workers} at work; Ctrl-C ends it" if workers else "receiving only; Ctrl-C ends it")


def crew_of(face: Face, settings: Settings, rails: Path | None, workers: int, loaded: Loaded | None = None) -> Crew:
    """Workers for what alerts ordered; raises UsageError for what would fail every run: cluster, store, seal, rails.

    They end quarantines in time in the namespace that is named, or in all.
    """
    from irkit.bundle.attest import kit
    from irkit.cli.commands.standing.rails import rules_of
    from irkit.playbook.door import connect, destination
    from irkit.triggers.orders.act import Actor
    from irkit.triggers.orders.crew import Crew

    rules = rules_of(rails)
    connect(settings.cluster)
    destination(settings.store)
    if settings.sealing != SealSettings():
        kit.check(settings.sealing)
    actor = Actor(home(), rules, settings, loaded.playbooks if loaded else {})
    return Crew(actor, workers, namespace=face.namespace)


def _watched(watch: bool, oidc: Path | None) -> Watching | None:
    from irkit.triggers.watch.opening import watching

    if oidc and not watch:
        raise UsageError("--oidc is for those who log in to the watch page", "give --watch, too")
    return watching(home(), oidc, os.environ) if watch else None


def _tail(text: str) -> tuple[str, Path]:
    source, equals, path = text.partition("=")
    if not (equals and path):
        raise UsageError(f"not SOURCE=FILE: {text!r}")
    return source, Path(path)


def _check(face: Face, path: Path) -> Exit:
    from irkit.playbook.find import read
    from irkit.triggers.routing.lint import lint

    problems = lint(read(path))
    rows = [{"line": one.line, "column": one.column, "message": one.message} for one in problems]
    face.emit({"checked": str(path), "problems": rows}, lines=rows)
    for problem in problems:
        face.show(f"{path}:{problem}", "bad")
    if not problems:
        face.show(f"{path}: good", "good")
    return Exit.USAGE if problems else Exit.COMPLETE


def _explain(face: Face, loaded: Loaded, payload: Path, source: str | None, headers: list[str]) -> Exit:
    from irkit import times
    from irkit.triggers.formats.reading.delivery import Delivery
    from irkit.triggers.routing.explain import explain

    if source is None:
        raise UsageError("--explain needs --source NAME", f"one of {', '.join(loaded.triggers.sources)}")
    try:
        body = sys.stdin.buffer.read() if str(payload) == "-" else payload.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {payload}: {error.strerror}") from error
    pairs = (header.partition(":") for header in headers)
    given = {name.strip().lower(): value.strip() for name, _, value in pairs}
    told = explain(loaded, Delivery(source, body, times.now(), given))
    face.emit(told)
    if told.refused:
        face.show(f"quarantined  {told.refused}", "bad")
    for number, one in enumerate(told.alerts, 1):
        _show(face, number, one)
    if not told.alerts and not told.refused:
        face.show("no alert in it: nothing would happen")
    return Exit.FAILED if told.refused or any(one.decision.problem for one in told.alerts) else Exit.COMPLETE


def _show(face: Face, number: int, told: Explained) -> None:
    decision = told.decision
    alert = decision.alert
    face.show(
        f"alert {number}    {alert.name}  {alert.status}, {alert.severity}, pod {alert.pod or 'not named'}", "bold"
    )
    face.show(f"rule       {decision.rule or 'none matches: ignored'}")
    if decision.problem:
        face.show(f"problem    {decision.problem}: a dead letter for somebody to look at", "bad")
    elif decision.playbook:
        given = ", ".join(f"{name}={value!r}" for name, value in decision.inputs.items())
        face.show(f"playbook   {decision.playbook} with {given}")
    for step in told.steps:
        face.show(f"step       {step.id:<10} {step.uses:<20} {step.effect}")
    if told.shadowed:
        face.show(f"too late   {', '.join(told.shadowed)}: an earlier rule has matched", "dim")
