"""Watch one isolated pod: what changes is told as it happens, until it is released, gone, or the time is over."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from irkit.cluster.protocol import Cluster
from irkit.cluster.watch import State, states
from irkit.contain import marks
from irkit.contain.vigil import deadline
from irkit.contain.vigil.drift import Drift, Scene, drifts
from irkit.contain.vigil.sight import NEEDED, Sight, scene, sights
from irkit.errors import ClusterError, Forbidden, NotFound
from irkit.model.pod import PodRef

RENEWED = 20  # seconds that a silent watch lasts: how late a watcher may notice that it is to stop
AGAIN = 2  # seconds before a watch that was refused is tried again

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
        watched = sights(self.pod, self.cluster)
        for one in watched:
            threading.Thread(target=_follow, args=(one, self.cluster, told, stop), daemon=True).start()
        try:
            yield from self._told(told, {one.name for one in watched})
        finally:
            stop.set()

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
                if name not in NEEDED and isinstance(news, (Forbidden, NotFound)):
                    yield Notice(self.clock(), "unseen", Drift("blind", f"not watched: {news.message}"))
                else:
                    blind[name] = news.message
            else:
                seen[name] = news
                blind.pop(name, None)
            if missing:
                continue
            found = self._scene(seen) if seen.keys() >= NEEDED else None
            if found and expected is None:
                expected = found.there
            yield from self._changed(found and replace(found, expected=expected or frozenset()), blind)
        yield Notice(self.clock(), "end", Drift("pod", self.over))

    def _changed(self, found: Scene | None, blind: dict[str, str]) -> Iterator[Notice]:
        """The difference to what was told before; None for a scene never seen whole."""
        released = found is not None and found.released
        now = dict.fromkeys(drifts(found) if found and not released else ())
        now |= {Drift("blind", f"the {name} cannot be watched: {why}"): None for name, why in blind.items()}
        before, self.force = self.force, frozenset(now)
        at = self.clock()
        yield from (Notice(at, "begun", drift) for drift in now if drift not in before)
        yield from (Notice(at, "ended", drift) for drift in sorted(before - self.force, key=str))
        if released:
            self.over = "the pod was released"
        elif found and found.pod is None:
            self.over = "the pod is gone"

    def _scene(self, seen: dict[str, State]) -> Scene:
        found = scene(self.pod, seen)
        written = deadline.of(found.policies.get(marks.policy_name(found.uid), {"metadata": {}}))
        self.until = written or self.until
        return found

    def _left(self) -> float | None:
        """Seconds until the time is over; None: it never is."""
        return max(0.0, (self.until - self.clock()).total_seconds()) if self.until else None


def _follow(one: Sight, cluster: Cluster, told: queue.Queue[Told], stop: threading.Event) -> None:
    """In a thread: tell every state of one kind; what the API server refuses is told, and tried again."""
    while not stop.is_set():
        try:
            for state in states(cluster, one.path, one.query, seconds=RENEWED):
                told.put((one.name, dict(state)))
                if stop.is_set():
                    return
        except ClusterError as error:
            nothing_there = one.needless and isinstance(error, NotFound)
            told.put((one.name, {} if nothing_there else error))
            if one.name not in NEEDED and isinstance(error, (Forbidden, NotFound)):
                return
            stop.wait(AGAIN)
