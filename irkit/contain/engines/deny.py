"""What NetworkPolicy v1 leaves open, denied by the cluster's own policy engine, where it has one that can.

Engines are found by API group and tried in order, as long as something is left. Each makes one policy for the one pod.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from irkit.cluster.objects import entries, items, part
from irkit.cluster.protocol import Json
from irkit.cluster.resources import (
    ADMIN_NETWORK_POLICIES,
    AWS_NETWORK_POLICIES,
    CALICO_POLICIES,
    CALICO_TIERS,
    CILIUM_NETWORK_POLICIES,
    CLUSTER_NETWORK_POLICIES,
    CONFIG_MAPS,
    PODS,
    Resource,
)
from irkit.contain import marks
from irkit.contain.engines import amazon, calico, cilium, tiers
from irkit.contain.hand import Hand
from irkit.contain.survey import Survey
from irkit.contain.verdict import Judgement, judged, residuals
from irkit.errors import AlreadyExists, ClusterError, NotFound
from irkit.model.isolation import Direction, Family, Proof, Residual, Verdict
from irkit.model.permission import Permission
from irkit.model.pod import PodRef

OF_TIERS = (AWS_NETWORK_POLICIES, CLUSTER_NETWORK_POLICIES, ADMIN_NETWORK_POLICIES)
ENGINES = (CILIUM_NETWORK_POLICIES, CALICO_POLICIES, *OF_TIERS)
# Calico's API server asks for rights on a tier's policies under a name of their own as well.
IN_TIERS = Resource("projectcalico.org", "v3", "tier.globalnetworkpolicies", "GlobalNetworkPolicy", namespaced=False)
NEEDS: tuple[Permission, ...] = (
    *(each.permission(verb, optional=True) for each in (*ENGINES, IN_TIERS) for verb in ("create", "get")),
    *(CALICO_TIERS.permission(verb, optional=True) for verb in ("create", "get", "list")),
    replace(CONFIG_MAPS.permission("get", optional=True), scope="cluster"),
    PODS.permission("list", optional=True),
)


@dataclass(frozen=True, slots=True)
class Case:
    """The pod as it was `seen`, labelled; `ours` is the name of its NetworkPolicy."""

    pod: PodRef
    seen: Json
    ours: str
    case: str
    run: str

    @property
    def uid(self) -> str:
        """The pod's."""
        return str(self.seen["metadata"]["uid"])


@dataclass(slots=True)
class Denied:
    """What is `left` open; the `engines` used, as "cilium.io/v2"; directions that such an engine claims to close."""

    left: tuple[Residual, ...]
    engines: list[str] = field(default_factory=list)
    proof: list[Proof] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    claimed: set[Direction] = field(default_factory=set)

    def judged(self, known: tuple[Family, ...]) -> Judgement:
        """The verdict: claimed where an engine said that it took what had been open until then."""
        found = judged(self.left, known)
        better = {Verdict.UNVERIFIED: Verdict.CLAIMED}
        return {
            way: {family: better.get(one, one) if way in self.claimed else one for family, one in by.items()}
            for way, by in found.items()
        }


def denied(case: Case, found: Survey, hand: Hand) -> Denied:
    """What is left once every engine of the cluster that can has denied the pod what was open."""
    alike = amazon.siblings(case.seen, found, hand.cluster)
    found = _before_ours(found, case.uid)
    result = Denied(_left(case, found, alike))
    if AWS_NETWORK_POLICIES.api_version in found.served:
        result.warnings += amazon.warnings(case.seen, alike)
    for engine in (each for each in ENGINES if each.api_version in found.served):
        if not result.left:
            break
        before = {residual.direction for residual in result.left}
        try:
            made = _made(engine, case, hand)
        except NotFound:
            continue  # a version that is served need not have the kind
        except ClusterError as error:
            result.warnings.append(f"{engine.api_version} could not be used: {error.message}")
            continue
        found = _with(found, engine, made)
        obstacle, doubt = _hindered(engine, hand)
        closes = engine not in OF_TIERS and not obstacle
        result.left = () if closes else _left(case, found, alike)
        result.warnings += [f"{engine.api_version} does not close it: {obstacle}"] if obstacle else []
        result.warnings += [doubt] if doubt else []
        result.engines.append(engine.api_version)
        said = _said(made)
        told = said or f"{engine.kind} {_name(made)} made, and nothing said of it"
        result.proof.append(Proof("engine-status", told, doubt))
        if said and not doubt and not hand.dry_run:
            result.claimed |= before - {residual.direction for residual in result.left}
    return result


