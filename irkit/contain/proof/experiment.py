"""The experiment: probes up, calls heard before and after the pod is cut off, probes gone whatever happens.

It never costs the isolation: what goes wrong with it is said, and the verdict stays what the policies alone give.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from irkit.cluster.protocol import Json
from irkit.cluster.resources import PODS
from irkit.contain.hand import Hand
from irkit.contain.proof import inside, judge, pods, probe, script
from irkit.contain.proof.ear import caught
from irkit.contain.proof.judge import Finding, Sides
from irkit.contain.proof.nouns import Proving, Target, ingress, listener
from irkit.contain.proof.script import Heard
from irkit.errors import ClusterError, Refused
from irkit.model.isolation import Direction
from irkit.model.permission import Permission
from irkit.model.pod import PodRef

SECONDS = 12  # of listening, before and after: an engine may take a while to program a policy
LEAST = 3  # seconds of listening, however long it took to listen elsewhere
ROUNDS = 4  # before, where not everything answers at once
LIFE_INSIDE = 120  # seconds
NEEDS: tuple[Permission, ...] = (
    *(PODS.permission(verb, optional=True) for verb in ("create", "delete", "get", "watch")),
    PODS.permission("get", "log", optional=True),
)


@dataclass(slots=True)
class Experiment:
    """One experiment on the pod `seen`; `troubles` are what kept parts of it from being made."""

    pod: PodRef
    seen: Json
    hand: Hand
    how: Proving
    case: str
    run: str
    troubles: dict[Direction, str] = field(default_factory=dict)
    _probes: list[Json] = field(default_factory=list)
    _targets: tuple[Target, ...] = ()
    _inside: str = ""  # the container that calls out of the pod

    def begin(self) -> None:
        """Probes running, and heard calling while the pod is not cut off yet."""
        try:
            self._call_in()
        except (ClusterError, Refused) as error:
            self.troubles |= dict.fromkeys(Direction, error.message)
            return
        if not self._asked(Direction.INGRESS):
            self.troubles[Direction.INGRESS] = "no port of the pod is known: name one with --probe-port"
        if not self.how.inside:
            told = "nobody outside can call out of the pod; --probe-inside does, from a container that stays on it"
            self.troubles[Direction.EGRESS] = told
            return
        try:
            self._call_out()
        except (ClusterError, Refused) as error:
            self.troubles[Direction.EGRESS] = error.message

    def measure(self) -> list[Finding]:
        """What is heard now that the pod is cut off."""
        if self.hand.dry_run:
            self.troubles = dict.fromkeys(Direction, "a dry run sends no packets")
        if len(self.troubles) == len(Direction):
            return []
        try:
            return self._measured()
        except ClusterError as error:
            self.troubles = dict.fromkeys(Direction, error.message)
            return []

    def end(self) -> None:
        """No probe left."""
        for body in () if self.hand.dry_run else self._probes:
            try:
                probe.remove(self.hand, body)
            except (ClusterError, Refused) as error:
                told = f"the probe {body['metadata']['name']} is left behind and ends by itself: {error.message}"
                self.troubles.setdefault(Direction.INGRESS, told)

    def _call_in(self) -> None:
        uid, made = str(self.seen["metadata"]["uid"]), (self.case, self.run, self.how.image)
        listening = self._start(pods.listener(self.pod, uid, *made), "listens")
        self._targets = (*ingress(self.seen, self.how.ports), *listener(listening, "control"))
        self._start(pods.caller(self.pod, uid, *made, self._targets), "calls the pod")
        if not self.hand.dry_run:
            heard = self._outside(self._answered)
            if heard.useless:
                raise Refused(f"the image {self.how.image} has no nc")

    def _call_out(self) -> None:
        listening = [one for one in self._targets if not one.name.startswith(Direction.INGRESS)]
        targets = [Target(one.name.replace("control", Direction.EGRESS), one.host, one.port) for one in listening]
        program = script.caller(targets, life=LIFE_INSIDE)
        container = {"image": self.how.image, "command": ["sh", "-c", program], "securityContext": pods.CONTAINER}
        detail = "an ephemeral container that calls out of the pod"
        self._inside = inside.start(self.hand, self.pod, "irkit-probe", container, detail)
        if not self.hand.dry_run:
            self._within(lambda heard: any(any(each.values()) for each in heard.whole))

    def _start(self, body: Json, does: str) -> Json:
        self._probes.append(body)
        return probe.start(self.hand, body, does)

    def _measured(self) -> list[Finding]:
        """Ingress first; what it hears of the control counts for egress too, and so does the time it took."""
        ends = time.monotonic() + SECONDS
        rounds = len(self._outside(None).whole)
        within = len(self._within(None).whole) if self._inside else 0
        into, out = self._asked(Direction.INGRESS), self._asked(Direction.EGRESS)
        heard = self._outside(lambda heard: judge.settled(_sides(heard, rounds, heard, rounds), into))
        found = judge.findings(_sides(heard, rounds, heard, rounds), into)
        if Direction.EGRESS not in self.troubles:
            sides = partial(_sides, rounds=within, control=heard, control_rounds=rounds)
            left = max(LEAST, ends - time.monotonic())
            found += judge.findings(sides(self._within(lambda heard: judge.settled(sides(heard), out), left)), out)
        return found

    def _asked(self, direction: Direction) -> list[str]:
        """The targets of a direction, by name."""
        names = [one.name.replace("control", Direction.EGRESS) for one in self._targets]
        return [name for name in names if name.startswith(direction)]

    def _answered(self, heard: Heard) -> bool:
        names = [one.name for one in self._targets if not one.name.startswith("nothing")]
        all_at_once = any(all(each.get(name) for name in names) for each in heard.whole)
        return heard.useless or all_at_once or len(heard.whole) >= ROUNDS

    def _outside(self, enough: Callable[[Heard], bool] | None) -> Heard:
        caller = PodRef(self.pod.namespace, pods.names(str(self.seen["metadata"]["uid"]))[1])
        return caught(self.hand.cluster, caller, "probe", enough, SECONDS)

    def _within(self, enough: Callable[[Heard], bool] | None, seconds: float = SECONDS) -> Heard:
        return caught(self.hand.cluster, self.pod, self._inside, enough, seconds)


def _sides(heard: Heard, rounds: int, control: Heard, control_rounds: int) -> Sides:
    """The round that was under way when the pod was cut off counts for neither side."""
    return Sides(heard.whole[:rounds], heard.whole[rounds + 1 :], control.whole[control_rounds + 1 :])
