"""What follows from what the probes said: pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from irkit.contain.proof.script import Round
from irkit.model.isolation import Direction, Family, Proof, Residual, Verdict

STEADY = 3  # rounds in a row that have to agree
PROBE = "probe"  # what stands for the policy in a residual: packets passed


@dataclass(frozen=True, slots=True)
class Sides:
    """Rounds before the pod was cut off, and after. Those of `control` are by a probe that nobody cut off."""

    before: Sequence[Round] = ()
    after: Sequence[Round] = ()
    control: Sequence[Round] = ()  # after, too


@dataclass(frozen=True, slots=True)
class Finding:
    """Of one way into or out of the pod. `residual` is what still gets through; None: nothing was seen to."""

    direction: Direction
    family: Family
    verdict: Verdict
    proof: Proof
    residual: Residual | None = None


def settled(sides: Sides, targets: Iterable[str]) -> bool:
    """True once the last rounds agree that no target is open while the control is."""
    last = sides.after[-STEADY:]
    shut = len(last) == STEADY and not any(each.get(name, True) for each in last for name in targets)
    return shut and all(_controlled(sides.control, _family(name)) for name in targets)


def findings(sides: Sides, targets: Sequence[str]) -> list[Finding]:
    """One for each direction and family among `targets` ("ingress/IPv4/8080")."""
    ways = dict.fromkeys((Direction(name.split("/")[0]), _family(name)) for name in targets)
    return [_way(*way, sides, [name for name in targets if name.startswith("/".join(way))]) for way in ways]


def _way(direction: Direction, family: Family, sides: Sides, names: list[str]) -> Finding:
    before = {name for name in names if any(each.get(name) for each in sides.before)}
    ports = ", ".join(name.split("/")[2] for name in names)
    what = f"{direction} {family}, TCP {ports}"
    opened = [name for name in names if sides.after and sides.after[-1].get(name)]
    if any(each.get(name) for each in (*sides.before, *sides.after, *sides.control) for name in _nothing(each)):
        told = "a port where nobody listens seems open too: something on the way answers every call"
        return _unknown(direction, family, what, told)
    if opened:
        port = ", ".join(name.split("/")[2] for name in opened)
        why = f"packets still pass on TCP {port} ({family}): the policy is not enforced"
        told = f"open {'before and ' if before else ''}after"
        left = Residual(PROBE, direction, why, (family,))
        return Finding(direction, family, Verdict.INEFFECTIVE, Proof("packets", told, what), left)
    if not sides.after:
        return _unknown(direction, family, what, "the probe said nothing after the pod was cut off")
    if not before:
        return _unknown(direction, family, what, "nothing answered before either, so that silence shows nothing")
    if not settled(sides, sorted(before)):
        steady = not any(each.get(name) for each in sides.after[-STEADY:] for name in names)
        told = "the probe could not reach what is not cut off either" if steady else "now open, now shut"
        return _unknown(direction, family, what, told)
    told = "open before, shut after; what is not cut off still answers"
    return Finding(direction, family, Verdict.PROVEN, Proof("packets", told, what))


def _unknown(direction: Direction, family: Family, what: str, told: str) -> Finding:
    return Finding(direction, family, Verdict.UNVERIFIED, Proof("packets", f"not measured: {told}", what))


def _family(name: str) -> Family:
    return Family(name.split("/")[1])


def _controlled(rounds: Sequence[Round], family: Family) -> bool:
    last = rounds[-STEADY:]
    names = [name for each in last for name in each if name.startswith(f"control/{family}/")]
    return len(last) == STEADY and bool(names) and all(each.get(name) for each in last for name in names)


def _nothing(each: Round) -> list[str]:
    return [name for name in each if name.startswith("nothing/")]
