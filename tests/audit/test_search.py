from __future__ import annotations

import gzip
import io
import json
import os
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from irkit.audit.detect.detect import detect
from irkit.audit.read import scan
from irkit.audit.search import Search, search
from irkit.model.audit import Match, Tier
from irkit.model.evidence import GapReason
from tests.audit.logs import CREDENTIAL, OTHER, POD_UID, START, TARGET, UID, Event, at, event, line, log
from tests.audit.shell import irkit

EXEC: dict[str, Any] = event(sub="exec", audit_id="exec", code=101, seconds=60) | {"stage": "ResponseStarted"}
ENDED = EXEC | {"stage": "ResponseComplete", "stageTimestamp": at(90)}
NOISE = [event("get", "leases", f"node-{number}", "kube-node-lease", seconds=number) for number in range(50)]


def found(*sources: Path | str, **window: Any) -> tuple[Search, list[Match]]:  # noqa: ANN401
    looking = search([str(source) for source in sources], TARGET, **window)
    return looking, list(looking)


def test_an_exec_is_one_request_and_its_lines_stay_as_they_were(tmp_path: Path) -> None:
    path = log(tmp_path / "audit.log", [*NOISE, EXEC, event(name="web-10", sub="exec"), ENDED])
    looking, matches = found(path)
    assert [match.raw + b"\n" for match in matches] == [line(EXEC), line(ENDED)]
    assert [match.event for match in matches] == [EXEC, ENDED]
    place = path.read_bytes().index(line(EXEC))
    assert matches[0].source == f"{path}:{place}"
    summary = looking.summary()
    assert (summary.events, summary.malformed, summary.duplicates) == (53, 0, 0)
    assert (summary.matched, summary.levels) == ({"name": 1}, {"Metadata": 1})
    assert summary.first == START + timedelta(seconds=0.003)
    assert summary.last == START + timedelta(seconds=90)
    assert looking.gaps == []


def test_rotations_gzip_and_copies_are_one_log(tmp_path: Path) -> None:
    old = log(tmp_path / "audit-2026-11-23T03-00-30.000.log.gz", [event(seconds=1), event(seconds=2, uid=UID)])
    log(tmp_path / "audit.log", [event(seconds=3), event(seconds=2, uid=UID)])
    (tmp_path / "notes.txt").write_text("not an audit log\n")
    (tmp_path / "link.log").hardlink_to(old)
    looking, matches = found(tmp_path, tmp_path / "audit*", old)
    assert [match.event["stageTimestamp"] for match in matches] == [at(1.003), at(2.003), at(3.003)]
    summary = looking.summary()
    assert summary.duplicates == 1
    assert summary.matched == {"uid": 1, "name": 2}
    assert len(summary.sources) == 2
    assert looking.gaps == []


def test_gzip_of_several_members_padded(tmp_path: Path) -> None:
    path = tmp_path / "audit.log.gz"
    padding = b"\0" * 300_000  # more than is read at once
    path.write_bytes(padding.join((*(gzip.compress(line(event(seconds=number))) for number in (1, 2)), b"")))
    looking, matches = found(path)
    assert (len(matches), looking.gaps) == (2, [])


@pytest.mark.parametrize("order", ["utf-16-le", "utf-16-be"])
def test_what_powershell_writes(tmp_path: Path, order: str) -> None:
    path = tmp_path / "audit.log"
    plain = "\ufeff" + (line(EXEC) + line(ENDED)).decode().replace("\n", "\r\n")
    path.write_bytes(plain.encode(order) + b"x")  # half a character
    looking, matches = found(path)
    assert [match.event for match in matches] == [EXEC, ENDED]
    assert looking.summary().malformed == 1
    assert not [gap for gap in looking.gaps if gap.reason is GapReason.TRUNCATED]


@pytest.mark.parametrize("damage", ["cut", "flipped"])
def test_a_damaged_gzip_gives_what_it_still_holds(tmp_path: Path, damage: str) -> None:
    noise = [event("get", "leases", os.urandom(400).hex(), seconds=20) for _ in range(20_000)]
    path = log(tmp_path / "audit.log.gz", [event(seconds=1), *noise, event(seconds=2)])
    data = path.read_bytes()
    half = len(data) // 2
    path.write_bytes(data[:half] if damage == "cut" else data[:half] + bytes(64) + data[half + 64 :])
    looking, matches = found(path)
    assert len(matches) == 1
    assert [gap.reason for gap in looking.gaps] == [GapReason.TRUNCATED]


def test_a_gzip_bomb_is_left_at_its_ratio(tmp_path: Path) -> None:
    path = tmp_path / "audit.log.gz"
    path.write_bytes(gzip.compress(line(event(seconds=1)) + (b"x" * 9999 + b"\n") * 20_000))
    looking, matches = found(path)
    assert len(matches) == 1
    assert "not a log" in looking.gaps[0].detail


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("packed", [False, True])
def test_event_lists_and_arrays(tmp_path: Path, indent: int | None, packed: bool) -> None:
    items = [{k: v for k, v in one.items() if k not in ("kind", "apiVersion")} for one in (event(seconds=1), *NOISE)]
    documents = {"list": {"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "items": items}, "array": items}
    for name, document in documents.items():
        data = json.dumps(document, indent=indent).encode()
        path = tmp_path / f"{name}.json"
        path.write_bytes(gzip.compress(data) if packed else data)
        looking, matches = found(path)
        assert [match.event for match in matches] == [items[0]]
        assert looking.summary().events == 51
        if indent is None:
            offset = int(matches[0].source.rpartition(":")[2])
            assert data[offset:].startswith(matches[0].raw[:40])


def test_what_log_services_wrap_and_what_jq_prints(tmp_path: Path) -> None:
    wrapped: list[Any] = [
        {"category": "kube-audit", "properties": {"log": json.dumps(event(seconds=1))}},
        {"category": "kube-audit", "properties": {"log": "no JSON"}},
        {"log_s": json.dumps(event(seconds=2))},
        {"events": [{"message": json.dumps(event(seconds=3))}, 7]},
        {"@message": json.dumps(event(seconds=4))},
        {"items": [event(seconds=5)]},
        {"MESSAGE": json.dumps(event(seconds=6)), "__REALTIME_TIMESTAMP": "1"},
        {"event": event(seconds=7), "sourcetype": "kube:apiserver:audit"},
        {"preview": False, "result": {"_raw": json.dumps(event(seconds=8))}},
        {"hits": {"hits": [{"_index": "audit", "_source": {"message": json.dumps(event(seconds=9))}}]}},
        {"_index": "audit", "_source": {"kubernetes": {"audit": event(seconds=10)}}},
        {"data": {"result": [{"stream": {}, "values": [["1", json.dumps(event(seconds=11))]]}]}},
        {"labels": {}, "line": json.dumps(event(seconds=12)), "timestamp": "1"},
    ]
    log(tmp_path / "azure.json", wrapped)
    (tmp_path / "jq.json").write_text("".join(json.dumps(event(seconds=s), indent=2) + "\n" for s in (13, 14)))
    _, matches = found(tmp_path)
    assert [match.event["requestReceivedTimestamp"] for match in matches] == [at(second) for second in range(1, 15)]


def test_what_a_file_system_leaves_after_a_loss_of_power(tmp_path: Path) -> None:
    path = log(tmp_path / "audit.log", [bytes(4096) + line(EXEC), line(ENDED).rstrip() + bytes(100)])
    looking, matches = found(path)
    assert [match.event for match in matches] == [EXEC, ENDED]
    assert looking.summary().malformed == detect([str(path)]).coverage.malformed == 0


def test_standard_input_and_pipes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(line(event(seconds=1)))))
    reading, writing = os.pipe()
    os.write(writing, line(event(seconds=2)))
    os.close(writing)
    looking, matches = found("-", f"/dev/fd/{reading}")
    os.close(reading)
    assert [match.source for match in matches] == ["-:0", f"/dev/fd/{reading}:0"]
    assert looking.gaps == []


DEEP = b'{"kind":"Event","apiVersion":"audit.k8s.io/v1","verb":"get","requestObject":' + b"[" * 50_000 + b"]" * 50_000


def test_malformed_lines_are_counted_and_never_fatal(tmp_path: Path) -> None:
    torn = line(event(seconds=3))[:200] + b"\n"
    odd: list[Any] = [
        b"\n",
        b"  \r\n",
        b'{"name":"web-1"}\n',
        b'"web-1"\n',
        b"\xff\xfe web-1\n",
        torn,
        DEEP + b',"x":"web-1"}\n',
    ]
    wrong = line(event(seconds=4)).replace(b'"verb":"get"', b'"verb":7')
    path = log(tmp_path / "audit.log", [*odd, wrong, event(seconds=1), line(event(seconds=2)).rstrip() + b"\r\n"])
    looking, matches = found(path)
    assert len(matches) == 2
    assert (looking.summary().events, looking.summary().malformed) == (3, 5)  # what is deep is an event all the same
    assert looking.gaps == []


@pytest.mark.parametrize("after", [b"\v", b"\f", b" \t\r\f"])
def test_a_line_is_the_same_for_search_and_detection_whatever_white_space_ends_it(tmp_path: Path, after: bytes) -> None:
    path = tmp_path / "audit.log"
    path.write_bytes(line(EXEC).rstrip() + after + b"\n" + line(ENDED))
    looking, matches = found(path)
    assert [match.event for match in matches] == [EXEC, ENDED]
    assert looking.summary().malformed == detect([str(path)]).coverage.malformed == 0


def test_a_line_cut_off_at_the_end_of_a_live_file(tmp_path: Path) -> None:
    path = log(tmp_path / "audit.log", [event(seconds=1), line(event(seconds=2))[:-30]])
    looking, matches = found(path)
    assert (len(matches), looking.summary().malformed) == (1, 1)


def test_a_deletion_of_the_log_while_it_is_read_is_a_gap(tmp_path: Path) -> None:
    path = log(tmp_path / "audit.log", [event()])
    looking = search([str(path)], TARGET)
    assert list(looking)
    path.unlink()
    assert list(looking) == []
    assert [gap.reason for gap in looking.gaps] == [GapReason.ABSENT]


def test_every_unusable_source_is_a_gap_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "text.log").write_text("I1123 03:00:00 server.go:12] started\n" * 5)
    (tmp_path / "core.json").write_text(json.dumps({"kind": "Event", "apiVersion": "v1", "reason": "Pulled"}))
    (tmp_path / "empty.log").touch()
    (tmp_path / "zip.gz").write_bytes(b"\x1f\x8b broken")
    (tmp_path / "none").mkdir()
    names = ["text.log", "core.json", "empty.log", "zip.gz", "none", "absent.log", "absent*.log"]
    looking, matches = found(*(tmp_path / name for name in names))
    assert matches == []
    expected = [GapReason.INVALID] * 2 + [GapReason.ABSENT, GapReason.TRUNCATED] + [GapReason.ABSENT] * 3
    assert [gap.reason for gap in looking.gaps] == expected
    assert all(gap.remedy and gap.target.startswith(f"audit log {tmp_path}") for gap in looking.gaps)


def test_a_device_is_no_log() -> None:
    looking, _ = found(Path("/dev/zero"))
    assert [(gap.reason, gap.detail) for gap in looking.gaps] == [(GapReason.INVALID, "not a plain file")]


def test_a_window_is_by_when_the_line_was_written(tmp_path: Path) -> None:
    path = log(tmp_path / "audit.log", [event(seconds=second) for second in range(10)])
    window = {"since": START + timedelta(seconds=3), "until": START + timedelta(seconds=6)}
    _, matches = found(path, **window)
    assert [match.event["requestReceivedTimestamp"] for match in matches] == [at(second) for second in (3, 4, 5)]


def test_a_successor_of_the_same_name_ends_the_match_by_name(tmp_path: Path) -> None:
    before, after = event(seconds=100), event(seconds=300)
    creation = event("create", seconds=200, code=201)
    refused = event("create", seconds=150, code=409)
    path = log(tmp_path / "audit.log", [before, refused, creation, after, event(seconds=400, uid=UID)])
    looking, matches = found(path)
    assert [match.event["auditID"] for match in matches[:2]] == [before["auditID"], refused["auditID"]]
    assert [match.tier for match in matches[2:]] == [Tier.UID]
    assert looking.summary().matched == {"uid": 1, "name": 2}


def test_a_predecessor_that_died_in_the_second_of_our_pods_birth_is_told_apart_by_the_creation(tmp_path: Path) -> None:
    before = event(sub="exec", code=101, seconds=0.2, user="before")
    born = event("create", code=201, seconds=0.4)
    after = event(sub="exec", code=101, seconds=0.6, user="after")

    def users(*events: Event) -> list[str]:
        return [match.event["user"]["username"] for match in search([str(log(tmp_path / "a.log", events))], TARGET)]

    assert users(before, born, after) == ["alice", "after"]
    assert users(before, after) == ["before", "after"]  # the log does not tell
    twice = event("create", code=201, seconds=0.1)
    assert users(twice, before, born, after) == ["alice", "before", "alice", "after"]  # nor here
    other = twice | {"level": "RequestResponse", "responseObject": {"kind": "Pod", "metadata": {"uid": OTHER}}}
    assert users(other, before, born, after) == ["alice", "after"]


def test_a_chain_of_minted_tokens_is_followed(tmp_path: Path) -> None:
    issued = "authentication.kubernetes.io/issued-credential-id"
    own = event(
        "create", "serviceaccounts", "admin", sub="token", extra={POD_UID: [UID]}, annotations={issued: "JTI=aaa1"}
    )
    second = event("create", "serviceaccounts", "root", sub="token", seconds=20, extra={CREDENTIAL: ["JTI=aaa1"]})
    second["annotations"] = {issued: "JTI=bbb2"}
    theft = event(
        "list", "secrets", "", seconds=30, user="system:serviceaccount:x:root", extra={CREDENTIAL: ["JTI=bbb2"]}
    )
    foreign = event("list", "secrets", "", seconds=40, extra={CREDENTIAL: ["JTI=ccc3"], POD_UID: [OTHER]})
    _, matches = found(log(tmp_path / "audit.log", [own, second, theft, foreign]))
    assert [(match.tier, match.event) for match in matches] == [
        (Tier.UID, own),
        (Tier.SERVICE_ACCOUNT, second),
        (Tier.SERVICE_ACCOUNT, theft),
    ]


def test_one_json_document_holds_the_events_and_not_their_shells(tmp_path: Path) -> None:
    path = log(tmp_path / "audit.log", [event(seconds=second) for second in (1, 2)])
    told = json.loads(irkit("audit", "search", path, "--where", "verb = get", "-o", "json").stdout)
    assert [match["event"]["auditID"] for match in told["matches"]] == [event(seconds=one)["auditID"] for one in (1, 2)]
    assert all(len(match["sha256"]) == 64 for match in told["matches"])


def test_an_audit_id_on_different_records_is_a_finding(tmp_path: Path) -> None:
    same = [event(seconds=second, audit_id="chosen", user="mallory") for second in (1, 2)]
    looking, matches = found(log(tmp_path / "audit.log", [*same, event(seconds=3)]))
    assert len(matches) == 3
    (finding,) = looking.summary().findings
    assert (finding.rule, finding.actor, finding.audit_ids) == ("audit-id-reused", "mallory", ("chosen",))


def test_a_log_that_begins_after_the_pod_is_a_gap(tmp_path: Path) -> None:
    looking, _ = found(log(tmp_path / "audit.log", [event(seconds=3600)]))
    assert [gap.reason for gap in looking.gaps] == [GapReason.ABSENT]
    assert "rotated" in looking.gaps[0].remedy


def test_many_pieces_in_many_processes_give_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events = [event(seconds=number, name=f"web-{number % 7}") for number in range(3000)]
    path = log(tmp_path / "audit.log", events)
    whole, expected = found(path)
    monkeypatch.setattr(scan, "PIECE", 10_007)
    monkeypatch.setattr(scan, "WORTH", 0)
    cut, matches = found(path)
    assert matches == expected
    assert len(expected) == 429
    assert cut.summary() == whole.summary()


@pytest.mark.parametrize("how", [{"user": "system:node:node1"}, {"requestObject": {"gracePeriodSeconds": 0}}])
def test_an_address_is_the_pods_only_while_the_pod_is_there(tmp_path: Path, how: dict[str, Any]) -> None:
    during, after = (event("list", "secrets", "", user="x", sourceIPs=["10.88.0.5"], seconds=s) for s in (50, 70))
    begun = event("delete", seconds=40, user="alice")  # the grace period begins: the pod still runs
    gone = event("delete", seconds=60, **{"user": "mallory", **how})
    path = log(tmp_path / "audit.log", [begun, during, gone, after])
    target = replace(TARGET, pod_ips=("10.88.0.5",))
    found = [match.event["auditID"] for match in search([str(path)], target) if match.tier is Tier.RELATED]
    assert found == [during["auditID"]]


def test_the_command_is_told_what_no_log_tells(tmp_path: Path) -> None:
    swept = event("list", "secrets", "", user="x", sourceIPs=["10.88.0.5"])
    drained = event("patch", "nodes", "node1", "", user="mallory")
    path = log(tmp_path / "audit.log", [swept, drained, event("list", "secrets", "", user="y")])
    flags = ("--pod", "web-1", "-n", "payments", "-o", "jsonl")
    assert irkit("audit", "search", path, *flags).stdout == ""
    told = irkit("audit", "search", path, *flags, "--ip", "10.88.0.5", "--node", "node1").stdout
    assert [json.loads(line)["event"]["auditID"] for line in told.splitlines()] == [
        swept["auditID"],
        drained["auditID"],
    ]


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (("--ip", "10.88.0.5"), "--ip and --node tell more of a pod"),
        (("--node", "node1"), "--ip and --node tell more of a pod"),
        (("--service-account", "web"), "--service-account tells more of a pod"),
        (("--uid", UID, "--ip", "10.88.0"), "not an address: '10.88.0'"),
        (("--uid", ""), "--pod or --uid is empty"),
        (("--pod", "", "-n", "payments"), "--pod or --uid is empty"),
    ],
)
def test_what_is_told_of_no_pod_is_not_passed_over(tmp_path: Path, flags: tuple[str, ...], says: str) -> None:
    path = log(tmp_path / "audit.log", [event()])
    assert says in irkit("audit", "search", path, "--where", "verb = get", *flags, code=2).stderr
    assert "every namespace is meant" in irkit("audit", "search", path, "--where", "verb", "-n", "payments").stderr


def test_an_address_is_found_however_it_is_written(tmp_path: Path) -> None:
    path = log(tmp_path / "audit.log", [event("list", "secrets", "", sourceIPs=["fd00::5"])])
    assert "tier 5" in irkit("audit", "search", path, "--uid", UID, "--ip", "FD00:0:0:0::5").stdout


def test_a_pod_of_a_namespace_that_nobody_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = log(tmp_path / "audit.log", [event()])
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    assert "-n NS says where the pod was" in irkit("audit", "search", path, "--pod", "web-1", code=2).stderr


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ("usr = alice", "field usr; user is meant?"),
        ("not (verb = get or Objectref.name = x)", "field Objectref; objectRef is meant?"),
        ("fleet = prod", "field fleet\n"),
    ],
)
def test_a_field_that_no_event_has_is_told(tmp_path: Path, where: str, says: str) -> None:
    path = log(tmp_path / "audit.log", [event()])
    for command in ("search", "timeline"):
        assert f"no API server writes a {says}" in irkit("audit", command, path, "--where", where).stderr
        assert "no API server" not in irkit("audit", command, path, "--where", "user = a or original.x").stderr
