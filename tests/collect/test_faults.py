"""Every call failing in turn, in every way: always gaps that fit, a sealed bundle, and an end in time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event

import pytest

from irkit.bundle.seal import seal
from irkit.bundle.verify import verify
from irkit.cluster.protocol import Cluster
from irkit.collect.capture import Bounds, capture
from irkit.collect.inside.intrusive import EVERYTHING, intrusive
from irkit.collect.piece import Found
from irkit.collect.wide.sweep import sweep
from irkit.errors import BundleError
from irkit.model.evidence import Artifact, GapReason
from irkit.model.pod import Scope, Target
from tests.bundle import bags
from tests.collect.api import SUCCESS, Api, Cut, Execs, Query, Route, Says, no, ok, serving
from tests.collect.scene import SHOP, TARGET, artifacts, files, gaps, routes
from tests.collect.test_nodelogs import CHECKPOINT, LOGS
from tests.collect.test_observers import AGENT
from tests.collect.test_processes import scene
from tests.collect.test_wide import crowd, named

DEADLINE = 6.0  # seconds for a whole capture
PATIENCE = 1.0  # for one call: who hangs costs this much
MEMORY = "memory of container"  # which no kubelet hands out
OVER = Event()  # set: whoever hangs may go


def half(query: Query) -> Says:
    def body() -> Iterator[bytes]:
        yield b'{"metadata": '
        raise Cut

    return Says(body())


def half_executed(query: Query) -> Execs:
    def messages() -> Iterator[bytes]:
        yield b"\1 7 status"
        raise Cut

    return Execs(messages())


def hang(query: Query) -> Says:
    OVER.wait(30)
    return ok({})


WORD = "hunter2-Zebra-91"
TOLD = f"not so: DB_PASSWORD={WORD}"  # servers quote what they were sent


ABSENT = {GapReason.ABSENT, GapReason.NEVER_EXISTED, GapReason.INVALID}
LATE = {GapReason.DEADLINE, GapReason.UNREACHABLE, GapReason.TRUNCATED}
FAULTS: dict[str, tuple[Route, set[GapReason]]] = {
    "403": (no(403, "Forbidden", TOLD), {GapReason.DENIED}),
    "404": (no(404, "NotFound", TOLD), ABSENT),
    "410": (no(410, "Expired", TOLD), {GapReason.FAILED}),
    "429": (no(429, "TooManyRequests", TOLD), {GapReason.UNREACHABLE, GapReason.DEADLINE}),
    "500": (no(500, "InternalError", TOLD), {GapReason.UNREACHABLE, GapReason.INVALID}),
    "hung": (hang, LATE),
    "cut": (half, {GapReason.UNREACHABLE, GapReason.TRUNCATED, GapReason.INVALID}),
    "a page of a proxy": (Says(b"<html>log in</html>"), {GapReason.FAILED, GapReason.INVALID}),
}
BOUNDS = Bounds(deadline=DEADLINE)


@dataclass(frozen=True)
class Job:
    """A capture, and the cluster that it is made on."""

    serves: Callable[[], dict[str, Route]]
    run: Callable[[Cluster, Path], Iterator[Found]]


def one(cluster: Cluster, into: Path) -> Iterator[Found]:
    return capture(TARGET, cluster, into, bounds=BOUNDS)


def inside(cluster: Cluster, into: Path) -> Iterator[Found]:
    wish = replace(EVERYTHING, image="tools", key=b"k" * 32, sealed=True)
    return capture(TARGET, cluster, into, collectors=list(intrusive(wish, lambda _: None)), bounds=BOUNDS)


def many(cluster: Cluster, into: Path) -> Iterator[Found]:
    pods = [Target("shop", name, f"uid-{name}", "node1", service_account="web") for name in ("web-1", "web-2")]
    return sweep(Scope("shop", "every pod", tuple(pods)), cluster, into, bounds=BOUNDS)


def looked_into() -> dict[str, Route]:
    """A pod that names a secret, with every tool around it that can be asked."""
    agent: Route = ok({"items": [{"metadata": {"name": "agent-x", "namespace": "security", "uid": "1"}}]})
    service = {"metadata": {"name": "prom", "namespace": "monitoring"}, "spec": {"ports": [{"port": 9090}]}}
    return scene() | {
        LOGS: Says([b"a line\n"]),
        CHECKPOINT: ok({"items": ["/var/lib/kubelet/it.tar"]}),
        "/api/v1/pods": agent,
        f"{AGENT}/exec": Execs([b'\1{"flow":{}}\n', SUCCESS]),
        "/api/v1/services": ok({"items": [service]}),
        "/api/v1/namespaces/monitoring/services/prom%3A9090/proxy/api/v1/query_range": ok({"status": "success"}),
        f"{SHOP}/secrets/db": ok({"metadata": {"name": "db"}, "data": {"a": "aGk="}}),
    }


JOBS = {
    "one": Job(routes, one),
    "inside": Job(looked_into, inside),
    "many": Job(lambda: crowd(named("web-1"), named("web-2")), many),
}


def calls(job: Job, api: Api, cluster: Cluster, into: Path) -> list[str]:
    """Every request that the capture makes when all is well, and then nothing is missing."""
    api.asked.clear()
    api.routes = job.serves()
    found = list(job.run(cluster, into))
    assert artifacts(found)
    assert not [gap for gap in gaps(found).values() if not (gap.expected or MEMORY in gap.target)]
    return sorted(set(api.asked))


def suffer(job: Job, api: Api, cluster: Cluster, call: str, fault: str, into: Path) -> None:
    """The capture with `call` failing so, sealed and verified."""
    broken, reasons = FAULTS[fault]
    if "/exec?" in call and fault == "cut":
        broken = half_executed
    api.routes, api.broken = job.serves(), (call, broken)
    began = time.monotonic()
    found = list(job.run(cluster, into))
    assert time.monotonic() - began < DEADLINE + 2, (call, fault)
    lost = {gap.reason for gap in gaps(found).values() if not (gap.expected or MEMORY in gap.target)}
    anything_goes = ("/log?", "/logs/?", "PATCH ")  # a log may be anything, and a patch is judged by what the pod shows
    harmless = (fault == "a page of a proxy" and any(each in call for each in anything_goes)) or _enriches(call, fault)
    assert lost or harmless, (call, fault)
    assert lost <= reasons | ({GapReason.UNREACHABLE} if "checkpoint" in "".join(job.serves()) else set()), (
        call,
        fault,
    )
    assert WORD not in str(gaps(found))
    taken = artifacts(found)
    assert files(into) == set(taken)
    sealed_with_gaps(into, taken, call)


def _enriches(call: str, fault: str) -> bool:
    """Calls whose failure loses nothing: metrics of a cluster without them; the node that only names a unit."""
    return ("metrics.k8s.io" in call and fault == "404") or call == "/api/v1/nodes/node1"


def sealed_with_gaps(into: Path, taken: dict[str, Artifact], call: str) -> None:
    if not taken:
        with pytest.raises(BundleError):
            seal("b", into, into.parent / "out", info={}, custody=[], at=bags.AT)
        (into / "collection.json").parent.mkdir(parents=True, exist_ok=True)
        (into / "collection.json").write_text("{}")  # as the step writes it, with the gaps
    bundle = seal("b", into, into.parent / f"{into.name}-out", info={}, custody=bags.CUSTODY, at=bags.AT)
    assert verify(bundle.path).ok, call


def matrix(job: Job, tmp_path: Path, faults: Callable[[int], Sequence[str]]) -> None:
    OVER.clear()
    with serving({}) as api:
        try:
            patient, cluster = api.connect(tmp_path), api.connect(tmp_path, timeout=PATIENCE)
            for number, call in enumerate(calls(job, api, patient, tmp_path / "well")):
                for fault in faults(number):
                    suffer(job, api, cluster, call, fault, tmp_path / f"{number}-{fault}")
        finally:
            OVER.set()


@pytest.mark.parametrize("job", JOBS)
def test_each_call_failing_in_one_way(tmp_path: Path, job: str) -> None:
    """Every call once, the ways in turn; every call in every way is `make slow`."""
    names = list(FAULTS)
    matrix(JOBS[job], tmp_path, lambda number: [names[number % len(names)]])


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("job", JOBS)
def test_each_call_failing_in_each_way(tmp_path: Path, job: str, fault: str) -> None:
    matrix(JOBS[job], tmp_path, lambda _: [fault])
