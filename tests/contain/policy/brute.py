"""NetworkPolicy v1 and its tiers once more, packet by packet on raw manifests: slow, plain, apart from irkit's own."""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass, field

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
    """Raw manifests by name; pods have `status.podIPs`, `spec.containers`. `tiers` are of any of the three kinds."""

    namespaces: dict[str, Json]
    pods: dict[str, Json]
    policies: list[Json]
    tiers: list[Json] = field(default_factory=list)
    nodes: list[Json] = field(default_factory=list)

    def passes(self, packet: Packet) -> bool:
        for end, other, direction, types in (
            (packet.source, packet.target, "egress", "Egress"),
            (packet.target, packet.source, "ingress", "Ingress"),
        ):
            if end not in self.pods:
                continue
            admin = self.asked(end, other, direction, packet, baseline=False)
            if admin == "Deny":
                return False
            if admin == "Allow":
                continue
            chosen = [policy for policy in self.policies if self.governs(policy, self.pods[end], types)]
            rules = [(policy, rule) for policy in chosen for rule in policy["spec"].get(direction) or []]
            if chosen and not any(self.admits(policy, rule, other, packet) for policy, rule in rules):
                return False
            if not chosen and self.asked(end, other, direction, packet, baseline=True) == "Deny":
                return False
        return True

    def asked(self, end: str, other: str, direction: str, packet: Packet, *, baseline: bool) -> str:
        """What the first rule of a tier that fits says; "Pass" where none does."""
        found = [one for one in self.tiers if is_baseline(one) is baseline]
        for one in sorted(found, key=lambda one: one["spec"].get("priority", 0)):
            if not self.meant(one["spec"]["subject"], end):
                continue
            for rule in one["spec"].get(direction) or []:
                peers = rule["from" if direction == "ingress" else "to"]
                if any(self.meant(peer, other) for peer in peers) and self.through(rule, packet):
                    return {"Accept": "Allow"}.get(rule["action"], str(rule["action"]))
        return "Pass"

    def meant(self, who: Json, end: str) -> bool:
        addresses = [entry["ip"] for entry in self.pods[end]["status"]["podIPs"]] if end in self.pods else [end]
        if "networks" in who:
            return any(inside(one, network) for one in addresses for network in who["networks"])
        if "nodes" in who:
            chosen = [node for node in self.nodes if chooses(who["nodes"], node["metadata"]["labels"])]
            return any(one["address"] in addresses for node in chosen for one in node["status"]["addresses"])
        if "domainNames" in who or end not in self.pods:
            return False
        metadata = self.pods[end]["metadata"]
        space = self.namespaces[metadata["namespace"]]["metadata"]["labels"]
        if "namespaces" in who:
            return chooses(who["namespaces"], space)
        pods = who["pods"]
        return chooses(pods["namespaceSelector"], space) and chooses(pods["podSelector"], metadata.get("labels") or {})

    def through(self, rule: Json, packet: Packet) -> bool:
        listed = list(tier_ports(rule))
        if not listed:
            return True
        for protocol, first, last, name in listed:
            if protocol not in (None, packet.protocol):
                continue
            if name is None and first <= packet.port <= last:
                return True
            if name is not None and name in self.names(packet):
                return True
        return False

    def names(self, packet: Packet) -> set[str]:
        """What the target calls the packet's port."""
        containers = self.pods[packet.target]["spec"]["containers"] if packet.target in self.pods else []
        return {
            named["name"]
            for container in containers
            for named in container["ports"]
            if (named["protocol"], named["containerPort"]) == (packet.protocol, packet.port)
        }

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


def is_baseline(policy: Json) -> bool:
    return "Baseline" in (policy["kind"].removesuffix("AdminNetworkPolicy"), policy["spec"].get("tier"))


def tier_ports(rule: Json) -> Iterator[tuple[str | None, int, int, str | None]]:
    """(protocol, first, last, name), as either version spells them."""
    for port in rule.get("ports") or []:
        if "namedPort" in port:
            yield None, 0, 0, port["namedPort"]
        elif "portNumber" in port:
            yield port["portNumber"]["protocol"], port["portNumber"]["port"], port["portNumber"]["port"], None
        else:
            found = port["portRange"]
            yield found.get("protocol", "TCP"), found["start"], found["end"], None
    for given in rule.get("protocols") or []:
        if "destinationNamedPort" in given:
            yield None, 0, 0, given["destinationNamedPort"]
            continue
        ((protocol, found),) = given.items()
        port = found.get("destinationPort", {"range": {"start": 1, "end": 65535}})
        first, last = (port["number"],) * 2 if "number" in port else (port["range"]["start"], port["range"]["end"])
        yield protocol.upper(), first, last, None


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
