"""The incident: what a responder can find out."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from irkit import times
from irkit.drill.range import server
from irkit.drill.range.scenario.clock import ago
from irkit.drill.range.scenario.story import PAYMENTS, PAYMENTS_OPEN, SCENARIOS
from irkit.drill.range.server import Range
from tests.drill.client import VICTIM, Client

NOW = times.parse("2026-11-23T03:00:00Z")


def test_the_victim_carries_what_typed_clients_drop_and_what_terminals_obey(look: Client) -> None:
    victim = look.read("Pod", VICTIM)
    assert victim["spec"]["placementIntent"]
    assert victim["spec"]["containers"][0]["futureSandboxHint"]
    assert "\x1b]0;" in victim["metadata"]["annotations"]["payments.example.com/last-deployer"]


def test_a_change_keeps_what_no_type_knows(night: Client) -> None:
    night.patch(
        "Pod", VICTIM, [{"op": "add", "path": "/metadata/labels/q", "value": "1"}], "application/json-patch+json"
    )
    assert night.read("Pod", VICTIM)["spec"]["placementIntent"]


def test_the_crash_is_in_the_previous_log_and_the_miner_in_both(look: Client) -> None:
    def log(**query: str) -> str:
        return look.get(look.path("Pod", VICTIM, "log"), container="app", **query).body.decode()

    assert "holiday.phtml" in log(previous="true")
    assert "cannot allocate" in log(previous="true").splitlines()[-1]
    assert "stratum+tcp://198.51.100.77" in log()
    assert "\x1b]0;" in log()
    stamps = [line.split(" ", 1)[0] for line in log(timestamps="true").splitlines()]
    assert stamps == sorted(stamps)


def test_the_attack_can_be_read_in_the_audit_log(scene: Range) -> None:
    events = [json.loads(line) for line in scene.audit_log.read_bytes().splitlines()]
    assert len(events) > 3000
    stamps = [event["requestReceivedTimestamp"] for event in events]
    assert stamps == sorted(stamps)
    execs = [event for event in events if event["objectRef"].get("subresource") == "exec"]
    assert [(event["verb"], event["responseStatus"]["code"]) for event in execs] == [("get", 101)] * 2
    leaked = [event for event in events if event["user"]["username"].endswith(":web")]
    assert {event["sourceIPs"][0] for event in leaked} == {"10.244.2.23", "203.0.113.66"}
    privileged = [event for event in events if "requestObject" in event and "nsenter" in json.dumps(event)]
    assert [event["verb"] for event in privileged] == ["create"]


def test_only_documentation_addresses_are_outside(scene: Range) -> None:
    import re

    told = scene.audit_log.read_text() + "".join(path.read_text() for path in scene.logs.root.rglob("*.log"))
    addresses = set(re.findall(r"\b\d+\.\d+\.\d+\.\d+\b", told)) - {"127.0.0.1"}
    allowed = ("10.", "192.0.2.", "198.51.100.", "203.0.113.", "0.12.1")
    assert [address for address in addresses if not address.startswith(allowed)] == []


def test_the_same_instant_gives_the_same_story(tmp_path: Path) -> None:
    told = []
    for name in ("one", "two"):
        with server.start(home=tmp_path / name, now=NOW) as running:
            objects = [running.store.everything("Pod"), running.store.everything("Event")]
            told.append((objects, running.audit_log.read_bytes()))
    assert told[0] == told[1]


def test_the_open_scenario_has_a_policy_that_lets_everything_through(tmp_path: Path) -> None:
    with server.start(home=tmp_path, scenario=PAYMENTS_OPEN) as running:
        policies = running.store.everything("NetworkPolicy", "networking.k8s.io/v1")
    open_to_all = [each for each in policies if each["spec"]["podSelector"] == {} and each["spec"]["ingress"] == [{}]]
    assert [each["metadata"]["name"] for each in open_to_all] == ["allow-while-migrating"]
    assert PAYMENTS in SCENARIOS


def test_it_starts_at_once_and_stops_with_streams_open(tmp_path: Path) -> None:
    begun = time.monotonic()
    with server.start(home=tmp_path) as running:
        client = Client(running.url, namespace="payments")
        assert client.get("/readyz").body == b"ok"
        assert time.monotonic() - begun < 5  # under a second on a quiet machine
        watching = client.lines(client.path("Pod"), watch="true")
        following = client.lines(client.path("Pod", VICTIM, "log"), container="metrics", follow="true")
        assert next(watching)
        assert next(following)
    client.close()
    assert json.loads(running.audit_log.read_bytes().splitlines()[-1])["stage"] == "ResponseComplete"


@pytest.mark.parametrize("text", ["-", "", "10m", "-5x", "-m"])
def test_an_offset_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an offset"):
        ago(text, NOW)
    assert times.rfc3339(ago("-1d2h3m4.5s", NOW)) == "2026-11-22T00:56:55.500000Z"
