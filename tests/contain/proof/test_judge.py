"""What follows from what probes say: never `proven` without a control, never `ineffective` without a packet."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from irkit.cluster.protocol import Json
from irkit.contain.proof import flows, script
from irkit.contain.proof.judge import STEADY, Sides, findings, settled
from irkit.contain.proof.nouns import PORTS, Proving, Target, ingress
from irkit.contain.proof.prove import applied
from irkit.errors import UsageError
from irkit.model.isolation import Direction, Family, Isolation, Proof, Residual, Verdict

WEB, CONTROL, NOTHING = "ingress/IPv4/80", "control/IPv4/8080", "nothing/IPv4/8081"
OPEN = {WEB: True, CONTROL: True, NOTHING: False}
SHUT = {WEB: False, CONTROL: True, NOTHING: False}
DEAD = {WEB: False, CONTROL: False, NOTHING: False}
MESH = {WEB: True, CONTROL: True, NOTHING: True}


def verdict(before: list[dict[str, bool]], after: list[dict[str, bool]]) -> Verdict:
    (found,) = findings(Sides(before, after, after), [WEB])
    return found.verdict


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([OPEN], [SHUT] * 3, Verdict.PROVEN),
        ([DEAD, OPEN], [OPEN, SHUT, SHUT, SHUT], Verdict.PROVEN),
        ([OPEN], [SHUT] * 2, Verdict.UNVERIFIED),
        ([OPEN], [SHUT, OPEN, SHUT, SHUT], Verdict.UNVERIFIED),
        ([OPEN], [DEAD] * 3, Verdict.UNVERIFIED),
        ([OPEN], [], Verdict.UNVERIFIED),
        ([], [SHUT] * 3, Verdict.UNVERIFIED),
        ([SHUT], [SHUT] * 3, Verdict.UNVERIFIED),
        ([OPEN], [OPEN] * 3, Verdict.INEFFECTIVE),
        ([SHUT], [SHUT, SHUT, OPEN], Verdict.INEFFECTIVE),
        ([OPEN, MESH], [SHUT] * 3, Verdict.UNVERIFIED),
        ([MESH], [MESH] * 3, Verdict.UNVERIFIED),
    ],
)
def test_a_verdict_needs_all_three(
    before: list[dict[str, bool]], after: list[dict[str, bool]], expected: Verdict
) -> None:
    assert verdict(before, after) is expected


ROUNDS = st.lists(st.fixed_dictionaries({name: st.booleans() for name in (WEB, CONTROL, NOTHING)}), max_size=6)


@given(ROUNDS, ROUNDS)
@settings(max_examples=300)
def test_nothing_is_said_that_was_not_heard(before: list[dict[str, bool]], after: list[dict[str, bool]]) -> None:
    found = verdict(before, after)
    lies = any(each[NOTHING] for each in (*before, *after))
    last = after[-STEADY:]
    if found is Verdict.PROVEN:
        assert any(each[WEB] for each in before)
        assert len(last) == STEADY
        assert not any(each[WEB] for each in last)
        assert all(each[CONTROL] for each in last)
        assert not lies
    if found is Verdict.INEFFECTIVE:
        assert after[-1][WEB]
        assert not lies
    assert settled(Sides(before, after, after), [WEB]) is (
        len(last) == STEADY and all(each == {**SHUT, NOTHING: each[NOTHING]} for each in last)
    )


def test_each_family_and_direction_stands_for_itself() -> None:
    names = [WEB, "ingress/IPv6/80", "ingress/IPv4/81", "egress/IPv4/8080"]
    before = [dict.fromkeys(names, True)]
    after = [{**dict.fromkeys(names, False), "ingress/IPv6/80": True, CONTROL: True, "control/IPv6/8080": True}] * 3
    found = {(one.direction, one.family): one.verdict for one in findings(Sides(before, after, after), names)}
    assert found == {
        (Direction.INGRESS, Family.IPV4): Verdict.PROVEN,
        (Direction.INGRESS, Family.IPV6): Verdict.INEFFECTIVE,
        (Direction.EGRESS, Family.IPV4): Verdict.PROVEN,
    }


def test_what_a_policy_admits_stays_open_whatever_one_probe_could_not_reach() -> None:
    by = {Family.IPV4: Verdict.INEFFECTIVE, Family.IPV6: Verdict.UNVERIFIED}
    left = Residual("other", Direction.INGRESS, "it admits 10.0.0.0/8", (Family.IPV4,))
    done = Isolation("ns", "web", "u", "v1", residual=(left,), families={Direction.INGRESS: by, Direction.EGRESS: by})
    told = applied(done, findings(Sides([OPEN], [SHUT] * 3, [SHUT] * 3), [WEB]))
    assert told.families == done.families
    assert told.residual == (left,)
    assert told.verdict == dict.fromkeys(Direction, Verdict.INEFFECTIVE)


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ([SHUT] * 3, Verdict.PROVEN),
        ([OPEN] * 3, Verdict.INEFFECTIVE),
        ([DEAD] * 3, Verdict.CLAIMED),
    ],
)
def test_packets_say_more_than_an_engine_of_itself(after: list[dict[str, bool]], expected: Verdict) -> None:
    by = dict.fromkeys(Direction, {Family.IPV4: Verdict.CLAIMED})
    told = applied(Isolation("ns", "web", "u", "v1", families=by), findings(Sides([OPEN], after, after), [WEB]))
    assert told.verdict == {Direction.INGRESS: expected, Direction.EGRESS: Verdict.CLAIMED}


def test_the_probe_speaks_only_what_it_was_given() -> None:
    program = script.caller([Target(WEB, ip_address("10.1.2.3"), 80), Target(NOTHING, ip_address("fd00::1"), 8081)])
    assert "try ingress/IPv4/80 10.1.2.3 80 &" in program
    assert "try nothing/IPv4/8081 fd00::1 8081 &" in program
    heard = script.Heard()
    for line in (b"irkit 1 ingress/IPv4/80 open\n", b"irkit 2 x shut", b"garbage \xff", b"irkit 1 end", b"irkit 3 end"):
        heard.hear(line)
    assert heard.whole == [{WEB: True}, {}]
    assert not heard.useless
    heard.hear(b"irkit no-nc\n")
    assert heard.useless


def test_the_ports_that_a_pod_declares_are_called() -> None:
    ports: list[Json] = [{"containerPort": 80}, {"containerPort": 53, "protocol": "UDP"}, {"containerPort": "x"}]
    ports += [{"containerPort": 8000 + number} for number in range(10)]
    pod: Json = {"spec": {"containers": [{"ports": ports}]}, "status": {"podIPs": [{"ip": "10.0.0.1"}, {"ip": "nil"}]}}
    assert [one.port for one in ingress(pod, ())] == [80, 8000, 8001, 8002, 8003, 8004]
    assert len(ingress(pod, ())) == PORTS
    assert [(one.name, one.port) for one in ingress(pod, (9,))] == [("ingress/IPv4/9", 9)]
    assert ingress({"status": {}}, (9,)) == ()


@pytest.mark.parametrize(("image", "ports"), [("", ()), ("a b", ()), ("busybox", (0,)), ("busybox", (65536,))])
def test_what_cannot_be_proved_with_is_refused(image: str, ports: tuple[int, ...]) -> None:
    with pytest.raises(UsageError):
        Proving(image, ports)


TABLE = b"""\
   0: 0100007F:1F90 0100007F:8000 01 00000000:00000000 00:00000000 00000000     0        0 1
   1: 0201F40A:0050 0901F40A:C350 01 00000000:00000000 00:00000000 00000000     0        0 2
   2: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 3
   3: 0000000000000000FFFF00000201F40A:0050 0000000000000000FFFF00000A01F40A:C351 01 00000000:00000000 0
"""
FLOWS = "10.244.1.2:80 -> 10.244.1.10:50001, 10.244.1.2:80 -> 10.244.1.9:50000"


@pytest.mark.parametrize(
    ("log", "told"),
    [
        (b"irkit before\n" + TABLE + b"irkit said \nirkit after\nirkit end\n", "2 open, all cut"),
        (
            b"irkit before\n" + TABLE + b"irkit no-ss\nirkit after\n" + TABLE,
            "2 open, none cut: the image has no ss (iproute2)",
        ),
        (b"irkit before\n" + TABLE + b"irkit said no\nirkit after\n" + TABLE, "2 open, 2 of them not cut: no"),
        (b"irkit before\nirkit said \nirkit after\n", "none was open"),
        (b"", "not cut: the container said nothing of use"),
    ],
)
def test_open_connections_are_written_down_and_what_became_of_them(log: bytes, told: str) -> None:
    found = flows.told(log)
    assert found.result == told
    assert found.detail in (FLOWS, "")
    assert found == Proof("flows", told, found.detail)
