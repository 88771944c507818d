"""Many pods in one reading: each has what a search for it alone would have found, and memory stays bounded."""

from __future__ import annotations

import random
import time
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from irkit.audit.collect import gather, gather_each
from irkit.audit.search import search, search_all
from irkit.model.audit import Tier
from irkit.model.evidence import Artifact, Gap, GapReason
from irkit.model.pod import Target
from tests.audit.logs import CREDENTIAL, POD_UID, START, Event, event, log

NAMES = ("events.jsonl", "matches.jsonl", "findings.jsonl", "summary.json")
ISSUED = "authentication.kubernetes.io/issued-credential-id"
ACCOUNT = "system:serviceaccount:payments:web"


def pods(number: int) -> list[Target]:
    """Of one Deployment, on three nodes; some share an address, as on the host's network."""
    return [
        Target(
            "payments",
            f"web-6d9f-{index}",
            f"00000000-0000-4000-8000-{index:012}",
            node=f"node-{index % 3}",
            pod_ips=(f"10.1.0.{index % 7}",),
            owner="ReplicaSet/web-6d9f",
            service_account="web",
            created=START,
        )
        for index in range(number)
    ]


def within(target: Target) -> str:
    return f"pods/{target.name}/"


def told(target: Target, dice: random.Random, second: float) -> Iterator[Event]:
    """One event of any way in which an event may concern a pod, or nearly."""
    name, uid, node = target.name, target.uid, target.node
    token = {POD_UID: [uid], CREDENTIAL: [f"JTI=of-{name}"]}
    here: dict[str, Any] = {"seconds": second}
    yield dice.choice(
        [
            event("get", name=name, uid=uid, **here),
            event("get", name=name, **here),
            event("get", name=f"{name}0", **here),
            event("get", name=name, namespace="other", **here),
            event("get", name=name, uid="99999999-0000-4000-8000-000000000000", **here),
            event("list", "secrets", "", user=ACCOUNT, extra=token, **here),
            event("list", "secrets", "", user=ACCOUNT, **here),
            event("list", "secrets", "", user="eve", impersonatedUser={"username": ACCOUNT}, **here),
            event("create", name="", code=201, requestURI="/api/v1/namespaces/payments/pods", seconds=second % 4),
            event("create", name=name, code=201, seconds=second % 9),
            event("create", name=name, code=201, uid="99999999-0000-4000-8000-000000000001", **here),
            event("delete", name=name, user=f"system:node:{node}", **here),
            event("patch", "replicasets", "web-6d9f", **here),
            event("patch", "nodes", node, **here),
            event("patch", "nodes", node, sub="status", user=f"system:node:{node}", **here),
            event("create", "serviceaccounts", "web", sub="token", code=201, user=f"system:node:{node}", **here),
            event("get", "configmaps", "x", sourceIPs=list(target.pod_ips), **here),
            event("get", "nodes", node, sub="proxy", requestURI=f"/x/exec/payments/{name}/app", **here),
            event("patch", "endpoints", "web", requestObject={"targetRef": {"uid": uid}}, **here),
            event("create", "serviceaccounts", "web", sub="token", code=201, user=ACCOUNT, extra=token, **here)
            | {"annotations": {ISSUED: f"JTI=first-{name}"}},
            event("get", "secrets", "db", user="sa", extra={CREDENTIAL: [f"JTI=first-{name}"]}, **here)
            | {"annotations": {ISSUED: f"JTI=second-{name}"}},
            event("get", "secrets", "db", user="sa", extra={CREDENTIAL: [f"JTI=second-{name}"]}, **here),
            event("create", name=name, sub="exec", code=101, user="mallory", **here),
        ]
    )


def logs(folder: Path, targets: list[Target], seed: int) -> list[str]:
    """Two files that overlap, one of them packed, with lines that are none."""
    dice = random.Random(seed)  # noqa: S311 - the same log for the same seed
    many = [one for second in range(400) for one in told(dice.choice(targets), dice, second / 2)]
    paths = [
        log(folder / "audit.log", [*many[:250], b"{torn\n", b"\n"]),
        log(folder / "audit.log.gz", many[200:]),
        folder / "absent.log",
    ]
    return [str(path) for path in paths]


