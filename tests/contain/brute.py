"""NetworkPolicy v1 once more, packet by packet on raw manifests: slow, plain, and written apart from irkit."""

from __future__ import annotations

import functools
import ipaddress
from dataclasses import dataclass

from irkit.cluster.protocol import Json


@dataclass(frozen=True)
class Packet:
    """`source` and `target` are a pod's name or an address outside."""

    source: str
    target: str
    protocol: str
    port: int


@dataclass(frozen=True)
class Cluster:
    """Raw manifests by name; pods have `status.podIPs`, `spec.containers`."""

    namespaces: dict[str, Json]
    pods: dict[str, Json]
    policies: list[Json]

    def passes(self, packet: Packet) -> bool:
        for end, other, direction, types in (
            (packet.source, packet.target, "egress", "Egress"),
            (packet.target, packet.source, "ingress", "Ingress"),
        ):
            if end not in self.pods:
                continue
            chosen = [policy for policy in self.policies if self.governs(policy, self.pods[end], types)]
            rules = [(policy, rule) for policy in chosen for rule in policy["spec"].get(direction) or []]
            if chosen and not any(self.admits(policy, rule, other, packet) for policy, rule in rules):
                return False
        return True

    def governs(self, policy: Json, pod: Json, types: str) -> bool:
        if policy["metadata"]["namespace"] != pod["metadata"]["namespace"]:
            return False
        listed = policy["spec"].get("policyTypes")
        if not listed:
            listed = ["Ingress"]
            if policy["spec"].get("egress"):
                listed.append("Egress")
        return types in listed and chooses(policy["spec"]["podSelector"], pod["metadata"].get("labels") or {})

    def admits(self, policy: Json, rule: Json, other: str, packet: Packet) -> bool:
        peers = (rule.get("from") or []) + (rule.get("to") or [])
        if peers and not any(self.is_peer(peer, policy["metadata"]["namespace"], other) for peer in peers):
            return False
        ports = rule.get("ports") or []
        return not ports or any(self.is_port(port, packet) for port in ports)

    def is_peer(self, peer: Json, home: str, other: str) -> bool:
        if "ipBlock" in peer:
            block = peer["ipBlock"]
            addresses = [other]
            if other in self.pods:
                addresses = [entry["ip"] for entry in self.pods[other]["status"]["podIPs"]]
            for one in addresses:
                if inside(one, block["cidr"]) and not any(inside(one, hole) for hole in block.get("except") or []):
                    return True
            return False
        if other not in self.pods:
            return False
        metadata = self.pods[other]["metadata"]
        if "namespaceSelector" not in peer and metadata["namespace"] != home:
            return False
        if "namespaceSelector" in peer:
            labels = self.namespaces[metadata["namespace"]]["metadata"]["labels"]
            if not chooses(peer["namespaceSelector"], labels):
                return False
        return "podSelector" not in peer or chooses(peer["podSelector"], metadata.get("labels") or {})

    def is_port(self, port: Json, packet: Packet) -> bool:
        if port.get("protocol", "TCP") != packet.protocol:
            return False
        if "port" not in port:
            return True
        if isinstance(port["port"], int):
            return bool(port["port"] <= packet.port <= port.get("endPort", port["port"]))
        if packet.target not in self.pods:
            return False
        return any(
            (named["name"], named["protocol"], named["containerPort"]) == (port["port"], packet.protocol, packet.port)
            for container in self.pods[packet.target]["spec"]["containers"]
            for named in container["ports"]
        )


@functools.cache
def inside(address: str, network: str) -> bool:
    return ipaddress.ip_address(address) in ipaddress.ip_network(network)


def chooses(selector: Json, labels: dict[str, str]) -> bool:
    for key, value in (selector.get("matchLabels") or {}).items():
        if key not in labels or labels[key] != value:
            return False
    for term in selector.get("matchExpressions") or []:
        key, operator = term["key"], term["operator"]
        if operator == "Exists" and key not in labels:
            return False
        if operator == "DoesNotExist" and key in labels:
            return False
        if operator == "In" and (key not in labels or labels[key] not in term["values"]):
            return False
        if operator == "NotIn" and key in labels and labels[key] in term["values"]:
            return False
    return True
