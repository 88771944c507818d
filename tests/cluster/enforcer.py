"""Enforce NetworkPolicy v1 on the test node, so that isolation can be proved with real packets.

Test equipment, written apart from irkit and sharing no code with it: it is the second opinion. It watches pods,
namespaces and policies and renders them as iptables chains, replaced atomically. IPv4, one node. As most engines do,
it lets established connections live on and never blocks traffic from the node itself.

Usage: enforcer.py SERVER CA_CERT CLIENT_CERT CLIENT_KEY [REJECT|DROP]
"""

import hashlib
import http.client
import ipaddress
import json
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

Object = dict[str, Any]
PATHS = {
    "pods": "/api/v1/pods",
    "namespaces": "/api/v1/namespaces",
    "policies": "/apis/networking.k8s.io/v1/networkpolicies",
}
HOOKS = {"IRKIT-FORWARD": ("FORWARD", "both"), "IRKIT-INPUT": ("INPUT", "egress")}


class Mirror:
    """The watched objects of each kind, by uid; `changed` is set whenever one of them changes."""

    def __init__(self, server: str, context: ssl.SSLContext) -> None:
        self.where, self.context = urlsplit(server), context
        self.objects: dict[str, dict[str, Object]] = {kind: {} for kind in PATHS}
        self.changed, self.lock = threading.Event(), threading.Lock()

    def follow(self, kind: str) -> None:
        while True:
            try:
                self._watch(kind)
            except (OSError, http.client.HTTPException, ValueError) as error:
                print(f"watch {kind}: {error!r}; again in 1 s", flush=True)
                time.sleep(1)

    def _watch(self, kind: str) -> None:
        link = http.client.HTTPSConnection(self.where.hostname or "", self.where.port, context=self.context)
        link.request("GET", PATHS[kind] + "?watch=1&resourceVersion=0&timeoutSeconds=3600")
        reply = link.getresponse()
        if reply.status != 200:
            raise OSError(f"HTTP {reply.status}")
        with self.lock:
            self.objects[kind].clear()
        for line in reply:
            event = json.loads(line)
            if event["type"] == "ERROR":
                raise OSError(str(event["object"]))
            uid = event["object"]["metadata"]["uid"]
            with self.lock:
                if event["type"] == "DELETED":
                    self.objects[kind].pop(uid, None)
                else:
                    self.objects[kind][uid] = event["object"]
            self.changed.set()


def selects(selector: Object, labels: dict[str, str]) -> bool:
    """Whether a metav1.LabelSelector selects these labels; the empty selector selects everything."""
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    for term in selector.get("matchExpressions") or ():
        key, values = term["key"], term.get("values") or ()
        holds = {
            "In": key in labels and labels[key] in values,
            "NotIn": key not in labels or labels[key] not in values,
            "Exists": key in labels,
            "DoesNotExist": key not in labels,
        }[term["operator"]]
        if not holds:
            return False
    return True


def addresses(pod: Object) -> list[str]:
    found = [entry["ip"] for entry in pod.get("status", {}).get("podIPs") or ()]
    return [ip for ip in found if ipaddress.ip_address(ip).version == 4]


