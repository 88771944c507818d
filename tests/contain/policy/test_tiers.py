"""The tiers around NetworkPolicy: their order, their spellings, and what they do to a verdict."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from irkit.cluster.protocol import Json
from irkit.contain.policy.tiers import tiered
from irkit.contain.reach.connections import reach
from irkit.contain.verdict import Tiers, residuals
from irkit.contain.world import manifests
from irkit.contain.world.objects import world
from irkit.model.isolation import Direction
from tests.contain.reach.test_connections import write
from tests.corpus import ROOT, absent

EVERY: Json = {"namespaces": {}}
ANYWHERE: Json = {"networks": ["0.0.0.0/0", "::/0"]}
CORPUS = ROOT / "netpol/kubernetes-sigs__network-policy-api"
QUARANTINE: Json = {
    "metadata": {"name": "ours", "namespace": "shop"},
    "spec": {"podSelector": {"matchLabels": {"q": "1"}}, "policyTypes": ["Ingress", "Egress"]},
}


def cnp(priority: int, tier: str = "Admin", name: str = "", **rules: Any) -> Json:  # noqa: ANN401
    spec = {"tier": tier, "priority": priority, "subject": EVERY, **rules}
    return {"kind": "ClusterNetworkPolicy", "metadata": {"name": name or f"{tier}-{priority}"}, "spec": spec}


def rule(action: str, **fields: Any) -> Json:  # noqa: ANN401
    return {"action": action, **fields}


def pod(name: str, labels: dict[str, str] | None = None) -> Json:
    return {"kind": "Pod", "metadata": {"name": name, "namespace": "shop", "labels": labels or {}}, "spec": {}}


def ports(*policies: Json, target: str = "shop/b[Pod]") -> Any:  # noqa: ANN401
    """On which ports a talks to b, or to an address outside."""
    made = world([pod("a"), pod("b", {"app": "b"}), *policies], live=False)
    found = {(one["src"], one["dst"]): one["ports"] for one in reach(made)}
    return found.get(("shop/a[Pod]", target), [])


V1_DENY: Json = {
    "kind": "NetworkPolicy",
    "metadata": {"name": "deny", "namespace": "shop"},
    "spec": {"podSelector": {"matchLabels": {"app": "b"}}, "policyTypes": ["Ingress"]},
}


def tcp(first: int, last: int | None = None) -> Json:
    return {"protocol": "TCP", "port": first, "endPort": last or first}


def v2(port: int) -> list[Json]:
    return [{"tcp": {"destinationPort": {"number": port}}}]


def test_the_admin_tier_is_asked_before_network_policies() -> None:
    allow = cnp(1, ingress=[rule("Accept", **{"from": [EVERY]}, protocols=v2(80))])
    assert ports(V1_DENY) == []
    assert ports(V1_DENY, allow) == [tcp(80)]
    assert ports(V1_DENY, allow, cnp(0, ingress=[rule("Deny", **{"from": [EVERY]})])) == []
    assert ports(V1_DENY, allow, cnp(0, ingress=[rule("Pass", **{"from": [EVERY]})])) == []
    assert ports(V1_DENY, allow, cnp(2, ingress=[rule("Deny", **{"from": [EVERY]})])) == [tcp(80)]


def test_the_baseline_tier_is_asked_where_no_network_policy_selects() -> None:
    deny = cnp(1, "Baseline", ingress=[rule("Deny", **{"from": [EVERY]})])
    open_ = {**V1_DENY, "spec": {**V1_DENY["spec"], "ingress": [{}]}}
    assert ports(deny) == []
    assert ports(deny, open_) == "all"
    assert ports(deny, cnp(0, "Baseline", ingress=[rule("Accept", **{"from": [EVERY]}, protocols=v2(443))])) == [
        tcp(443)
    ]


def test_networks_and_nodes_are_addresses_and_names_are_not_known() -> None:
    node = {
        "kind": "Node",
        "metadata": {"name": "n"},
        "status": {"addresses": [{"type": "InternalIP", "address": "10.0.0.9"}]},
    }
    deny = cnp(9, egress=[rule("Deny", to=[ANYWHERE])])
    named = cnp(1, egress=[rule("Accept", to=[{"domainNames": ["example.org"]}])])
    nodes = cnp(2, egress=[rule("Accept", to=[{"nodes": {}}], protocols=v2(443))])
    assert ports(deny, named, nodes, target="10.0.0.9/32") == []
    assert ports(deny, named, nodes, node, target="10.0.0.9/32") == [tcp(443)]
    assert ports(cnp(1, egress=[rule("Deny", to=[{"networks": ["10.0.0.0/8"]}])]), target="8.0.0.0/7") == "all"


BACKWARDS: Json = {"range": {"start": 9, "end": 1}}


@pytest.mark.parametrize(
    "change",
    [
        {"priority": 1001},
        {"priority": None},
        {"tier": "Middle"},
        {"subject": {}},
        {"subject": {**EVERY, "pods": {"namespaceSelector": {}, "podSelector": {}}}},
        {"ingress": [rule("Refuse", **{"from": [EVERY]})]},
        {"ingress": [rule("Deny", **{"from": []})]},
        {"ingress": [rule("Deny", **{"from": [{}]})]},
        {"egress": [rule("Deny", to=[{"networks": ["10.0.0.0"]}])]},
        {"egress": [rule("Deny", to=[ANYWHERE], protocols=[{"icmp": {}}])]},
        {"egress": [rule("Deny", to=[ANYWHERE], protocols=[{"tcp": {"destinationPort": BACKWARDS}}])]},
        {"egress": [rule("Deny", to=[ANYWHERE], ports=[{"portRange": {"protocol": "TCP"}}])]},
    ],
)  # fmt: skip
def test_what_no_api_server_accepts(change: Json) -> None:
    given = cnp(1)
    tiered(given)
    with pytest.raises(ValueError, match=r"."):
        tiered({**given, "spec": {**given["spec"], **change}})


def left(
    *tiers: Json, policies: tuple[Json, ...] = (), space: dict[str, str] | None = None
) -> dict[Direction, list[str]]:
    found = residuals({"q": "1", "app": "b"}, [QUARANTINE, *policies], "ours", Tiers(tiers, space or {}))
    return {direction: [one.policy for one in found if one.direction is direction] for direction in Direction}


OPEN: Json = {"metadata": {"name": "open"}, "spec": {"podSelector": {}, "ingress": [{}], "egress": [{}]}}
INSIDE: Json = {
    "metadata": {"name": "inside"},
    "spec": {"podSelector": {}, "ingress": [{"from": [{"podSelector": {}}]}], "policyTypes": ["Ingress"]},
}
DENY: dict[str, Any] = {"ingress": [rule("Deny", **{"from": [EVERY]})], "egress": [rule("Deny", to=[EVERY, ANYWHERE])]}


def test_an_admin_allow_gets_past_the_quarantine() -> None:
    allow = cnp(5, egress=[rule("Accept", to=[ANYWHERE], protocols=v2(53))])
    elsewhere = {**allow, "spec": {**allow["spec"], "subject": {"namespaces": {"matchLabels": {"team": "x"}}}}}
    assert left(allow) == {Direction.INGRESS: [], Direction.EGRESS: ["ClusterNetworkPolicy Admin-5"]}
    assert left(elsewhere)[Direction.EGRESS] == []
    assert left(elsewhere, space={"team": "x"})[Direction.EGRESS] == ["ClusterNetworkPolicy Admin-5"]
    assert left(cnp(5, "Baseline", egress=[rule("Accept", to=[ANYWHERE])]))[Direction.EGRESS] == []


def test_an_admin_deny_closes_what_network_policies_open() -> None:
    assert left(policies=(OPEN,)) == {Direction.INGRESS: ["open"], Direction.EGRESS: ["open"]}
    assert left(cnp(0, **DENY), policies=(OPEN,)) == {Direction.INGRESS: ["open"], Direction.EGRESS: []}, "from outside"
    assert left(cnp(0, **DENY), policies=(INSIDE,)) == {Direction.INGRESS: [], Direction.EGRESS: []}


@pytest.mark.parametrize("priority", [0, 1])
def test_a_deny_counts_only_before_what_it_denies(priority: int) -> None:
    allow = cnp(priority, name="allow", egress=[rule("Accept", to=[{"domainNames": ["example.org"]}])])
    expected = ["ClusterNetworkPolicy allow"] if priority == 0 else []
    assert left(cnp(0, **DENY), allow)[Direction.EGRESS] == expected, "ties are undefined"


def test_what_is_passed_on_first_is_for_network_policies() -> None:
    passing = cnp(1, egress=[rule("Pass", to=[EVERY])])
    assert left(passing, cnp(2, **DENY), policies=(OPEN,))[Direction.EGRESS] == ["open"]
    assert left(cnp(0, **DENY), passing, policies=(OPEN,))[Direction.EGRESS] == []


def test_a_deny_of_a_part_closes_nothing() -> None:
    some = cnp(
        0, egress=[rule("Deny", to=[EVERY, ANYWHERE], protocols=v2(80)), rule("Deny", to=[{"networks": ["0.0.0.0/0"]}])]
    )
    assert left(some, policies=(OPEN,))[Direction.EGRESS] == ["open"]


def test_calicos_policy_of_the_same_kind_is_not_ours_to_read(tmp_path: Path) -> None:
    calico = "{apiVersion: projectcalico.org/v3, kind: NetworkPolicy, metadata: {name: p}, spec: {selector: all()}}"
    made = manifests.load(write(tmp_path / "k", a_yaml=calico, b_yaml="{kind: Pod, metadata: {name: web}}"))
    assert (made.policies, made.tiers) == ((), ())


@pytest.mark.skipif(not CORPUS.is_dir(), reason=absent(CORPUS))
def test_the_examples_of_the_api_itself(tmp_path: Path) -> None:
    """Its demos and user stories have no expected answers in a file: these are what its pages say they do."""
    demo = manifests.load(CORPUS / "cmd/policy-assistant/examples/demos/kubecon-eu-2024/policies")
    assert sorted((one.name, one.baseline, one.priority) for one in demo.tiers)[:2] == [
        ("anp1", False, 1),
        ("anp2", False, 2),
    ]
    spaces = ("demo", "sensitive-ns", "monitoring-ns", "kube-system")
    pods = "".join(
        f"---\n{{kind: Pod, metadata: {{name: {name}, namespace: {space}, labels: {{pod: {name}, app: {app}}}}}}}\n"
        for name, space, app in zip("asmd", spaces, ("a", "s", "m", "kube-dns"), strict=True)
    )
    folder = write(tmp_path / "k", pods_yaml=pods)
    stories = sorted((CORPUS / "site-src/user-story-examples").glob("*.yaml"))
    for number, path in enumerate(stories):
        (folder / f"{number}.yaml").write_text(path.read_text())
    open_ = {(one["src"], one["dst"]) for one in reach(manifests.load(folder))}
    inside = {(a.split("/")[0], b.split("/")[0]) for a, b in open_ if "[" in a and "[" in b}
    expected = {("monitoring-ns", other) for other in spaces if other not in ("monitoring-ns", "sensitive-ns")}
    assert inside == expected, "only monitoring is let in, and the sensitive namespace lets nobody in"
