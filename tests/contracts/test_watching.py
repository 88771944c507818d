"""An isolation watched: drift is told as it begins and ends, on the practice cluster and on a real one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import pytest

from irkit import times
from irkit.cluster.needs.rbac import cluster_role
from irkit.cluster.protocol import Cluster, Json
from irkit.cluster.resources import CONFIG_MAPS, NETWORK_POLICIES, POD_DISRUPTION_BUDGETS, PODS
from irkit.cluster.watch import awaited, states
from irkit.contain import isolate as isolation
from irkit.contain import marks
from irkit.contain.hand import Hand
from irkit.contain.preserve import guard
from irkit.contain.preserve.keep import Preserving
from irkit.contain.quarantine import Extent, quarantine
from irkit.contain.release import release
from irkit.contain.vigil import deadline
from irkit.contain.vigil.watch import Watch
from irkit.errors import ClusterError, Gone
from irkit.model.pod import PodRef
from tests.contracts.test_isolation import allow, label, make, no_one, policies
from tests.contracts.worlds import World, config_map

LONG = timedelta(minutes=2)  # after which a test has certainly failed


def isolated(world: World, **extent: Any) -> PodRef:  # noqa: ANN401
    ref = make(world, labels={"app": "web"})
    quarantine(ref, Hand(world.cluster, no_one, False), Extent(**extent), case="IR-7", run="")
    return ref


class Watched:
    """A watch that a test looks at line by line."""

    def __init__(self, ref: PodRef, cluster: Cluster, until: datetime | None = None) -> None:
        self.watch = Watch(ref, cluster, times.now, until or times.now() + LONG)
        self.lines = self.watch.notices()

    def next(self, count: int = 1) -> list[tuple[str, str, str]]:
        return [(one.state, one.drift.kind, one.drift.what) for one in islice(self.lines, count)]


@contextmanager
def watched(ref: PodRef, cluster: Cluster, until: datetime | None = None) -> Iterator[Watched]:
    found = Watched(ref, cluster, until)
    try:
        yield found
    finally:
        found.lines.close()


def opened(act: Callable[[], object]) -> None:
    """Do it once the watch has begun: a thread of its own, for the watch tells nothing of what is as it should be."""
    threading.Timer(0.3, act).start()


def test_a_policy_that_admits_is_told_and_its_end_too(world: World) -> None:
    ref = isolated(world)
    allow(world, "late", {}, ingress=[{}])
    with watched(ref, world.cluster) as seen:
        why = "ingress by late: it selects every pod and admits from anywhere on any port"
        assert seen.next() == [("begun", "admits", why)]
        late = policies(world)["late"]["metadata"]
        world.cluster.delete(NETWORK_POLICIES.path(ref.namespace, "late"), uid=late["uid"])
        assert seen.next() == [("ended", "admits", why)]
        assert not seen.watch.force
        allow(world, "later", {"matchLabels": {marks.QUARANTINE: ref.uid}}, egress=[{}])
        ((state, kind, what),) = seen.next()
        assert (state, kind, what.split(":")[0]) == ("begun", "admits", "egress by later")
        assert len(seen.watch.force) == 1


def test_labels_and_policy_that_go_are_told(world: World) -> None:
    ref = isolated(world)
    label(world, ref, "app", "db")
    with watched(ref, world.cluster) as seen:
        assert seen.next() == [("begun", "label", "labels are not as irkit left them: app=db")]
        label(world, ref, marks.QUARANTINE, None)
        told = dict.fromkeys(seen.next(2))
        gone = f"the label {marks.QUARANTINE} is gone: nothing denies the pod anything"
        assert told.keys() == {
            ("begun", "label", gone),
            ("ended", "label", "labels are not as irkit left them: app=db"),
        }
        ours = policies(world)[marks.policy_name(ref.uid or "")]["metadata"]
        world.cluster.delete(NETWORK_POLICIES.path(ref.namespace, ours["name"]), uid=ours["uid"])
        assert [line[:2] for line in seen.next()] == [("begun", "policy")]


def test_a_policy_of_ours_that_was_opened_is_told(world: World) -> None:
    ref = isolated(world)
    name = marks.policy_name(ref.uid or "")
    opening: Json = {"op": "add", "path": "/spec/ingress", "value": [{}]}
    world.cluster.patch(NETWORK_POLICIES.path(ref.namespace, name), [opening])
    with watched(ref, world.cluster) as seen:
        ((state, kind, what),) = seen.next()
        assert (state, kind) == ("begun", "admits")
        assert what.startswith(f"ingress by {name}")


def test_what_keeps_the_pod_is_watched_too(world: World) -> None:
    ref = isolated(world, preserve=Preserving(guard="irkit-test:break-glass"))
    allow(world, "late", {}, ingress=[{}])  # a first line: what was there in the beginning is known by then
    with watched(ref, world.cluster) as seen:
        seen.next()
        for resource, each in guard.found(world.cluster, ref):
            world.cluster.delete(resource.path(name=each["metadata"]["name"]), uid=each["metadata"]["uid"])
        assert [line[:2] for line in seen.next()] == [("begun", "guard")]
        release(ref, world.cluster, before=no_one)  # at once: API servers may still refuse in its name


def test_a_budget_that_goes_is_told(world: World) -> None:
    ref = isolated(world, preserve=Preserving())
    allow(world, "late", {}, ingress=[{}])
    with watched(ref, world.cluster) as seen:
        seen.next()
        place = POD_DISRUPTION_BUDGETS.path(ref.namespace, marks.policy_name(ref.uid or ""))
        world.cluster.delete(place, uid=world.cluster.get(place).json()["metadata"]["uid"])
        assert seen.next() == [("begun", "budget", "the disruption budget is gone: the pod may be evicted")]


def test_a_release_ends_the_watch_in_peace(world: World) -> None:
    ref = isolated(world, preserve=Preserving())
    with watched(ref, world.cluster) as seen:
        opened(lambda: release(ref, world.cluster, before=no_one))
        *_, last = list(seen.lines)
        assert (last.state, seen.watch.over, seen.watch.force) == ("end", "the pod was released", frozenset())


def test_a_pod_that_goes_ends_the_watch(world: World) -> None:
    ref = isolated(world)
    with watched(ref, world.cluster) as seen:
        opened(lambda: world.cluster.delete(PODS.path(ref.namespace, ref.name), uid=ref.uid or ""))
        *_, last = list(seen.lines)
        assert (last.state, seen.watch.over) == ("end", "the pod is gone")
        assert {drift.kind for drift in seen.watch.force} == {"pod"}


def test_the_time_that_is_written_on_the_policy_ends_the_watch(world: World) -> None:
    until = times.now() + timedelta(seconds=1)
    ref = isolated(world, until=until)
    written = deadline.of(policies(world)[marks.policy_name(ref.uid or "")])
    assert written == until
    with watched(ref, world.cluster) as seen:
        assert seen.next(2) == [("end", "pod", "the time is over")]
        assert seen.watch.until == until
    later = until + timedelta(hours=1)
    quarantine(ref, Hand(world.cluster, no_one, False), Extent(until=later), case="IR-7", run="")
    assert list(deadline.over(world.cluster, world.namespace, until)) == []
    assert list(deadline.over(world.cluster, world.namespace, later)) == [(ref, later)]
    assert len(quarantine(ref, Hand(world.cluster, no_one, False), Extent(until=later), case="", run="").changes) == 0


@pytest.mark.parametrize("text", ["soon", "", "9999-99-99T00:00:00Z"])
def test_a_time_that_nobody_can_read_is_none(text: str) -> None:
    assert deadline.of({"metadata": {"annotations": {deadline.UNTIL: text}}}) is None
    assert deadline.of({"metadata": {}}) is None


def test_what_may_not_be_watched_is_said(world: World) -> None:
    ref = isolated(world)
    watching = [resource.permission(verb) for resource in (PODS, NETWORK_POLICIES) for verb in ("list", "watch")]
    limited = world.limited(*cluster_role([*isolation.NEEDS, *watching], "irkit", optional=False)["rules"])
    allow(world, "late", {}, ingress=[{}])
    with watched(ref, limited) as seen:
        told = seen.next(4)
        assert [state for state, _, _ in told].count("unseen") == 3
        assert ("begun", "admits") in [line[:2] for line in told]


def test_who_may_watch_nothing_is_blind_and_says_so(world: World) -> None:
    ref = isolated(world)
    limited = world.limited({"apiGroups": [""], "resources": ["services"], "verbs": ["get"]})
    with watched(ref, limited) as seen:
        told = seen.next(5)
        assert [line[0] for line in told].count("begun") == 2
        assert "cannot be watched" in next(what for state, _, what in told if state == "begun")
        assert {drift.kind for drift in seen.watch.force} == {"blind"}


def test_states_survive_a_forgotten_past(world: World) -> None:
    path = CONFIG_MAPS.path(world.namespace)
    world.cluster.create(path, config_map("first", world.namespace))

    class Forgetful:
        """The same cluster, but that it has forgotten the past when it is first asked to watch."""

        forgot = 0

        def __getattr__(self, name: str) -> Any:  # noqa: ANN401
            return getattr(world.cluster, name)

        def stream(self, path: str, query: Any) -> Any:  # noqa: ANN401
            self.forgot += 1
            if self.forgot == 1:
                raise Gone("too old resource version", status=410)
            return world.cluster.stream(path, query)

    forgetful: Any = Forgetful()
    seen = states(forgetful, path, {"fieldSelector": "metadata.name!=kube-root-ca.crt"}, seconds=5)
    for _ in range(2):
        assert [each["metadata"]["name"] for each in next(seen).values()] == ["first"]
    made = world.cluster.create(path, config_map("second", world.namespace)).json()
    while len(state := next(seen)) < 2:
        pass
    assert {each["metadata"]["name"] for each in state.values()} == {"first", "second"}
    world.cluster.delete(CONFIG_MAPS.path(world.namespace, "second"), uid=made["metadata"]["uid"])
    while len(state := next(seen)) > 1:
        pass
    assert [each["metadata"]["name"] for each in state.values()] == ["first"]


def test_a_watch_that_is_too_old_lists_again(world: World) -> None:
    """As a server tells it in the middle of a watch: an event of type ERROR with code 410."""
    path = CONFIG_MAPS.path(world.namespace)
    asked: list[str] = []

    class Old:
        def __getattr__(self, name: str) -> Any:  # noqa: ANN401
            return getattr(world.cluster, name)

        @contextmanager
        def stream(self, path: str, query: Any) -> Iterator[list[bytes]]:  # noqa: ANN401
            asked.append(path)
            if len(asked) == 1:
                yield [b'{"type":"ERROR","object":{"kind":"Status","code":410,"message":"too old"}}\n']
            else:
                yield [b'{"type":"ERROR","object":{"kind":"Status","code":500,"message":"etcd is gone"}}\n']

    old: Any = Old()
    seen = states(old, path)
    next(seen)
    next(seen)
    with pytest.raises(ClusterError, match="etcd is gone"):
        next(seen)


def test_one_object_is_waited_for(world: World) -> None:
    opened(lambda: world.cluster.create(CONFIG_MAPS.path(world.namespace), config_map("late", world.namespace)))
    found = awaited(world.cluster, CONFIG_MAPS, world.namespace, "late", lambda now: now is not None, 30)
    assert found and found["metadata"]["name"] == "late"
    assert awaited(world.cluster, CONFIG_MAPS, world.namespace, "never", lambda now: now is not None, 1) is None