class Rules:
    """Renders the mirror as iptables-restore input."""

    def __init__(self, objects: dict[str, list[Object]], target: str) -> None:
        live = [p for p in objects["pods"] if p.get("status", {}).get("phase") in ("Pending", "Running")]
        self.pods = [p for p in live if addresses(p) and not p["spec"].get("hostNetwork")]
        self.namespaces = {n["metadata"]["name"]: n["metadata"].get("labels") or {} for n in objects["namespaces"]}
        self.policies, self.target = objects["policies"], target

    def render(self, stale: set[str]) -> tuple[str, set[str]]:
        chains: dict[str, list[str]] = {}
        hooks: dict[str, list[str]] = {name: ["-m conntrack --ctstate ESTABLISHED,RELATED -j RETURN"] for name in HOOKS}
        for pod in self.pods:
            for direction, flag in (("egress", "-s"), ("ingress", "-d")):
                policies = [p for p in self.policies if self.applies(p, pod, direction)]
                if not policies:
                    continue
                mark = hashlib.sha256(pod["metadata"]["uid"].encode()).hexdigest()[:16]
                name = f"IRKIT-{direction[0].upper()}{mark}"
                chains[name] = [match + " -j RETURN" for p in policies for match in self.matches(p, pod, direction)]
                if self.target == "REJECT":  # ICMP is rate-limited by the kernel: most callers would wait in vain
                    chains[name].append("-p tcp -j REJECT --reject-with tcp-reset")
                chains[name].append(f"-j {self.target}")
                for hook, (_, kinds) in HOOKS.items():
                    if kinds in ("both", direction):
                        hooks[hook] += [f"{flag} {ip} -j {name}" for ip in addresses(pod)]
        lines = ["*filter"] + [f":{name} - [0:0]" for name in [*hooks, *chains, *sorted(stale - set(chains))]]
        lines += [f"-A {name} {rule}".rstrip() for name, rules in {**hooks, **chains}.items() for rule in rules]
        lines += [f"-X {name}" for name in sorted(stale - set(chains))]
        return "\n".join([*lines, "COMMIT", ""]), set(chains)

    def applies(self, policy: Object, pod: Object, direction: str) -> bool:
        return (
            policy["metadata"]["namespace"] == pod["metadata"]["namespace"]
            and direction.capitalize() in (policy["spec"].get("policyTypes") or ["Ingress"])
            and selects(policy["spec"].get("podSelector") or {}, pod["metadata"].get("labels") or {})
        )

    def matches(self, policy: Object, pod: Object, direction: str) -> Iterator[str]:
        side, flag = ("from", "-s") if direction == "ingress" else ("to", "-d")
        for rule in policy["spec"].get(direction) or ():
            peers = rule.get(side)
            for peer in peers or [None]:
                for net, excluded, holder in self.peer(peer, policy["metadata"]["namespace"]):
                    for port in self.ports(rule.get("ports"), pod if direction == "ingress" else holder):
                        for hole in self.carve(net, excluded):
                            yield f"{flag} {hole} {port}"

    def peer(self, peer: Object | None, namespace: str) -> Iterator[tuple[str, list[str], Object | None]]:
        """Networks that a peer stands for, each with what is cut out of it and, where it is one, its pod."""
        if not peer:
            yield "0.0.0.0/0", [], None
        elif "ipBlock" in peer:
            if ipaddress.ip_network(peer["ipBlock"]["cidr"], strict=False).version == 4:
                yield peer["ipBlock"]["cidr"], peer["ipBlock"].get("except") or [], None
        else:
            spaces = peer.get("namespaceSelector")
            for pod in self.pods:
                home = pod["metadata"]["namespace"]
                here = home == namespace if spaces is None else selects(spaces, self.namespaces.get(home, {}))
                if here and selects(peer.get("podSelector") or {}, pod["metadata"].get("labels") or {}):
                    for ip in addresses(pod):
                        yield ip + "/32", [], pod

    @staticmethod
    def carve(net: str, excluded: list[str]) -> Iterator[str]:
        parts = [ipaddress.IPv4Network(net, strict=False)]
        for hole in (ipaddress.IPv4Network(cidr, strict=False) for cidr in excluded):
            kept: list[ipaddress.IPv4Network] = []
            for part in parts:
                if hole.supernet_of(part):
                    continue
                kept += list(part.address_exclude(hole)) if part.supernet_of(hole) else [part]
            parts = kept
        yield from map(str, parts)

    def ports(self, ports: list[Object] | None, holder: Object | None) -> Iterator[str]:
        """iptables matches of a rule's ports; a named port is looked up in the pod that receives the traffic."""
        if not ports:
            yield ""
        for port in ports or ():
            protocol, number = port.get("protocol", "TCP"), port.get("port")
            if number is None:
                yield f"-p {protocol.lower()}"
            elif isinstance(number, int):
                yield f"-p {protocol.lower()} --dport {number}:{port.get('endPort', number)}"
            else:
                for named in self.named(number, protocol, [holder] if holder else self.pods):
                    yield f"-p {protocol.lower()} --dport {named}"

    @staticmethod
    def named(name: str, protocol: str, pods: list[Object]) -> set[int]:
        specs = [pod["spec"] for pod in pods]
        containers = [c for spec in specs for c in [*spec["containers"], *(spec.get("initContainers") or ())]]
        ports = [port for container in containers for port in container.get("ports") or ()]
        return {p["containerPort"] for p in ports if p.get("name") == name and p.get("protocol", "TCP") == protocol}


def hook_up() -> None:
    for chain, (parent, _) in HOOKS.items():
        subprocess.run(["iptables", "-w", "-N", chain], check=False, capture_output=True)
        if subprocess.run(["iptables", "-w", "-C", parent, "-j", chain], check=False, capture_output=True).returncode:
            subprocess.run(["iptables", "-w", "-I", parent, "1", "-j", chain], check=True)


def main(server: str, ca: str, cert: str, key: str, target: str = "REJECT") -> None:
    context = ssl.create_default_context(cafile=ca)
    context.load_cert_chain(cert, key)
    mirror, chains = Mirror(server, context), set[str]()
    for kind in PATHS:
        threading.Thread(target=mirror.follow, args=(kind,), daemon=True).start()
    while True:
        mirror.changed.wait()
        time.sleep(0.05)
        mirror.changed.clear()
        with mirror.lock:
            objects = {kind: list(found.values()) for kind, found in mirror.objects.items()}
        hook_up()
        text, chains = Rules(objects, target).render(chains)
        command = ["iptables-restore", "-w", "--noflush"]
        done = subprocess.run(command, check=False, input=text, text=True, capture_output=True)
        print(f"{time.strftime('%T')} {len(chains)} chains, rc {done.returncode} {done.stderr}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
