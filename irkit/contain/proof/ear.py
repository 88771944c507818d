"""A probe's log, listened to from its beginning."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from irkit.cluster.protocol import Cluster
from irkit.cluster.resources import PODS
from irkit.contain.proof.script import Heard
from irkit.errors import DeadlineExceeded
from irkit.model.pod import PodRef


def caught(
    cluster: Cluster, pod: PodRef, container: str, enough: Callable[[Heard], bool] | None, seconds: float
) -> Heard:
    """What the probe has said once that is `enough`, or after so many seconds; without `enough`, by now."""
    heard = Heard()
    query = {"container": container} | ({"follow": "true"} if enough else {})
    bounded = cluster.within(seconds)
    try:
        with bounded.stream(PODS.path(pod.namespace, pod.name, "log"), query) as stream:
            for line in _lines(stream):
                heard.hear(line)
                if enough and enough(heard):
                    break
    except DeadlineExceeded:
        if enough is None:
            raise
    return heard


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines
