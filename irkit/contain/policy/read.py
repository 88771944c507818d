"""NetworkPolicy manifests to nouns. Raises ValueError for what no API server accepts, defaulting as it does.

The rules are those of the API server's defaults and validation (pkg/apis/networking/v1/defaults.go,
pkg/apis/networking/validation/validation.go).
"""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

from irkit.contain.policy.nouns import LAST_PORT, PROTOCOLS, Block, Network, Peer, Policy, Port, Rule
from irkit.contain.policy.selector import Selector, selector
from irkit.model.isolation import Direction

Json = dict[str, Any]

_TYPES = {"Ingress": Direction.INGRESS, "Egress": Direction.EGRESS}
_PEERS = {Direction.INGRESS: "from", Direction.EGRESS: "to"}


def policy(manifest: Json) -> Policy:
    """The policy that `manifest` stands for."""
    metadata, spec = _object(manifest.get("metadata")), _object(manifest.get("spec"))
    namespace, name = (str(metadata.get(key) or "") for key in ("namespace", "name"))
    rules = {
        direction: tuple(_rule(rule, _PEERS[direction]) for rule in _list(spec.get(direction.value)))
        for direction in _directions(spec)
    }
    return Policy(namespace, name, selector(spec.get("podSelector") or {}), rules)


def _directions(spec: Json) -> tuple[Direction, ...]:
    """Without `policyTypes`: ingress always, egress when there is an egress rule (an empty list is none)."""
    types = _list(spec.get("policyTypes"))
    if not types:
        return tuple(Direction) if _list(spec.get("egress")) else (Direction.INGRESS,)
    if not all(isinstance(name, str) and name in _TYPES for name in types):
        raise ValueError(f"unknown policy types: {types!r:.80}")
    return tuple(direction for name, direction in _TYPES.items() if name in types)


def _rule(data: Any, peers: str) -> Rule:  # noqa: ANN401 - JSON of any shape
    rule = _object(data or {})
    return Rule(tuple(map(_peer, _list(rule.get(peers)))), tuple(map(_port, _list(rule.get("ports")))))


def _peer(data: Any) -> Peer:  # noqa: ANN401
    peer = _object(data)
    block, pods, namespaces = (peer.get(key) for key in ("ipBlock", "podSelector", "namespaceSelector"))
    if block is None and pods is None and namespaces is None:
        raise ValueError("a peer that names nobody")
    if block is None:
        return Peer(None, _selector(pods), _selector(namespaces))
    if pods is not None or namespaces is not None:
        raise ValueError("a peer with ipBlock and a selector")
    return Peer(_block(_object(block)))


def _selector(data: Any) -> Selector | None:  # noqa: ANN401
    return None if data is None else selector(data)


def _block(data: Json) -> Block:
    network, excepted = _network(data.get("cidr")), tuple(map(_network, _list(data.get("except"))))
    for hole in excepted:
        if hole.version != network.version or hole.prefixlen <= network.prefixlen or not hole.subnet_of(network):  # type: ignore[arg-type]
            raise ValueError(f"{hole} is not inside {network}")
    return Block(network, excepted)


def _network(data: Any) -> Network:  # noqa: ANN401
    if not isinstance(data, str) or "/" not in data:
        raise ValueError(f"not a network: {data!r:.80}")
    return ip_network(data, strict=False)


def _port(data: Any) -> Port:  # noqa: ANN401
    port = _object(data)
    protocol, number, last = port.get("protocol") or "TCP", port.get("port"), port.get("endPort")
    if protocol not in PROTOCOLS:
        raise ValueError(f"unknown protocol: {protocol!r:.80}")
    if isinstance(number, str) and last is None and not number.isdecimal():
        return Port(protocol, named=number)
    if number is None and last is None:
        return Port(protocol)
    first, last = _number(number), _number(number if last is None else last)
    if last < first:
        raise ValueError(f"ports {first} to {last}")
    return Port(protocol, first, last)


def _number(data: Any) -> int:  # noqa: ANN401
    if type(data) is not int or not 1 <= data <= LAST_PORT:
        raise ValueError(f"not a port: {data!r:.80}")
    return data


def _object(data: Any) -> Json:  # noqa: ANN401
    if not isinstance(data, dict):
        raise ValueError(f"not an object: {data!r:.80}")
    return data


def _list(data: Any) -> list[Any]:  # noqa: ANN401 - absent, null and empty are the same
    if data is None:
        return []
    if not isinstance(data, list):
        raise ValueError(f"not a list: {data!r:.80}")
    return data
