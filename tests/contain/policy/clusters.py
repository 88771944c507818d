"""Random small clusters, as raw manifests: few keys and values, so that selectors often meet."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from irkit.cluster.protocol import Json
from irkit.contain.world.objects import NAME_LABEL
from tests.contain.policy.brute import Cluster

KEYS, VALUES = ("app", "tier", "env"), ("a", "b", "c")
OUTSIDE = ("10.1.0.5", "10.2.0.5", "192.0.2.1", "8.8.8.8", "2001:db8::1", "2001:db8:1::1")
BLOCKS = (
    ("10.0.0.0/8", ("10.1.0.0/16", "10.2.0.0/15")),
    ("10.1.0.0/24", ("10.1.0.5/32",)),
    ("0.0.0.0/0", ("10.0.0.0/8", "192.0.2.0/24")),
    ("2001:db8::/32", ("2001:db8:1::/48",)),
    ("::/0", ()),
)
PROTOCOLS, NUMBERS, NAMES = ("TCP", "UDP", "SCTP"), (1, 53, 80, 81, 443, 8080, 65535), ("web", "dns")

labels = st.dictionaries(st.sampled_from(KEYS), st.sampled_from(VALUES), max_size=3)
protocols = st.sampled_from(PROTOCOLS)


def few(strategy: st.SearchStrategy[Any], most: int = 2) -> st.SearchStrategy[list[Any]]:
    return st.lists(strategy, max_size=most)


def with_values(operator: str) -> st.SearchStrategy[Json]:
    values = st.lists(st.sampled_from(VALUES), min_size=1, max_size=2)
    return st.fixed_dictionaries({"key": st.sampled_from(KEYS), "operator": st.just(operator), "values": values})


def bare(operator: str) -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries({"key": st.sampled_from(KEYS), "operator": st.just(operator)})


terms = st.one_of(with_values("In"), with_values("NotIn"), bare("Exists"), bare("DoesNotExist"))
selectors = st.fixed_dictionaries(
    {}, optional={"matchLabels": st.dictionaries(st.sampled_from(KEYS), st.sampled_from(VALUES), max_size=1),
                  "matchExpressions": few(terms)}
)  # fmt: skip
spaces = st.one_of(selectors, st.sampled_from(["one", "two"]).map(lambda name: {"matchLabels": {NAME_LABEL: name}}))


@st.composite
def block(draw: st.DrawFn) -> Json:
    cidr, holes = draw(st.sampled_from(BLOCKS))
    chosen = draw(st.lists(st.sampled_from(holes), unique=True)) if holes else []
    return {"ipBlock": {"cidr": cidr, **({"except": chosen} if chosen else {})}}


peers = st.one_of(
    block(),
    st.fixed_dictionaries({"podSelector": selectors}),
    st.fixed_dictionaries({"namespaceSelector": spaces}),
    st.fixed_dictionaries({"podSelector": selectors, "namespaceSelector": spaces}),
)


@st.composite
def port(draw: st.DrawFn) -> Json:
    found: Json = draw(st.fixed_dictionaries({}, optional={"protocol": protocols}))
    kind = draw(st.sampled_from(["all", "one", "range", "name"]))
    if kind == "name":
        return {**found, "port": draw(st.sampled_from(NAMES))}
    if kind == "range":
        first, last = sorted(draw(st.tuples(st.sampled_from(NUMBERS), st.sampled_from(NUMBERS))))
        return {**found, "port": first, "endPort": last}
    return found if kind == "all" else {**found, "port": draw(st.sampled_from(NUMBERS))}


def rule(side: str) -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries({}, optional={side: few(peers), "ports": few(port())})


@st.composite
def policy(draw: st.DrawFn, name: str) -> Json:
    spec = draw(
        st.fixed_dictionaries(
            {"podSelector": selectors},
            optional={
                "policyTypes": st.sampled_from([[], ["Ingress"], ["Egress"], ["Ingress", "Egress"]]),
                "ingress": few(rule("from")),
                "egress": few(rule("to")),
            },
        )
    )
    metadata = {"name": name, "namespace": draw(st.sampled_from(["one", "two"]))}
    return {"kind": "NetworkPolicy", "metadata": metadata, "spec": spec}


# Of each one an address outside the cluster, too, belongs to a node.
NODES = tuple(
    {
        "kind": "Node",
        "metadata": {"name": f"node-{value}", "labels": {"tier": value}},
        "status": {"addresses": [{"type": "Hostname", "address": "node"}, {"type": "InternalIP", "address": address}]},
    }
    for value, address in zip(VALUES, OUTSIDE, strict=False)
)
both = st.fixed_dictionaries({"namespaceSelector": spaces, "podSelector": selectors})
inner = st.one_of(st.fixed_dictionaries({"namespaces": spaces}), st.fixed_dictionaries({"pods": both}))
CIDRS = ("0.0.0.0/0", "::/0", "10.1.0.0/16", "10.2.0.5/32", "2001:db8:1::/48", "8.8.8.0/24")
cidrs = st.lists(st.sampled_from(CIDRS), min_size=1, max_size=2, unique=True)
outer = st.one_of(
    inner,
    st.fixed_dictionaries({"networks": cidrs}),
    st.fixed_dictionaries({"nodes": selectors}),
    st.just({"domainNames": ["example.org"]}),
)


@st.composite
def tier_port(draw: st.DrawFn, *, v2: bool, named: bool) -> Json:
    kind, protocol = draw(st.sampled_from(["one", "range", *(["name"] if named else [])])), draw(protocols)
    first, last = sorted(draw(st.lists(st.sampled_from(NUMBERS), min_size=2, max_size=2, unique=True)))
    if kind == "name":
        return {"destinationNamedPort" if v2 else "namedPort": draw(st.sampled_from(NAMES))}
    if v2:
        port: Json = {"number": first} if kind == "one" else {"range": {"start": first, "end": last}}
        return {protocol.lower(): draw(st.sampled_from([{}, {"destinationPort": port}]))}
    if kind == "one":
        return {"portNumber": {"protocol": protocol, "port": first}}
    return {"portRange": {"protocol": protocol, "start": first, "end": last}}


@st.composite
def tier_rule(draw: st.DrawFn, side: str, *, v2: bool, actions: tuple[str, ...]) -> Json:
    peers = draw(st.lists(inner if side == "from" else outer, min_size=1, max_size=2))
    named = all("namespaces" in peer or "pods" in peer for peer in peers)
    ports = draw(few(tier_port(v2=v2, named=named)))
    rule: Json = {"action": draw(st.sampled_from(actions)), side: peers}
    return {**rule, "protocols" if v2 else "ports": ports} if ports else rule


@st.composite
def tier_policy(draw: st.DrawFn, name: str, priority: int) -> Json:
    kind = draw(st.sampled_from(["AdminNetworkPolicy", "BaselineAdminNetworkPolicy", "ClusterNetworkPolicy"]))
    v2 = kind == "ClusterNetworkPolicy"
    actions = ("Accept" if v2 else "Allow", "Deny", *([] if kind.startswith("Baseline") else ["Pass"]))
    spec = {
        "subject": draw(inner),
        "ingress": draw(few(tier_rule("from", v2=v2, actions=actions))),
        "egress": draw(few(tier_rule("to", v2=v2, actions=actions))),
        **({} if kind.startswith("Baseline") else {"priority": priority + 1}),
        **({"tier": draw(st.sampled_from(["Admin", "Baseline"]))} if v2 else {}),
    }
    return {"kind": kind, "metadata": {"name": "default" if "priority" not in spec else name}, "spec": spec}


named_ports = st.fixed_dictionaries(
    {"name": st.sampled_from(NAMES), "protocol": protocols, "containerPort": st.sampled_from(NUMBERS)}
)


@st.composite
def pod(draw: st.DrawFn, number: int) -> Json:
    addresses = [f"10.{draw(st.integers(1, 3))}.0.{number + 10}"]
    if draw(st.booleans()):
        addresses.append(f"2001:db8:{draw(st.integers(0, 1))}::{number + 10:x}")
    return {
        "kind": "Pod",
        "metadata": {
            "name": f"pod-{number}",
            "namespace": draw(st.sampled_from(["one", "two"])),
            "labels": draw(labels),
        },
        "spec": {"containers": [{"ports": draw(few(named_ports))}, {"ports": draw(few(named_ports, 1))}]},
        "status": {"podIPs": [{"ip": address} for address in addresses], "phase": "Running"},
    }


@st.composite
def cluster(draw: st.DrawFn) -> Cluster:
    """A cluster of two namespaces, two to four pods, up to four policies, and as many in the tiers around them."""
    spaces_ = {
        name: {"kind": "Namespace", "metadata": {"name": name, "labels": {**draw(labels), NAME_LABEL: name}}}
        for name in ("one", "two")
    }
    pods = [draw(pod(number)) for number in range(draw(st.integers(2, 4)))]
    policies = [draw(policy(f"policy-{number}")) for number in range(draw(st.integers(0, 4)))]
    order = draw(st.permutations(range(4)))
    tiers = [draw(tier_policy(f"tier-{number}", number)) for number in order[: draw(st.integers(0, 4))]]
    return Cluster(spaces_, {pod["metadata"]["name"]: pod for pod in pods}, policies, tiers, list(NODES))
