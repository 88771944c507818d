"""What other watchers saw, and secrets by their hashes."""

from __future__ import annotations

import base64
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from irkit.cluster.wire.elsewhere import checked
from irkit.collect.capture import capture
from irkit.collect.collector import Collector
from irkit.collect.inside.secrets import Secrets
from irkit.collect.observers.falco import Falco
from irkit.collect.observers.hubble import Hubble
from irkit.collect.observers.prometheus import POINTS, Prometheus, question
from irkit.collect.piece import Found
from irkit.errors import UsageError
from irkit.model.evidence import GapReason
from irkit.model.pod import Target
from tests.collect.api import SUCCESS, Cut, Execs, Query, Route, Says, no, ok, serving
from tests.collect.scene import SHOP, TARGET, UID, artifacts, gaps, pod, routes

CREATED = datetime(2026, 1, 1, tzinfo=UTC)
BORN = replace(TARGET, created=CREATED)
AGENT = "/api/v1/namespaces/security/pods/agent-x"


def taken(tmp_path: Path, collector: Collector, served: dict[str, Route], target: Target = BORN) -> list[Found]:
    with serving(routes() | served) as api:
        return list(capture(target, api.connect(tmp_path), tmp_path / "data", collectors=[collector]))


def agents(query: Query) -> Says:
    assert query["fieldSelector"] == "spec.nodeName=node1"
    return ok({"items": [{"metadata": {"name": "agent-x", "namespace": "security", "uid": "1"}}]})


def alert(namespace: str, name: str, **more: str) -> bytes:
    fields = {"k8s.ns.name": namespace, "k8s.pod.name": name, **more}
    return json.dumps({"rule": "Terminal shell in container", "output_fields": fields}).encode() + b"\n"


def test_falcos_alerts_about_the_pod_are_taken_as_it_wrote_them(tmp_path: Path) -> None:
    mine, by_uid = alert("shop", "web"), alert("", "", **{"k8s.pod.uid": UID})
    others = alert("shop", "web-2") + alert("bank", "web") + b"2026-01-01: shop/web plain text\n"
    whole = others + mine + others + by_uid[:-1]

    def log(query: Query) -> Says:
        assert query == {"container": "falco", "sinceTime": "2026-01-01T00:00:00.000000Z"}
        return Says([whole[at : at + 37] for at in range(0, len(whole), 37)])

    found = taken(tmp_path, Falco(), {"/api/v1/pods": agents, f"{AGENT}/log": log})
    assert (tmp_path / "data/findings/falco.jsonl").read_bytes() == mine + by_uid[:-1]
    source = artifacts(found)["findings/falco.jsonl"].source
    assert source is not None
    assert source.url.startswith(f"{AGENT}/log?")


@pytest.mark.parametrize("collector", [Falco(), Hubble(), Prometheus()])
def test_a_tool_that_is_not_there_is_no_loss(tmp_path: Path, collector: Collector) -> None:
    nobody = ok({"items": []})
    found = taken(tmp_path, collector, {"/api/v1/pods": nobody, "/api/v1/services": nobody})
    assert artifacts(found) == {}
    assert all(gap.expected for gap in gaps(found).values())


@pytest.mark.parametrize("collector", [Falco(), Hubble(), Prometheus()])
def test_a_tool_that_may_not_be_looked_for_is_a_gap(tmp_path: Path, collector: Collector) -> None:
    denied = no(403, "Forbidden", "no")
    (gap,) = gaps(taken(tmp_path, collector, {"/api/v1/pods": denied, "/api/v1/services": denied})).values()
    assert gap.reason is GapReason.DENIED
    assert "list " in gap.remedy


@pytest.mark.parametrize("collector", [Falco(), Hubble()])
def test_a_pod_without_a_node_was_watched_by_nobody(tmp_path: Path, collector: Collector) -> None:
    found = taken(tmp_path, collector, {}, replace(TARGET, node=""))
    assert all(gap.expected for gap in gaps(found).values())


def test_flows_are_asked_of_the_agent_on_the_node(tmp_path: Path) -> None:
    def observe(query: Query) -> Execs:
        assert (query["container"], query["command"]) == ("cilium-agent", "jsonpb")
        return Execs([b'\1{"flow":{}}\n', b'\1{"lost_events":{"num_events_lost":"3"}}\n', SUCCESS])

    found = taken(tmp_path, Hubble(), {"/api/v1/pods": agents, f"{AGENT}/exec": observe})
    assert (tmp_path / "data/network/flows.jsonl").read_bytes().count(b"\n") == 2
    source = artifacts(found)["network/flows.jsonl"].source
    assert source is not None
    assert "command=hubble&command=observe&command=--pod&command=shop%2Fweb" in source.url


def test_flows_that_are_cut_keep_what_had_come(tmp_path: Path) -> None:
    def observe(query: Query) -> Execs:
        def messages() -> Any:  # noqa: ANN401
            yield b'\1{"flow":{}}\n'
            raise Cut

        return Execs(messages())

    found = taken(tmp_path, Hubble(), {"/api/v1/pods": agents, f"{AGENT}/exec": observe})
    assert artifacts(found)["network/flows.jsonl"].truncated
    assert gaps(found)["network flows of the pod"].reason is GapReason.TRUNCATED


