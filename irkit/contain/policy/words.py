"""What a policy admits, for a person who has to decide at night."""

from __future__ import annotations

from collections.abc import Iterable

from irkit.contain.policy.nouns import LAST_PORT, Block, Peer, Policy, Port, Rule, TierRule
from irkit.model.isolation import Direction

_SHOWN = 3  # of the parts of a list
_SIDE = {Direction.INGRESS: "from", Direction.EGRESS: "to"}


def admits(policy: Policy, direction: Direction) -> str:
    """Such as "from pods with app=client on TCP 8080; from anywhere on any port"; "nothing" without rules."""
    return _some(_rule(rule, _SIDE[direction]) for rule in policy.rules.get(direction, ())) or "nothing"


def allowed(rule: TierRule, direction: Direction) -> str:
    """The same of one rule of a tier."""
    return _rule(Rule(rule.peers, rule.ports), _SIDE[direction])


def _rule(rule: Rule, side: str) -> str:
    who = _some(map(_peer, rule.peers), " or ") or ("anywhere" if side == "from" else "everywhere")
    return f"{side} {who} on {_some(map(_port, rule.ports), ', ') or 'any port'}"


def _peer(peer: Peer) -> str:
    if peer.block is not None:
        return _block(peer.block)
    if peer.nodes is not None:
        return f"nodes with {peer.nodes}" if peer.nodes.requirements else "every node"
    if peer.domains:
        return _some(peer.domains, ", ")
    pods = f"pods with {peer.pods}" if peer.pods is not None and peer.pods.requirements else "every pod"
    if peer.namespaces is None:
        return f"{pods} of this namespace"
    return f"{pods} of {f'namespaces with {peer.namespaces}' if peer.namespaces.requirements else 'every namespace'}"


def _block(block: Block) -> str:
    excepted = _some(map(str, block.excepted), ", ")
    return f"{block.network} except {excepted}" if excepted else str(block.network)


def _port(port: Port) -> str:
    if port.named is not None:
        return f"{port.protocol} {port.named}"
    if (port.first, port.last) == (1, LAST_PORT):
        return f"any {port.protocol} port"
    return f"{port.protocol} {port.first}{f'-{port.last}' if port.last != port.first else ''}"


def _some(parts: Iterable[str], between: str = "; ") -> str:
    listed = list(parts)
    rest = len(listed) - _SHOWN
    return between.join(listed[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")
