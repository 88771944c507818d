"""Sending a request until it is answered, refused, or the time is over."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from functools import cached_property
from itertools import count
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

import urllib3

from irkit import __version__
from irkit.cluster.wire.answer import Answer
from irkit.cluster.wire.deadline import Deadline
from irkit.cluster.wire.refusal import Refusal, refusal
from irkit.cluster.wire.trouble import FOREIGN, Trouble, trouble
from irkit.model.evidence import Call
from irkit.text import Mask, without
from irkit.times import Clock, now

if TYPE_CHECKING:
    from irkit.cluster.wire.execution import Output

AGENT = f"irkit/{__version__}"
EXPLANATION = 1 << 20  # bytes of a refusal that are read


@dataclass(frozen=True, slots=True)
class Request:
    """`repeatable`: doing it twice is doing it once, so that an unanswered one may be sent again."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None  # None: the method has none
    content_type: str = "application/json"
    repeatable: bool = False
    tested: bool = False  # a JSON Patch that holds `test` operations

    @property
    def url(self) -> str:
        """Path and query."""
        return f"{self.path}?{urlencode(self.query)}" if self.query else self.path


@dataclass(frozen=True, slots=True)
class Pace:
    """How often and how fast to try again: full jitter over a doubling pause, `base` to `cap` seconds."""

    attempts: int = 3  # for trouble that a busy server does not explain: a broken connection, a plain 500
    base: float = 0.25
    cap: float = 8.0
    connect: float = 10.0  # seconds for a connection
    chance: Callable[[], float] = random.random
    sleep: Callable[[float], None] = time.sleep
    clock: Clock = now

    def backoff(self, attempt: int) -> float:
        """Seconds before the try after `attempt` (from 1)."""
        return min(self.cap, self.base * 2.0 ** min(attempt, 16)) * (0.5 + 0.5 * self.chance())


class Sender:
    """The one place that puts requests on the wire. Thread-safe."""

    def __init__(
        self,
        pool: urllib3.PoolManager,
        server: str,
        credentials: Callable[[], Mapping[str, str]],
        pace: Pace,
        mask: Mask = str,
    ) -> None:
        self.server = server
        self._pool, self._credentials, self._pace = pool, credentials, pace
        self._others = mask

    def send(self, request: Request, deadline: Deadline, *, reading: Deadline | None = None) -> Answer | Refusal:
        """The answer, or a refusal that trying again does not lift before `deadline`; raises a ClusterError for none.

        `reading` bounds the body where it may take longer than the call.
        """
        for attempt in count(1):
            outcome, asked = self._attempt(request, deadline, reading or deadline)
            if isinstance(outcome, Answer):
                return outcome
            pause = self._pause(outcome, request, attempt, asked)
            if pause is None or pause >= deadline.ends - time.monotonic():
                if isinstance(outcome, Refusal):
                    return outcome
                raise outcome.error
            self._pace.sleep(pause)
        raise AssertionError  # count() does not end

    def execute(self, url: str, deadline: Deadline, reading: Deadline) -> Output | Refusal:
        """Run a command by its exec `url`, once: whether an unanswered one ran cannot be known."""
        from irkit.cluster.wire.execution import begin

        headers = {"User-Agent": AGENT, **self._credentials()}
        return begin(self._pool, self.server, url, headers, (deadline, reading), self._pace.clock, self._mask)

    def _mask(self, text: str) -> str:
        """`text` without our own credentials, whatever they look like, and without what looks like a secret."""
        headers = self._credentials().values()
        return self._others(without(text, (own for header in headers for own in (header, header.partition(" ")[2]))))

    @cached_property
    def _way(self) -> tuple[Callable[..., urllib3.BaseHTTPResponse], str]:
        """What opens a request, and what stands before its path there; raises what urllib3 says of no URL.

        All go to one server: its connections are looked up once, a fifth of what a request costs. A proxy may want
        whole URLs, which its pool manager sees to.
        """
        if self._pool.proxy is not None:
            return self._pool.urlopen, self.server
        return self._pool.connection_from_url(self.server).urlopen, urlsplit(self.server).path.rstrip("/")

    def _attempt(
        self, request: Request, deadline: Deadline, reading: Deadline
    ) -> tuple[Answer | Refusal | Trouble, float | None]:
        left, credentials = deadline.left(), self._credentials()
        url, started, sent = request.url, self._pace.clock(), time.monotonic()
        try:
            opened, before = self._way
            response = opened(
                request.method,
                before + url,
                body=request.body,
                headers={**_headers(request), **credentials},
                timeout=urllib3.Timeout(connect=min(left, self._pace.connect), read=left),
                retries=False,
                redirect=False,
                preload_content=False,
            )
        except FOREIGN as error:
            return trouble(error, self.server), None
        headers = response.headers
        call = Call(
            request.method,
            url,
            response.status,
            started,
            time.monotonic() - sent,
            headers.get("Date"),
            headers.get("Audit-Id"),
        )
        if response.status < 300:
            return Answer(response, call, self.server, sent, reading), None
        body = Answer(response, call, self.server, sent, deadline).read(EXPLANATION)
        refused = refusal(response.status, body, f"{request.method} {request.path}", self._mask)
        return refused, _asked(headers.get("Retry-After"), self._pace.clock)

    def _pause(self, outcome: Refusal | Trouble, request: Request, attempt: int, asked: float | None) -> float | None:
        """Seconds to wait before trying again; None where that is unsafe or would not help.

        429, and 503 with Retry-After, come before a request is carried out (API priority and fairness, start-up):
        these alone are safe to repeat for a change.
        """
        backoff = self._pace.backoff(attempt)
        if isinstance(outcome, Trouble):
            safe = outcome.passing and (outcome.unsent or request.repeatable)
            return backoff if safe and attempt < self._pace.attempts else None
        if outcome.status == 429 or (outcome.status == 503 and asked is not None):
            return asked or backoff
        if not request.repeatable or outcome.status < 500:
            return None
        if outcome.status in (502, 503, 504):
            return asked or backoff
        return backoff if attempt < self._pace.attempts else None


def _headers(request: Request) -> dict[str, str]:
    """No compression: evidence is the body as the server wrote it."""
    fixed = {"Accept": "application/json, */*", "Accept-Encoding": "identity", "User-Agent": AGENT}
    return fixed if request.body is None else fixed | {"Content-Type": request.content_type}


def _asked(retry_after: str | None, clock: Clock) -> float | None:
    """Seconds that Retry-After (a number or an HTTP date) asks to wait; None where it asks nothing readable."""
    if retry_after is None:
        return None
    try:
        if retry_after.strip().isdigit():
            return float(retry_after)
        return max(0.0, (parsedate_to_datetime(retry_after) - clock()).total_seconds())
    except (ValueError, TypeError):
        return None
