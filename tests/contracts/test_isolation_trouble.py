"""Isolation while others interfere: responders at once, admission that refuses, thousands of policies."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from irkit.cli import running
from irkit.cluster.protocol import Cluster, Json, Query, Reply
from irkit.cluster.resources import NETWORK_POLICIES, PODS
from irkit.contain import admission, marks
from irkit.contain.hand import Hand
from irkit.contain.preserve.keep import Preserving
from irkit.contain.proof.nouns import Proving
from irkit.contain.quarantine import Extent, quarantine
from irkit.contain.release import release
from irkit.errors import ClusterError, Forbidden, NotFound, Overloaded
from irkit.model.isolation import Direction, Isolation, Verdict
from irkit.model.pod import PodRef
from irkit.model.run import Status
from irkit.playbook import engine
from irkit.playbook.registry import single
from tests.contracts.test_isolation import CLOSED, WEB, allow, lasting, make, no_one, policies, read, run
from tests.contracts.worlds import IMAGE, PracticeWorld, World
from tests.waiting import until

KEPT = Extent(preserve=Preserving())


def test_responders_at_the_same_time_agree(world: World) -> None:
    ref = make(world, labels=WEB)
    was = read(world, ref)
    allow(world, "own-labels", {"matchLabels": WEB}, ingress=[{}])

    def respond(number: int) -> Isolation:
        return quarantine(ref, Hand(world.cluster, no_one, False), KEPT, case=f"IR-{number}", run=f"run-{number}")

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(respond, range(4)))
    assert [one.verdict for one in found] == [CLOSED] * 4
    assert sum(change.kind == "NetworkPolicy" for one in found for change in one.changes) == 1
    assert set(policies(world)) == {"own-labels", marks.policy_name(ref.uid or "")}
    release(ref, world.cluster, before=no_one)
    assert lasting(read(world, ref)) == lasting(was)


REFUSED = Forbidden('admission webhook "pods.example.com" denied the request: no', status=403)
BROKEN = Overloaded("etcdserver: request timed out", status=500)


class Failing:
    """A cluster in which every change of pods ends in an error, as where a webhook refuses, and some lists do."""

    def __init__(self, cluster: Cluster, patching: ClusterError | None, lists: Collection[str] = ()) -> None:
        self.cluster, self.patching, self.lists = cluster, patching, lists

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self.cluster, name)

    def within(self, seconds: float) -> Cluster:
        found: Any = Failing(self.cluster.within(seconds), self.patching, self.lists)
        return found  # type: ignore[no-any-return]

    def patch(self, path: str, operations: Sequence[Json], *, dry_run: bool = False) -> Reply:
        if "/pods/" in path and self.patching:
            raise self.patching
        return self.cluster.patch(path, operations, dry_run=dry_run)

    def pages(self, path: str, query: Query | None = None) -> Iterator[Reply]:
        if path.rpartition("/")[2] in self.lists:
            raise BROKEN
        return self.cluster.pages(path, query)


def practised(world: World, folder: Path, connect: Callable[[], Any]) -> tuple[engine.Setup, engine.Settings]:
    return engine.Setup(folder, connect=lambda _: connect()), engine.Settings()


@pytest.mark.parametrize(("error", "status"), [(REFUSED, Status.REFUSED), (BROKEN, Status.FAILED)])
def test_a_patch_that_fails_leaves_nothing_that_the_journal_does_not_know(
    world: World, tmp_path: Path, error: ClusterError, status: Status
) -> None:
    ref = make(world, labels=WEB)
    was = read(world, ref)
    setup, settings = practised(world, tmp_path, lambda: Failing(world.cluster, error))
    record = engine.run(single("pod.isolate@1", ref, {}), {}, setup, run_id="run-1", settings=settings)
    assert (record.status, record.isolation) == (status, None)
    assert error.message in record.steps[-1].summary
    assert (
        record.steps[-1]
        .actions[0]
        .what.startswith(f"NetworkPolicy {world.namespace}/{marks.policy_name(ref.uid or '')} may have been created")
    )
    told = running.trouble(record)
    assert told
    assert "irkit run undo run-1 takes back what was begun" in told.hint
    assert lasting(read(world, ref)) == lasting(was)
    assert set(policies(world)) == {marks.policy_name(ref.uid or "")}, "inert, for nothing bears its label"
    undone = engine.undo("run-1", setup)
    assert [step.status for step in undone] == [Status.DONE]
    assert policies(world) == {}
    assert lasting(read(world, ref)) == lasting(was)


def test_a_pod_is_cut_off_where_the_server_fails_at_what_need_not_be_read(world: World) -> None:
    ref = make(world, labels=WEB)
    allow(world, "own-labels", {"matchLabels": WEB}, ingress=[{}])
    done = quarantine(ref, Hand(Failing(world.cluster, None, {"services"}), no_one, False), KEPT, case="", run="run-1")
    assert done.verdict == CLOSED
    assert "not read, so whether any of them finds the pod is not known: services" in done.warnings
    release(ref, world.cluster, before=no_one)


@contextmanager
def refusing(world: World) -> Iterator[None]:
    """A real admission policy that refuses to label pods of the namespace."""
    ref = PodRef(world.namespace, "any", "00000000-0000-0000-0000-000000000000")
    spec: Json = {
        "failurePolicy": "Fail",
        "matchConstraints": {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": world.namespace}},
            "resourceRules": [
                {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": ["pods"]}
            ],
        },
        "validations": [{"expression": "false", "message": "no pod is changed here", "reason": "Forbidden"}],
    }
    pair = admission.pair(f"refuses-{world.namespace}", spec, ref, str(ref.uid), "", "")
    hand = Hand(world.cluster, no_one, False)
    admission.put(hand, pair, "")
    try:
        yield
    finally:
        admission.take_away(hand, admission.found(world.cluster, f"refuses-{world.namespace}", ref), "")


def test_a_real_admission_policy_that_refuses_is_told(world: World) -> None:
    if isinstance(world, PracticeWorld):
        pytest.skip("the practice cluster keeps admission policies, and does not obey them")
    ref = make(world, labels=WEB)
    was = read(world, ref)
    note: list[Json] = [{"op": "add", "path": "/metadata/annotations", "value": {"a": "b"}}]

    def forbidden() -> bool:
        try:
            world.cluster.patch(PODS.path(ref.namespace, ref.name), note, dry_run=True)
        except Forbidden:
            return True
        return False

    with refusing(world):
        until(forbidden)
        with pytest.raises(Forbidden, match="no pod is changed here"):
            run(world, ref)
        assert lasting(read(world, ref)) == lasting(was)
    until(lambda: not forbidden())
    assert run(world, ref).verdict == CLOSED
    release(ref, world.cluster, before=no_one)
    assert lasting(read(world, ref)) == lasting(was)


@pytest.mark.slow
def test_two_thousand_policies_are_all_judged(world: World) -> None:
    ref = make(world, labels={f"label-{number}": "x" for number in range(20)})
    was = read(world, ref)

    def one(number: int) -> None:
        keys = {f"label-{number % 20}": "x"} if number % 100 == 0 else {"app": f"other-{number}"}
        allow(world, f"policy-{number}", {"matchLabels": keys}, ingress=[{}], egress=[{}])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(2000)))
    done = run(world, ref)
    assert done.verdict == CLOSED
    assert "none of 2001 policies" in done.proof[0].result
    allow(world, "everything", {}, egress=[{}])
    assert run(world, ref).verdict == {Direction.INGRESS: Verdict.UNVERIFIED, Direction.EGRESS: Verdict.INEFFECTIVE}
    release(ref, world.cluster, before=no_one)
    assert lasting(read(world, ref)) == lasting(was)


def probes(world: World) -> list[str]:
    query = {"labelSelector": marks.PROBE}
    listed = world.cluster.get(PODS.path(world.namespace), query).json()["items"]
    return [pod["metadata"]["name"] for pod in listed if not pod["metadata"].get("deletionTimestamp")]


def prove(world: World, ref: PodRef, image: str = IMAGE, before: Any = no_one, **how: Any) -> Isolation:  # noqa: ANN401
    hand = Hand(world.cluster, before, how.pop("dry_run", False))
    return quarantine(ref, hand, Extent(prove=Proving(image, (80,), **how)), case="IR-7", run="")


def test_a_dry_run_shows_the_probes_and_starts_none(world: World) -> None:
    ref = make(world, labels=WEB)
    done = prove(world, ref, dry_run=True, inside=True)
    kinds = [(change.action, change.kind) for change in done.changes]
    assert kinds == [
        ("create", "Pod"),
        ("create", "Pod"),
        ("patch", "Pod"),
        ("create", "NetworkPolicy"),
        ("patch", "Pod"),
    ]
    assert {proof.result for proof in done.proof if proof.kind == "packets"} == {
        "not measured: a dry run sends no packets"
    }
    assert (probes(world), done.verdict) == ([], CLOSED)


def test_a_proof_that_cannot_be_made_costs_no_isolation(world: World) -> None:
    ref = make(world, labels=WEB)
    rules = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "patch", "watch"]}]
    rules += [{"apiGroups": ["networking.k8s.io"], "resources": ["networkpolicies"], "verbs": ["create"]}]
    limited = world.limited(*rules)
    hand = Hand(limited, no_one, False)
    done = quarantine(ref, hand, Extent(prove=Proving(IMAGE, (80,))), case="", run="")
    assert done.verdict == CLOSED
    assert all("forbidden" in proof.result for proof in done.proof if proof.kind == "packets")
    assert marks.QUARANTINE in read(world, ref)["metadata"]["labels"]


def test_a_pod_of_a_probes_name_is_left_alone(world: World) -> None:
    ref = make(world, labels=WEB)
    other = make(world, f"irkit-probe-{str(ref.uid)[:8]}")
    done = prove(world, ref)
    assert done.verdict == CLOSED
    results = {proof.result for proof in done.proof if proof.kind == "packets"}
    assert all("in the way" in result for result in results), results
    assert read(world, other)["metadata"]["uid"] == other.uid
    assert probes(world) == []


def test_probes_left_by_a_crash_are_gone_after_release(world: World) -> None:
    ref = make(world, labels=WEB)

    class Killed(BaseException):
        """Nothing catches it, and nothing is sent after it."""

    dead = False

    def killed(change: Any) -> None:  # noqa: ANN401
        nonlocal dead
        dead = dead or change.kind == "NetworkPolicy"
        if dead:
            raise Killed

    with pytest.raises(Killed):
        prove(world, ref, before=killed)
    assert len(probes(world)) == 2
    release(ref, world.cluster, before=no_one)
    assert probes(world) == []


def test_a_pod_that_goes_away_meanwhile_leaves_no_probe(world: World) -> None:
    ref = make(world, labels=WEB)

    def meanwhile(change: Any) -> None:  # noqa: ANN401
        if change.kind == "NetworkPolicy":
            world.cluster.delete(PODS.path(ref.namespace, ref.name), uid=ref.uid or "")

    with pytest.raises((NotFound, ClusterError)):
        prove(world, ref, before=meanwhile)
    assert probes(world) == []
    release(ref, world.cluster, before=no_one)
    with pytest.raises(NotFound):
        world.cluster.get(NETWORK_POLICIES.path(ref.namespace, marks.policy_name(ref.uid or "")))