def _left(case: Case, found: Survey, alike: list[Json] | None) -> tuple[Residual, ...]:
    labels = part(case.seen["metadata"], "labels")
    own = residuals(labels, found.policies.values(), case.ours, found.tiers)
    return tuple(dict.fromkeys((*own, *amazon.shared(alike or [], found, case.ours))))


def _made(engine: Resource, case: Case, hand: Hand) -> Json:
    """The engine's deny, made unless it is there. Raises ClusterError."""
    body = _body(engine, case)
    if engine is CALICO_POLICIES:
        _tier(case, hand)
    path = engine.path(case.pod.namespace, body["metadata"]["name"])
    try:
        return _ours(hand.cluster.get(path).json(), case.uid)
    except NotFound:
        pass
    try:
        return hand.create(engine, body, "denies the quarantined pod what NetworkPolicies let through")
    except AlreadyExists:
        return _ours(hand.cluster.get(path).json(), case.uid)


def _body(engine: Resource, case: Case) -> Json:
    namespace, uid, name = case.pod.namespace, case.uid, marks.policy_name(case.uid)
    if engine is CILIUM_NETWORK_POLICIES:
        spec = cilium.spec(uid)
    elif engine is CALICO_POLICIES:
        spec, name = calico.spec(uid, namespace), f"{marks.TIER}.{name}"
    else:
        spec = tiers.spec(engine, uid, namespace)
    return marks.of_ours(engine, case.pod, uid, case.case, case.run, spec, name=name)


def _tier(case: Case, hand: Hand) -> None:
    """Calico's tier of ours, made unless it is there."""
    listed = list(items(hand.cluster.pages(CALICO_TIERS.path())))
    if not any(_name(one) == marks.TIER for one in listed):
        spec = calico.tier(listed)
        body = marks.of_ours(CALICO_TIERS, case.pod, case.uid, case.case, case.run, spec, name=marks.TIER)
        hand.create(CALICO_TIERS, body, "asked before every other tier")


def _ours(policy: Json, uid: str) -> Json:
    if marks.owner(policy) != uid:
        raise ClusterError(f"{_name(policy)} is in the way: irkit did not make it for this pod")
    return policy


def _before_ours(found: Survey, uid: str) -> Survey:
    """The survey as it would be had no engine denied this pod yet: what was open then is what its deny is for."""
    others = tuple(one for one in found.tiers.policies if marks.owner(one) != uid)
    return replace(found, tiers=replace(found.tiers, policies=others))


def _with(found: Survey, engine: Resource, made: Json) -> Survey:
    """The survey with a policy of a tier in it."""
    if engine not in OF_TIERS:
        return found
    others = tuple(one for one in found.tiers.policies if (one["kind"], _name(one)) != (engine.kind, _name(made)))
    around = replace(found.tiers, policies=(*others, {**made, "kind": engine.kind}))
    return replace(found, tiers=around)


def _hindered(engine: Resource, hand: Hand) -> tuple[str, str]:
    """Why the engine's deny does not hold, and why that is not known: each "" where it is not so."""
    try:
        if engine is CILIUM_NETWORK_POLICIES:
            config = hand.cluster.get(CONFIG_MAPS.path(*cilium.CONFIG)).json()
            return cilium.obstacle(part(config, "data")) or "", ""
        if engine is CALICO_POLICIES and not hand.dry_run:
            return calico.obstacle(items(hand.cluster.pages(CALICO_TIERS.path()))) or "", ""
    except ClusterError as error:
        return "", f"whether {engine.api_version} heeds our deny is not known: {error.message}"
    return "", ""


def _said(made: Json) -> str:
    """What an engine says of a policy in its conditions; "" where it says nothing, or that it would not have it."""
    listed = list(_conditions(made))
    return "; ".join(listed) if listed and all(one.endswith("=True") for one in listed) else ""


def _conditions(made: Json) -> Iterator[str]:
    return (f"{one.get('type')}={one.get('status')}" for one in entries(part(made, "status"), "conditions"))


def _name(one: Json) -> str:
    return str(part(one, "metadata").get("name"))