@pytest.mark.parametrize("seed", range(4))
def test_each_pod_has_what_a_search_for_it_alone_finds(tmp_path: Path, seed: int) -> None:
    targets = pods(12)
    sources = logs(tmp_path, targets, seed)
    summary, items = gather_each(sources, targets, within, tmp_path / "all", clock=lambda: START)
    tiers = set()
    for target in targets:
        alone, own = gather(sources, target, tmp_path / target.name, clock=lambda: START)
        tiers |= set(alone.matched)
        for name in NAMES:
            one, same = tmp_path / target.name / "audit" / name, tmp_path / "all" / within(target) / "audit" / name
            assert one.read_bytes() == same.read_bytes(), (target.name, name)
        hashes = {item.path: item.sha256 for item in own if isinstance(item, Artifact)}
        theirs = {item.path: item.sha256 for item in items if isinstance(item, Artifact)}
        assert {f"{within(target)}{path}": sha256 for path, sha256 in hashes.items()}.items() <= theirs.items()
    assert tiers == {tier.name.lower() for tier in Tier if tier is not Tier.FILTERED}
    assert summary.matched.keys() == tiers
    gaps = [(gap.target, gap.reason) for gap in items if isinstance(gap, Gap)]
    assert gaps == [(f"audit log {tmp_path}/absent.log", GapReason.ABSENT)]


def test_all_of_them_together_have_each_event_once_with_the_pods_it_concerns(tmp_path: Path) -> None:
    targets = pods(3)
    shared = event("list", "secrets", "", user=ACCOUNT, audit_id="shared")
    own = event("get", name=targets[1].name, uid=targets[1].uid, audit_id="own")
    path = log(tmp_path / "audit.log", [shared, own, event(name="other")])
    for view in search_all([str(path)], targets).views(None):
        assert view.summary.matched == {"uid": 1, "service_account": 1}
        reasons = {match.event["auditID"]: match.reason for match in view.matches}
    assert reasons["shared"].endswith("bound to no pod (pod web-6d9f-0 and 2 more)")
    assert reasons["own"] == "objectRef.uid is the pod's uid (pod web-6d9f-1)"


def test_what_was_done_to_many_shows_in_all_of_them_alone(tmp_path: Path) -> None:
    """Rules that count see the whole; a gap about one pod names it."""
    late = [replace(target, created=START) for target in pods(8)]
    execs = [event("create", name=one.name, sub="exec", code=101, seconds=7200 + n) for n, one in enumerate(late)]
    path = log(tmp_path / "audit.log", execs)
    summary, items = gather_each([str(path)], late, within, tmp_path / "data")
    gaps = [gap.target for gap in items if isinstance(gap, Gap)]
    assert gaps == [f"audit log of the pod's first hours of pod {target.name}" for target in late]
    assert [finding.rule for finding in summary.findings].count("exec-into-pod") == len(late)


def test_what_a_minted_credential_makes_ends_no_pod(tmp_path: Path) -> None:
    """A pod that is made without a name, with a token of the pod's own, is no successor of it."""
    target = pods(1)[0]
    token = {POD_UID: [target.uid], CREDENTIAL: ["JTI=own"]}
    events = [
        event("create", "serviceaccounts", "web", sub="token", code=201, user=ACCOUNT, extra=token, seconds=10)
        | {"annotations": {ISSUED: "JTI=minted"}},
        event("create", name="", code=201, user="sa", extra={CREDENTIAL: ["JTI=minted"]}, seconds=20),
        event("delete", name=target.name, seconds=30, audit_id="afterwards"),
    ]
    found = [match.event["auditID"] for match in search([str(log(tmp_path / "a.log", events))], target)]
    assert found[-1] == "afterwards"
    assert len(found) == 3


def test_memory_is_that_of_the_lines_not_of_lines_times_pods(tmp_path: Path) -> None:
    """Each of 300 pods is concerned by each of 1000 requests of their account: 300,000 matches."""
    targets = pods(300)
    requests = [event("list", "secrets", "", user=ACCOUNT, seconds=10 + n / 10) for n in range(1000)]
    path = log(tmp_path / "audit.log", requests)
    tracemalloc.start()
    try:
        for view in search_all([str(path)], targets).views(0, 299):
            assert view.summary.matched == {"service_account": 1000}
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 16 << 20


def test_a_line_that_names_a_pod_a_million_times_is_one_line(tmp_path: Path) -> None:
    targets = pods(2)
    long = event("get", name=targets[0].name, userAgent=f"{targets[1].name} " * 1_000_000)
    path = log(tmp_path / "audit.log", [event(name="other"), long, event("get", name=targets[1].name)])
    began = time.process_time()
    for view in search_all([str(path)], targets).views(0, 1):
        assert view.summary.matched == {"name": 1}
    assert time.process_time() - began < 20
