"""What the containers wrote: the attack's lines from the data files, between the lines of an ordinary evening."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta

from irkit.drill.range.answer import Json
from irkit.drill.range.scenario.clock import ago
from irkit.drill.range.scenario.objects import data
from irkit.drill.range.state.logs import Logs

Line = tuple[datetime, str]

_PAGES = ("/", "/cart", "/checkout", "/static/app.js", "/static/app.css", "/profile", "/api/price?sku=4411", "/healthz")
_AGENTS = ("shop-frontend/8.3.0", "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/145.0", "kube-probe/1.37")


def write(logs: Logs, pods: dict[str, Json], victim: str, now: datetime, rng: random.Random) -> None:
    """Write the logs of every pod."""
    for name, pod in pods.items():
        for container in pod["spec"]["containers"]:
            if name != victim:
                logs.write(pod, container["name"], _access(rng, now, "-40m", "-5s", 7))
    pod = pods[victim]
    previous = [*_access(rng, now, "-2h", "-31m30s", 9), *_told("previous.log", now)]
    current = [*_access(rng, now, "-30m50s", "-3s", 6), *_told("current.log", now)]
    logs.write(pod, "app", sorted(previous), previous=True)
    logs.write(pod, "app", sorted(current))
    logs.write(pod, "metrics", _scrapes(now))
    waited = (
        (ago("-2d5h59m49s", now), "waiting for db.payments.svc:5432"),
        (ago("-2d5h59m44s", now), "available after 5s"),
    )
    logs.write(pod, "wait-for-db", waited)


def _told(name: str, now: datetime) -> Iterator[Line]:
    for line in data(name).splitlines():
        offset, _, text = line.partition(" ")
        yield ago(offset, now), text.replace("\\x1b", "\x1b").replace("\\x07", "\x07")


def _access(rng: random.Random, now: datetime, start: str, end: str, every: float) -> Iterator[Line]:
    at, last = ago(start, now), ago(end, now)
    while (at := at + timedelta(seconds=rng.expovariate(1 / every))) < last:
        page, agent = rng.choice(_PAGES), rng.choice(_AGENTS)
        code, size = rng.choice((200, 200, 200, 200, 304, 404)), rng.randrange(80, 9000)
        yield (
            at,
            f'10.244.{rng.randrange(1, 4)}.{rng.randrange(3, 60)} "GET {page} HTTP/1.1" {code} {size} "-" "{agent}"',
        )


def _scrapes(now: datetime) -> Iterator[Line]:
    for minute in range(60, 0, -1):
        busy = minute < 39
        took = 940 + minute * 7 if busy else 12 + minute % 5
        yield (
            now - timedelta(minutes=minute, seconds=4),
            f'level=info msg="scraped" target=127.0.0.1:8080 took_ms={took}',
        )
