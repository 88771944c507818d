"""Policies of a whole cluster, in tiers around NetworkPolicy: manifests to nouns.

AdminNetworkPolicy and BaselineAdminNetworkPolicy (policy.networking.k8s.io/v1alpha1), ClusterNetworkPolicy (v1alpha2 of
that group, and Amazon's own of networking.k8s.aws/v1alpha1) are one thing in three spellings: rules in order, the first
that fits decides. Ties of priority are undefined in the API; irkit goes by name there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from irkit.contain.policy import read
from irkit.contain.policy.nouns import PROTOCOLS, Action, Block, Peer, Port, TierPolicy, TierRule
from irkit.contain.policy.selector import Selector, selector
from irkit.model.isolation import Direction

Json = dict[str, Any]

GROUPS = ("policy.networking.k8s.io", "networking.k8s.aws")
KINDS = ("AdminNetworkPolicy", "BaselineAdminNetworkPolicy", "ClusterNetworkPolicy")
_ACTIONS = {"Allow": "allow", "Accept": "allow", "Deny": "deny", "Pass": "pass"}
_PEERS = {Direction.INGRESS: "from", Direction.EGRESS: "to"}
_NAMES = ("namespaces", "pods", "nodes", "networks", "domainNames")


def tiered(manifest: Json) -> TierPolicy:
    """The policy that `manifest` stands for; raises ValueError for what no API server accepts."""
    kind, spec = str(manifest.get("kind")), read.object_(manifest.get("spec"))
    namespaces, pods = _subject(read.object_(spec.get("subject")))
    baseline = _baseline(kind, spec)
    rules = {
        direction: tuple(_rule(rule, side) for rule in read.list_(spec.get(direction.value)))
        for direction, side in _PEERS.items()
    }
    name = str(read.object_(manifest.get("metadata")).get("name") or "")
    return TierPolicy(kind, name, baseline, _priority(kind, spec), namespaces, pods, rules)


def _baseline(kind: str, spec: Json) -> bool:
    if kind != "ClusterNetworkPolicy":
        return kind == "BaselineAdminNetworkPolicy"
    if spec.get("tier") not in ("Admin", "Baseline"):
        raise ValueError(f"unknown tier: {spec.get('tier')!r:.80}")
    return bool(spec["tier"] == "Baseline")


def _priority(kind: str, spec: Json) -> int:
    """A BaselineAdminNetworkPolicy has none: there is one only."""
    found = spec.get("priority", 0 if kind == "BaselineAdminNetworkPolicy" else None)
    if type(found) is not int or not 0 <= found <= 1000:
        raise ValueError(f"not a priority: {found!r:.80}")
    return found


def _subject(data: Json) -> tuple[Selector, Selector]:
    if (data.get("namespaces") is None) is (data.get("pods") is None):
        raise ValueError("a subject is either namespaces or pods")
    return _who(data)


def _who(data: Json) -> tuple[Selector, Selector]:
    """Selectors of namespaces and of pods in them. Before v0.1.2 namespaces were one level deeper."""
    if data.get("pods") is not None:
        pods = read.object_(data["pods"])
        return selector(pods.get("namespaceSelector")), selector(pods.get("podSelector"))
    spaces = read.object_(data.get("namespaces"))
    return selector(spaces.get("namespaceSelector", spaces)), Selector()


def _rule(data: Any, side: str) -> TierRule:  # noqa: ANN401 - JSON of any shape
    rule = read.object_(data)
    action, peers = rule.get("action"), read.list_(rule.get(side))
    if not isinstance(action, str) or action not in _ACTIONS or not peers:
        raise ValueError(f"not a rule: {rule!r:.80}")
    ports = [port for one in read.list_(rule.get("ports")) for port in _port(read.object_(one))]
    ports += [port for one in read.list_(rule.get("protocols")) for port in _protocol(read.object_(one))]
    return TierRule(Action(_ACTIONS[action]), tuple(peer for one in peers for peer in _peer(one)), tuple(ports))


def _peer(data: Any) -> Iterator[Peer]:  # noqa: ANN401
    peer = read.object_(data)
    named = [name for name in _NAMES if peer.get(name) is not None]
    if len(named) != 1 or len(peer) != 1:
        raise ValueError(f"not a peer: {peer!r:.80}")
    match named[0]:
        case "networks":
            yield from (Peer(Block(read.network(one))) for one in read.list_(peer["networks"]))
        case "nodes":
            yield Peer(nodes=selector(peer["nodes"]))
        case "domainNames":
            yield Peer(domains=tuple(map(str, read.list_(peer["domainNames"]))))
        case _:
            namespaces, pods = _who(peer)
            yield Peer(None, pods, namespaces)


def _port(data: Json) -> Iterator[Port]:
    """As v1alpha1 spells it. A name has no protocol there: it means whatever the pod calls so."""
    if name := data.get("namedPort"):
        yield from (Port(protocol, named=str(name)) for protocol in PROTOCOLS)
    elif data.get("portNumber") is not None:
        yield _range(data["portNumber"], "port", "port")
    else:
        yield _range(data.get("portRange"), "start", "end")


def _range(data: Any, first: str, last: str) -> Port:  # noqa: ANN401
    given = read.object_(data)
    ports = {"port": given.get(first), "endPort": given.get(last), "protocol": given.get("protocol")}
    if ports["port"] is None:
        raise ValueError(f"not a port: {given!r:.80}")
    return read.port(ports)


def _protocol(data: Json) -> Iterator[Port]:
    """As v1alpha2 spells it."""
    if name := data.get("destinationNamedPort"):
        yield from (Port(protocol, named=str(name)) for protocol in PROTOCOLS)
        return
    given = [(protocol, data.get(protocol.lower())) for protocol in PROTOCOLS if data.get(protocol.lower()) is not None]
    if len(given) != 1:
        raise ValueError(f"not a protocol: {data!r:.80}")
    protocol, found = given[0]
    port = read.object_(read.object_(found).get("destinationPort") or {})
    if not port:
        yield Port(protocol)
    elif port.get("number") is not None:
        yield _range({"protocol": protocol, **port}, "number", "number")
    else:
        yield _range({"protocol": protocol, **read.object_(port.get("range"))}, "start", "end")
