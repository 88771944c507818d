"""Selectors and policies as manifests write them."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest

from irkit.cluster.protocol import Json
from irkit.contain.policy import words
from irkit.contain.policy.nouns import Port
from irkit.contain.policy.read import policy
from irkit.contain.policy.selector import selector
from irkit.contain.verdict import judged, residuals, weakest
from irkit.model.isolation import Direction, Residual, Verdict

INGRESS, EGRESS = Direction.INGRESS, Direction.EGRESS


NOT_X_OR_Y = {"matchExpressions": [{"key": "env", "operator": "NotIn", "values": ["x", "y"]}]}


def manifest(**spec: Any) -> Json:  # noqa: ANN401
    return {"metadata": {"name": "p", "namespace": "ns"}, "spec": {"podSelector": {}, **spec}}


@pytest.mark.parametrize(
    ("operator", "values", "absent", "other", "same"),
    [
        ("In", ["db", "web"], False, False, True),
        ("NotIn", ["db", "web"], True, True, False),
        ("Exists", [], False, True, True),
        ("DoesNotExist", [], True, False, False),
    ],
)
def test_operators(operator: str, values: list[str], absent: bool, other: bool, same: bool) -> None:
    found = selector({"matchExpressions": [{"key": "app", "operator": operator, "values": values}]})
    assert [found.matches(labels) for labels in ({}, {"app": "x"}, {"app": "web"})] == [absent, other, same]


def test_every_requirement_has_to_hold() -> None:
    both = selector({"matchLabels": {"a": "1"}, "matchExpressions": [{"key": "b", "operator": "Exists"}]})
    assert both.matches({"a": "1", "b": ""})
    assert not both.matches({"a": "1"})
    assert not both.matches({"b": ""})
    assert selector({}).matches({})
    assert selector({"matchLabels": None, "matchExpressions": None}).matches({"a": "1"})


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {"matchlabels": {}},
        {"matchLabels": []},
        {"matchLabels": {"a": 1}},
        {"matchLabels": {1: "a"}},
        {"matchExpressions": {}},
        {"matchExpressions": ["a"]},
        {"matchExpressions": [{"key": "a", "operator": "Near", "values": ["b"]}]},
        {"matchExpressions": [{"key": "a", "operator": ["In"], "values": ["b"]}]},
        {"matchExpressions": [{"key": "a", "operator": "In"}]},
        {"matchExpressions": [{"key": "a", "operator": "In", "values": "b"}]},
        {"matchExpressions": [{"key": "a", "operator": "In", "values": [1]}]},
        {"matchExpressions": [{"key": "a", "operator": "Exists", "values": ["b"]}]},
    ],
)
def test_what_is_no_selector(data: object) -> None:
    with pytest.raises(ValueError, match=r"not a|not texts|with \d values"):
        selector(data)


@pytest.mark.parametrize(
    ("spec", "types"),
    [
        ({}, {INGRESS}),
        ({"policyTypes": None, "ingress": [{}]}, {INGRESS}),
        ({"egress": []}, {INGRESS}),
        ({"egress": [{}]}, {INGRESS, EGRESS}),
        ({"policyTypes": [], "egress": [{}]}, {INGRESS, EGRESS}),
        ({"policyTypes": ["Egress"], "ingress": [{}]}, {EGRESS}),
        ({"policyTypes": ["Ingress"], "egress": [{}]}, {INGRESS}),
        ({"policyTypes": ["Egress", "Ingress"]}, {INGRESS, EGRESS}),
    ],
)
def test_which_directions_a_policy_governs(spec: Json, types: set[Direction]) -> None:
    assert policy(manifest(**spec)).rules.keys() == types


def test_no_rule_admits_nothing_and_an_empty_rule_everything() -> None:
    assert policy(manifest(ingress=None)).rules[INGRESS] == ()
    assert policy(manifest(ingress=[])).rules[INGRESS] == ()
    empties: list[Json | None] = [{}, None, {"from": [], "ports": []}, {"from": None, "ports": None}]
    for empty in empties:
        (rule,) = policy(manifest(ingress=[empty])).rules[INGRESS]
        assert (rule.peers, rule.ports) == ((), ())


def test_a_missing_pod_selector_selects_every_pod() -> None:
    found = policy({"metadata": {"name": "p"}, "spec": {}})
    assert found.pods.matches({})
    assert (found.namespace, found.name) == ("", "p")


def test_ports() -> None:
    listed = [{}, {"port": 80}, {"protocol": "UDP", "port": 53}, {"port": 1, "endPort": 9}, {"port": "web"}]
    (rule,) = policy(manifest(ingress=[{"ports": listed}])).rules[INGRESS]
    every, eighty, dns, few = Port(), Port("TCP", 80, 80), Port("UDP", 53, 53), Port("TCP", 1, 9)
    assert rule.ports == (every, eighty, dns, few, Port("TCP", named="web"))


def test_a_block_may_have_host_bits_and_holes() -> None:
    block = {"cidr": "10.1.2.3/8", "except": ["10.1.0.0/16"]}
    (rule,) = policy(manifest(egress=[{"to": [{"ipBlock": block}]}])).rules[EGRESS]
    found = rule.peers[0].block
    assert found is not None
    assert (found.network, found.excepted) == (ip_network("10.0.0.0/8"), (ip_network("10.1.0.0/16"),))


@pytest.mark.parametrize(
    "spec",
    [
        "text",
        {"policyTypes": ["Sideways"]},
        {"policyTypes": [{}]},
        {"policyTypes": "Ingress"},
        {"podSelector": {"app": "web"}},
        {"ingress": {}},
        {"ingress": ["all"]},
        {"ingress": [{"from": [{}]}]},
        {"ingress": [{"from": ["all"]}]},
        {"ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}, "podSelector": {}}]}]},
        {"ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.0"}}]}]},
        {"ingress": [{"from": [{"ipBlock": {"cidr": "ten/8"}}]}]},
        {"ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.0.0.0/8"]}}]}]},
        {"ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["11.0.0.0/16"]}}]}]},
        {"ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["2001:db8::/32"]}}]}]},
        {"ingress": [{"ports": [{"protocol": "ICMP"}]}]},
        {"ingress": [{"ports": [{"port": 0}]}]},
        {"ingress": [{"ports": [{"port": 65536}]}]},
        {"ingress": [{"ports": [{"port": True}]}]},
        {"ingress": [{"ports": [{"port": "80"}]}]},
        {"ingress": [{"ports": [{"port": "web", "endPort": 90}]}]},
        {"ingress": [{"ports": [{"endPort": 90}]}]},
        {"ingress": [{"ports": [{"port": 90, "endPort": 80}]}]},
    ],
)
def test_what_no_api_server_accepts(spec: Any) -> None:  # noqa: ANN401
    broken = {"metadata": {"name": "p"}, "spec": spec}
    with pytest.raises(ValueError, match=r"not|unknown|names nobody|with ipBlock|ports \d+ to \d+"):
        policy(broken)


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ([], "nothing"),
        ([{}], "from anywhere on any port"),
        ([{"ports": [{}, {"port": 80}, {"protocol": "UDP", "port": 53, "endPort": 54}]}],
         "from anywhere on any TCP port, TCP 80, UDP 53-54"),
        ([{"from": [{"podSelector": {}}], "ports": [{"port": "web"}]}],
         "from every pod of this namespace on TCP web"),
        ([{"from": [{"namespaceSelector": {}}, {"podSelector": {"matchLabels": {"a": "b"}},
                     "namespaceSelector": NOT_X_OR_Y}]}],
         "from every pod of every namespace or pods with a=b of namespaces with env not in (x, y) on any port"),
        ([{"from": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16", "10.2.0.0/16"]}}]}, {}, {}, {}, {}],
         "from 10.0.0.0/8 except 10.1.0.0/16, 10.2.0.0/16 on any port; from anywhere on any port; "
         "from anywhere on any port and 2 more"),
    ],
)  # fmt: skip
def test_what_a_policy_admits_in_words(rules: list[Json], said: str) -> None:
    assert words.admits(policy(manifest(ingress=rules)), INGRESS) == said


def test_a_policy_that_cannot_be_understood_counts_as_open() -> None:
    ours = manifest(policyTypes=["Ingress", "Egress"])
    strange = {"metadata": {"name": "strange", "namespace": "ns"}, "spec": {"policyTypes": ["Sideways"]}}
    left = residuals({}, [ours, strange], "p")
    assert {(residual.policy, residual.direction) for residual in left} == {("strange", INGRESS), ("strange", EGRESS)}
    assert all("cannot be understood" in residual.why for residual in left)
    assert set(weakest(judged(left)).values()) == {Verdict.INEFFECTIVE}


def test_nothing_that_selects_the_pod_leaves_it_open() -> None:
    left = residuals({}, [manifest(policyTypes=["Ingress"])], "ours")
    why = "it does not select the pod: the policy or the pod's label is gone"
    assert left == (Residual("ours", EGRESS, why),)
    assert weakest(judged(left)) == {INGRESS: Verdict.UNVERIFIED, EGRESS: Verdict.INEFFECTIVE}
