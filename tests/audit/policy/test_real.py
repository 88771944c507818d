"""The semantics against an API server that really applied a policy: nothing is started, its log is read."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from irkit.audit.policy.decide import decide
from irkit.audit.policy.known import CLUSTER_WIDE, RESOURCES
from irkit.audit.policy.lint.check import lint
from irkit.audit.policy.nouns import Request, Stage
from irkit.audit.policy.read import parse
from irkit.audit.policy.request import of_event
from irkit.audit.read.event import Event, body, decode
from tests.cluster.real import RealCluster

pytestmark = pytest.mark.real


def logged(cluster: RealCluster) -> tuple[Path, list[Event]]:
    """The cluster's policy file and its current log; the last line may still be in the writing."""
    if cluster.audit_log is None:
        pytest.skip("this cluster's audit log cannot be read from here")
    lines = cluster.audit_log.read_bytes().splitlines(keepends=True)
    events = [event for line in lines if line.endswith(b"\n") if (event := decode(line))]
    return cluster.kubeconfig.parent / "audit-policy.yaml", events


def test_every_event_has_the_level_and_the_stage_that_its_rule_gives(
    real_cluster: RealCluster, real_namespace: str
) -> None:
    real_cluster.kubectl("-n", real_namespace, "create", "secret", "generic", "s", "--from-literal=a=b")
    real_cluster.kubectl("-n", real_namespace, "create", "token", "default")
    real_cluster.kubectl("-n", real_namespace, "get", "configmaps,secrets")
    path, events = logged(real_cluster)
    policy = parse(path.read_text())
    wrong = []
    for event in events:
        decision = decide(policy, of_event(event))
        if (event.level, event.stage) not in {(decision.level, stage) for stage in decision.stages}:
            wrong.append((of_event(event), event.level, event.stage, decision))
    assert wrong == []
    assert {decide(policy, of_event(event)).rule for event in events} >= set(policy.rules[1:])


def test_what_lint_says_of_tokens_is_true(real_cluster: RealCluster, real_namespace: str) -> None:
    real_cluster.kubectl("-n", real_namespace, "create", "token", "default")
    path, events = logged(real_cluster)
    warned = any("serviceaccounts/token writes down" in problem.message for problem in lint(path.read_text()))
    minted = [event for event in events if event.ref.subresource == "token" and event.ref.namespace == real_namespace]
    assert {bool((body(event.responseObject).get("status") or {}).get("token")) for event in minted} == {warned}


def test_a_request_that_ended_has_all_its_stages(real_cluster: RealCluster) -> None:
    path, events = logged(real_cluster)
    policy = parse(path.read_text())
    seen: dict[tuple[str, Request], set[str]] = defaultdict(set)
    begins = min(event.stageTimestamp for event in events)
    for event in events:
        if event.requestReceivedTimestamp < begins:
            continue  # its first stages are in the file before
        seen[event.auditID, of_event(event)].add(event.stage)
    ended = {key: stages for key, stages in seen.items() if Stage.COMPLETE in stages}
    assert len(ended) > 100
    expected = {key: set(decide(policy, key[1]).stages) - {Stage.PANIC} for key in ended}
    assert ended == expected


def test_the_resources_of_kubernetes_are_those_we_know(real_cluster: RealCluster) -> None:
    served = real_cluster.kubectl("api-resources", "--no-headers", "--output=name").split()
    ours = {f"{name}.{group}".rstrip(".") for group, names in RESOURCES.items() for name in names}
    builtin = {name for name in served if name.partition(".")[2] in RESOURCES}
    assert builtin <= ours
    if real_cluster.version.startswith("v1.37."):  # an older one serves fewer
        assert builtin == ours
    wide = real_cluster.kubectl("api-resources", "--no-headers", "--output=name", "--namespaced=false").split()
    scoped = {name.partition(".")[0] for name in wide if name.partition(".")[2] in RESOURCES}
    assert scoped == CLUSTER_WIDE & {name.partition(".")[0] for name in builtin}
