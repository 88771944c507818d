"""The watch page's door to the web framework: who asks, what they may, which page or deed that comes to."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from irkit.errors import IrkitError, Refused, UsageError
from irkit.times import Clock
from irkit.triggers.queue.protocol import State
from irkit.triggers.watch import live, pages
from irkit.triggers.watch.deeds import Deeds
from irkit.triggers.watch.live import News
from irkit.triggers.watch.login.doorkeeper import Doorkeeper
from irkit.triggers.watch.login.oidc import LoginFailed
from irkit.triggers.watch.login.sessions import LENGTH, Session
from irkit.triggers.watch.lookout import Lookout

COOKIE, STATE = "irkit-watch", "irkit-login"
FORM_BYTES = 16 * 1024
_HEADERS = {
    "Content-Security-Policy": pages.POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_STATUS: dict[type[IrkitError], int] = {Refused: 403, UsageError: 404}

Form = dict[str, str]
Page = Callable[[Request, Session], Response]
Deed = Callable[[Request, Session, Form], str]  # the path to go on to


@dataclass(frozen=True, slots=True)
class Site:
    """Every path under /watch. `secure`: browsers reach us by TLS; `ending`: the server is about to stop."""

    lookout: Lookout
    deeds: Deeds
    doorkeeper: Doorkeeper
    news: News
    clock: Clock
    secure: bool
    ending: Callable[[], bool]

    def routes(self) -> list[BaseRoute]:
        """What there is; all but the login and the stylesheet asks for a session."""
        return [
            Route("/watch", self._page(self._overview)),
            Route("/watch/runs/{run}", self._page(self._run)),
            Route("/watch/runs/{run}/report", self._page(self._report)),
            Route("/watch/queue", self._page(self._queue)),
            Route("/watch/live", self._live),
            Route("/watch/login", self._login),
            Route("/watch/login", self._enter, methods=["POST"]),
            Route("/watch/oidc", self._leave),
            Route("/watch/oidc/callback", self._return),
            Route("/watch/logout", self._deed(self._logout), methods=["POST"]),
            Route("/watch/freeze", self._deed(self._freeze), methods=["POST"]),
            Route("/watch/thaw", self._deed(self._thaw), methods=["POST"]),
            Route("/watch/runs/{run}/answer", self._deed(self._answer), methods=["POST"]),
            Route("/watch/runs/{run}/cancel", self._deed(self._cancel), methods=["POST"]),
            Route("/watch/queue/{job:int}/retry", self._deed(self._retry), methods=["POST"]),
            Route("/watch/{asset}", self._asset),
        ]

    # Pages

    def _overview(self, request: Request, session: Session) -> Response:
        seen, counts = self.lookout.runs(), self.lookout.counts()
        return self._show("overview", session, seen=seen, counts=counts, frozen=self.lookout.frozen())

    def _run(self, request: Request, session: Session) -> Response:
        return self._show("run", session, sight=self.lookout.run(request.path_params["run"]))

    def _queue(self, request: Request, session: Session) -> Response:
        asked = request.query_params.get("state", "")
        states = [State(asked)] if asked in list(State) else []
        jobs, counts = self.lookout.jobs(states), self.lookout.counts()
        return self._show("queue", session, jobs=jobs, counts=counts, asked=asked, frozen=self.lookout.frozen())

    def _report(self, request: Request, session: Session) -> Response:
        headers = _HEADERS | {"Content-Security-Policy": pages.REPORT_POLICY}
        return Response(self.lookout.report(request.path_params["run"]), 200, headers, "text/html; charset=utf-8")

    def _show(self, name: str, session: Session | None, status: int = 200, **values: Any) -> Response:  # noqa: ANN401
        html = pages.render(name, session=session, now=self.clock(), **values)
        return Response(html, status, _HEADERS, "text/html; charset=utf-8")

    def _page(self, page: Page) -> Callable[[Request], Response]:
        def handle(request: Request) -> Response:
            if (session := self._session(request)) is None:
                return RedirectResponse("/watch/login", 303, _HEADERS)
            try:
                return page(request, session)
            except IrkitError as error:
                return self._trouble(session, error)

        return handle

    def _trouble(self, session: Session | None, error: IrkitError) -> Response:
        status = next((code for kind, code in _STATUS.items() if isinstance(error, kind)), 503)
        return self._show("trouble", session, status, error=error)

    def _asset(self, request: Request) -> Response:
        kind, data = pages.assets().get(request.path_params["asset"], ("", b""))
        return Response(data, 200, _HEADERS, kind) if kind else Response(status_code=404, headers=_HEADERS)

    async def _live(self, request: Request) -> Response:
        secret = request.cookies.get(COOKIE, "")
        if self.doorkeeper.sessions.find(secret) is None:
            return Response(status_code=401, headers=_HEADERS)
        if self.news.open >= live.MOST:
            return Response(status_code=503, headers=_HEADERS)
        stays = self.news.stream(lambda: not self.ending() and self.doorkeeper.sessions.find(secret) is not None)
        return StreamingResponse(stays, 200, _HEADERS | {"X-Accel-Buffering": "no"}, "text/event-stream")

    # Coming and going

    def _login(self, request: Request) -> Response:
        if self._session(request):
            return RedirectResponse("/watch", 303, _HEADERS)
        return self._show("login", None, provider=bool(self.doorkeeper.provider), failed="")

    async def _enter(self, request: Request) -> Response:
        form = await _form(request)
        if form is None or not _ours(request):
            return Response(status_code=400, headers=_HEADERS)
        try:
            secret = await run_in_threadpool(self.doorkeeper.by_token, form.get("token", ""))
        except IrkitError as error:
            provider = bool(self.doorkeeper.provider)
            return self._show("login", None, 403, provider=provider, failed=error.message)
        return self._entered(secret)

    def _leave(self, request: Request) -> Response:
        if self.doorkeeper.provider is None:
            return Response(status_code=404, headers=_HEADERS)
        try:
            address, state = self.doorkeeper.provider.begin()
        except LoginFailed as error:
            return self._trouble(None, error)
        response = RedirectResponse(address, 303, _HEADERS)
        response.set_cookie(STATE, state, 600, path="/watch/oidc", secure=self.secure, httponly=True, samesite="lax")
        return response

    def _return(self, request: Request) -> Response:
        """Back from the provider, in the browser that left for it: another's does not hold the state."""
        state, code = (request.query_params.get(name, "") for name in ("state", "code"))
        if not state or not hmac.compare_digest(state.encode(), request.cookies.get(STATE, "").encode()):
            return self._trouble(None, Refused("this login was not begun in this browser", "begin again"))
        try:
            return self._entered(self.doorkeeper.by_provider(state, code))
        except IrkitError as error:
            return self._trouble(None, error)

    def _entered(self, secret: str) -> Response:
        response = RedirectResponse("/watch", 303, _HEADERS)
        length = int(LENGTH.total_seconds())
        # Lax, not strict: who comes from the provider, or from a link in a chat, is logged in all the same.
        response.set_cookie(COOKIE, secret, length, path="/watch", secure=self.secure, httponly=True, samesite="lax")
        return response

    def _session(self, request: Request) -> Session | None:
        return self.doorkeeper.sessions.find(request.cookies.get(COOKIE, ""))

    # Deeds

    def _deed(self, deed: Deed) -> Callable[[Request], Awaitable[Response]]:
        async def handle(request: Request) -> Response:
            session, form = self._session(request), await _form(request)
            if session is None:
                return RedirectResponse("/watch/login", 303, _HEADERS)
            if form is None or not _ours(request) or not _signed(form, session):
                return self._trouble(session, Refused("the form is not from this page", "open the page anew"))
            try:
                return RedirectResponse(await run_in_threadpool(deed, request, session, form), 303, _HEADERS)
            except IrkitError as error:
                return self._trouble(session, error)

        return handle

    def _logout(self, request: Request, session: Session, form: Form) -> str:
        self.doorkeeper.sessions.end(request.cookies.get(COOKIE, ""))
        return "/watch/login"

    def _freeze(self, request: Request, session: Session, form: Form) -> str:
        self.deeds.freeze(session.person, form.get("why", ""))
        return "/watch"

    def _thaw(self, request: Request, session: Session, form: Form) -> str:
        self.deeds.thaw(session.person)
        return "/watch"

    def _answer(self, request: Request, session: Session, form: Form) -> str:
        run = request.path_params["run"]
        note, plan = form.get("note", ""), form.get("plan", "")
        self.deeds.answer(session.person, run, form.get("answer", ""), note, plan)
        return f"/watch/runs/{run}"

    def _cancel(self, request: Request, session: Session, form: Form) -> str:
        self.deeds.cancel(session.person, request.path_params["run"])
        return f"/watch/runs/{request.path_params['run']}"

    def _retry(self, request: Request, session: Session, form: Form) -> str:
        self.deeds.retry(session.person, request.path_params["job"])
        return "/watch/queue"


async def _form(request: Request) -> Form | None:
    """The fields of a form, each once; None for what is none, or too large."""
    if request.headers.get("content-type", "").partition(";")[0] != "application/x-www-form-urlencoded":
        return None
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > FORM_BYTES:
            return None
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=20))
    except ValueError:
        return None


def _ours(request: Request) -> bool:
    """Whether the browser says that a page of ours sent the form. What says nothing is no browser."""
    if site := request.headers.get("sec-fetch-site"):
        return site == "same-origin"
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


def _signed(form: Form, session: Session) -> bool:
    return hmac.compare_digest(form.get("csrf", "").encode(), session.csrf.encode())