def test_prometheus_is_asked_through_the_api_server(tmp_path: Path) -> None:
    ours: dict[str, Any] = {
        "metadata": {"name": "prom", "namespace": "monitoring"},
        "spec": {"ports": [{"port": 9090}]},
    }
    other: dict[str, Any] = {"metadata": {"name": "exporter", "namespace": "x"}, "spec": {"ports": [{"port": 80}]}}
    answer = {"status": "success", "data": {"resultType": "matrix", "result": []}}
    path = "/api/v1/namespaces/monitoring/services/prom%3A9090/proxy/api/v1/query_range"
    served: dict[str, Route] = {"/api/v1/services": ok({"items": [other, ours]}), path: ok(answer)}
    found = taken(tmp_path, Prometheus(), served)
    assert json.loads((tmp_path / "data/metrics/prometheus.json").read_bytes()) == answer
    assert not gaps(found)


def test_prometheus_is_asked_at_the_address_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IRKIT_PROMETHEUS_TOKEN", "opaque-but-secret")
    answer = {"status": "success", "data": {"resultType": "matrix", "result": []}}
    with serving({"/prom/api/v1/query_range": ok(answer)}) as theirs:
        found = taken(tmp_path, Prometheus(f"http://127.0.0.1:{theirs.port}/prom/"), {})
        assert json.loads((tmp_path / "data/metrics/prometheus.json").read_bytes()) == answer
    assert not gaps(found)
    (asked,) = theirs.asked
    assert "namespace%3D%22shop%22%2Cpod%3D%22web%22" in asked
    source = artifacts(found)["metrics/prometheus.json"].source
    assert source
    assert f"/prom{source.url}" == asked
    assert Prometheus("http://x").needs == ()


def test_a_prometheus_that_refuses_or_is_not_there_is_a_gap(tmp_path: Path) -> None:
    pages: list[dict[str, Route]] = [{}, {"/api/v1/query_range": Says(b"<html>a proxy's page</html>")}]
    for served in pages:
        with serving(served) as theirs:
            found = taken(tmp_path, Prometheus(f"http://127.0.0.1:{theirs.port}"), {})
        assert list(gaps(found)) == [f"what the pod used over time, as http://127.0.0.1:{theirs.port} has it"]
        assert not artifacts(found)


@pytest.mark.parametrize(
    "url", ["prom:9090", "ftp://x", "http://", "http://u:p@x", "http://x?y", "http://x:99999", "a b"]
)
def test_what_is_no_address_is_said(url: str) -> None:
    with pytest.raises(UsageError):
        checked(url)


def test_the_question_is_bounded() -> None:
    now = datetime(2026, 1, 2, tzinfo=UTC)
    asked = question(BORN, now)
    assert 'namespace="shop",pod="web"' in asked["query"]
    assert (int(asked["end"]) - int(asked["start"])) // int(asked["step"]) <= POINTS
    young = question(replace(TARGET, created=datetime(2026, 1, 1, 23, 59, tzinfo=UTC)), now)
    assert (int(young["end"]) - int(young["start"]), young["step"]) == (60, "15")


def test_secrets_leave_hashes_and_nothing_else(tmp_path: Path) -> None:
    there = pod()
    there["spec"]["volumes"] = [
        {"name": "a", "secret": {"secretName": "db"}},
        {"name": "b", "configMap": {"name": "settings"}},
        {"name": "c", "secret": {"secretName": "gone"}},
    ]
    word = base64.b64encode(b"hunter2hunter2").decode()
    annotated = {
        "name": "db",
        "uid": "1",
        "annotations": {"last-applied": "hunter2hunter2"},
        "managedFields": [{"manager": "m"}],
    }
    served: dict[str, Route] = {
        f"{SHOP}/pods/web": ok(there),
        f"{SHOP}/secrets/db": ok({"metadata": annotated, "type": "Opaque", "data": {"password": word, "same": word}}),
        f"{SHOP}/configmaps/settings": ok({"metadata": {"name": "settings"}, "data": {"mode": "hunter2hunter2"}}),
    }
    key = b"k" * 32
    found = taken(tmp_path, Secrets(key), served)
    secret = json.loads((tmp_path / "data/secrets/secret-db.json").read_bytes())
    expected = {"size": 14, "hmac_sha256": hmac.digest(key, b"hunter2hunter2", "sha256").hex()}
    assert secret["keys"] == {"password": expected, "same": expected}
    assert (secret["type"], secret["changes"][0]["manager"]) == ("Opaque", "m")
    assert json.loads((tmp_path / "data/secrets/configmap-settings.json").read_bytes())["keys"] == {"mode": expected}
    everything = b"".join(path.read_bytes() for path in (tmp_path / "data").rglob("*.json"))
    assert b"hunter2" not in everything
    assert word.encode() not in everything
    assert gaps(found)["Secret gone, by its hashes"].reason is GapReason.ABSENT
