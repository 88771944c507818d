"""Watch one isolated pod: what changes is told as it happens, until it is released, gone, or the time is over."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from irkit.cluster.objects import part
from irkit.cluster.protocol import Cluster, Json, Query
from irkit.cluster.resources import NETWORK_POLICIES, POD_DISRUPTION_BUDGETS, PODS
from irkit.cluster.watch import State, states
from irkit.contain import admission, marks
from irkit.contain.preserve import asides, guard
from irkit.contain.vigil import deadline
from irkit.contain.vigil.drift import Drift, Scene, drifts
from irkit.errors import ClusterError, Forbidden, NotFound
from irkit.model.pod import PodRef

RENEWED = 20  # seconds that a silent watch lasts: how late a watcher may notice that it is to stop
AGAIN = 2  # seconds before a watch that was refused is tried again
NEEDED = {"pod", "policies"}
OPTIONAL = ("budgets", "guards", "bindings")  # without the right to see these the watch goes on

Told = tuple[str, State | ClusterError]


@dataclass(frozen=True, slots=True)
class Notice:
    """One line of a watch. `state`: a drift has "begun" or "ended", is "unseen", or the watch is at its "end"."""

    at: datetime
    state: str
    drift: Drift


@dataclass(slots=True)
class Watch:
    """A watch on the pinned `pod`. Once it has ended, `force` are the drifts in force then, and `over` says why."""

    pod: PodRef
    cluster: Cluster
    clock: Callable[[], datetime]
    until: datetime | None = None  # None: as the policy says, if it does
    force: frozenset[Drift] = frozenset()
    over: str = ""

    def notices(self) -> Generator[Notice, None, None]:
        """Each as it happens; stop iterating to end the watch."""
        told: queue.Queue[Told] = queue.Queue()
        stop = threading.Event()
        kinds = tuple(self._kinds())
        for name, path, query in kinds:
            threading.Thread(target=_follow, args=(name, self.cluster, path, query, told, stop), daemon=True).start()
        try:
            yield from self._told(told, {name for name, _, _ in kinds})
        finally:
            stop.set()

    def _kinds(self) -> Iterator[tuple[str, str, Query]]:
        ours = {"labelSelector": f"{marks.MANAGED_BY}={marks.IRKIT}"}
        yield "pod", PODS.path(self.pod.namespace), {"fieldSelector": f"metadata.name={self.pod.name}"}
        yield "policies", NETWORK_POLICIES.path(self.pod.namespace), {}
        yield "budgets", POD_DISRUPTION_BUDGETS.path(self.pod.namespace), ours
        yield "guards", admission.POLICIES.path(), ours
        yield "bindings", admission.BINDINGS.path(), ours

    def _told(self, told: queue.Queue[Told], missing: set[str]) -> Iterator[Notice]:
        seen: dict[str, State] = {}
        blind: dict[str, str] = {}
        expected: frozenset[str] | None = None
        while not self.over:
            try:
                name, news = told.get(timeout=self._left())
            except queue.Empty:
                self.over = "the time is over"
                break
            missing.discard(name)
            if isinstance(news, ClusterError):
                if name in OPTIONAL and isinstance(news, (Forbidden, NotFound)):
                    yield Notice(self.clock(), "unseen", Drift("blind", f"not watched: {news.message}"))
                    continue
                blind[name] = news.message
            else:
                seen[name] = news
                blind.pop(name, None)
            if missing:
                continue
            scene = self._scene(seen) if seen.keys() >= NEEDED else None
            if scene and expected is None:
                expected = _expected(scene)
            yield from self._changed(scene and replace(scene, expected=expected or frozenset()), blind)
        yield Notice(self.clock(), "end", Drift("pod", self.over))

    def _changed(self, scene: Scene | None, blind: dict[str, str]) -> Iterator[Notice]:
        """The difference to what was told before; None for a scene never seen whole."""
        released = scene is not None and scene.released
        now = dict.fromkeys(drifts(scene) if scene and not released else ())
        now |= {Drift("blind", f"the {name} cannot be watched: {why}"): None for name, why in blind.items()}
        before, self.force = self.force, frozenset(now)
        at = self.clock()
        yield from (Notice(at, "begun", drift) for drift in now if drift not in before)
        yield from (Notice(at, "ended", drift) for drift in sorted(before - self.force, key=str))
        if released:
            self.over = "the pod was released"
        elif scene and scene.pod is None:
            self.over = "the pod is gone"

    def _scene(self, seen: dict[str, State]) -> Scene:
        uid, policies = str(self.pod.uid), list(seen.get("policies", {}).values())
        guards = [
            any(admission.is_ours(each, guard.PREFIX, self.pod) for each in seen.get(kind, {}).values())
            for kind in ("guards", "bindings")
        ]
        budgets = frozenset(str(marks.owner(each)) for each in seen.get("budgets", {}).values())
        named = {str(each["metadata"]["name"]): each for each in policies}
        written = deadline.of(named.get(marks.policy_name(uid), {"metadata": {}}))
        self.until = written or self.until
        return Scene(uid, seen.get("pod", {}).get(uid), named, budgets, all(guards))

    def _left(self) -> float | None:
        """Seconds until the time is over; None: it never is."""
        return max(0.0, (self.until - self.clock()).total_seconds()) if self.until else None


def _expected(scene: Scene) -> frozenset[str]:
    """What kept the pod when the watch began."""
    notes: Json = part(scene.pod["metadata"], "annotations") if scene.pod else {}
    there = {"guard": scene.guarded, "budget": scene.uid in scene.budgets, "asides": asides.MEMORY in notes}
    return frozenset(kind for kind, is_there in there.items() if is_there)


def _follow(
    name: str, cluster: Cluster, path: str, query: Query, told: queue.Queue[Told], stop: threading.Event
) -> None:
    """In a thread: tell every state of one kind; what the API server refuses is told, and tried again."""
    while not stop.is_set():
        try:
            for state in states(cluster, path, query, seconds=RENEWED):
                told.put((name, dict(state)))
                if stop.is_set():
                    return
        except ClusterError as error:
            told.put((name, error))
            if name in OPTIONAL and isinstance(error, (Forbidden, NotFound)):
                return
            stop.wait(AGAIN)
