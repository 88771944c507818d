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
    metadata, spec = object_(manifest.get("metadata")), object_(manifest.get("spec"))
    namespace, name = (str(metadata.get(key) or "") for key in ("namespace", "name"))
    rules = {
        direction: tuple(_rule(rule, _PEERS[direction]) for rule in list_(spec.get(direction.value)))
        for direction in _directions(spec)
    }
    return Policy(namespace, name, selector(spec.get("podSelector") or {}), rules)


def _directions(spec: Json) -> tuple[Direction, ...]:
    """Without `policyTypes`: ingress always, egress when there is an egress rule (an empty list is none)."""
    types = list_(spec.get("policyTypes"))
    if not types:
        return tuple(Direction) if list_(spec.get("egress")) else (Direction.INGRESS,)
    if not all(isinstance(name, str) and name in _TYPES for name in types):
        raise ValueError(f"unknown policy types: {types!r:.80}")
    return tuple(direction for name, direction in _TYPES.items() if name in types)


def _rule(data: Any, peers: str) -> Rule:  # noqa: ANN401 - JSON of any shape
    rule = object_(data or {})
    return Rule(tuple(map(_peer, list_(rule.get(peers)))), tuple(map(port, list_(rule.get("ports")))))


def _peer(data: Any) -> Peer:  # noqa: ANN401
    peer = object_(data)
    block, pods, namespaces = (peer.get(key) for key in ("ipBlock", "podSelector", "namespaceSelector"))
    if block is None and pods is None and namespaces is None:
        raise ValueError("a peer that names nobody")
    if block is None:
        return Peer(None, _selector(pods), _selector(namespaces))
    if pods is not None or namespaces is not None:
        raise ValueError("a peer with ipBlock and a selector")
    return Peer(_block(object_(block)))


def _selector(data: Any) -> Selector | None:  # noqa: ANN401
    return None if data is None else selector(data)


def _block(data: Json) -> Block:
    found, excepted = network(data.get("cidr")), tuple(map(network, list_(data.get("except"))))
    for hole in excepted:
        if hole.version != found.version or hole.prefixlen <= found.prefixlen or not hole.subnet_of(found):  # type: ignore[arg-type]
            raise ValueError(f"{hole} is not inside {found}")
    return Block(found, excepted)


def network(data: Any) -> Network:  # noqa: ANN401
    """The network that a CIDR names."""
    if not isinstance(data, str) or "/" not in data:
        raise ValueError(f"not a network: {data!r:.80}")
    return ip_network(data, strict=False)


def port(data: Any) -> Port:  # noqa: ANN401
    """The ports that {"protocol", "port", "endPort"} stands for, each of them optional."""
    given = object_(data)
    protocol, number, last = given.get("protocol") or "TCP", given.get("port"), given.get("endPort")
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


def object_(data: Any) -> Json:  # noqa: ANN401
    """`data`, which has to be an object."""
    if not isinstance(data, dict):
        raise ValueError(f"not an object: {data!r:.80}")
    return data


def list_(data: Any) -> list[Any]:  # noqa: ANN401
    """`data`, which has to be a list; absent, null and empty are the same."""
    if data is None:
        return []
    if not isinstance(data, list):
        raise ValueError(f"not a list: {data!r:.80}")
    return data
