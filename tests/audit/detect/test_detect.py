from __future__ import annotations

from datetime import timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from irkit.audit.detect.allow.entries import Allow, Entry, load
from irkit.audit.detect.detect import Report, detect
from irkit.audit.detect.kept import tally
from irkit.audit.read import scan
from irkit.errors import UsageError
from irkit.model import codec
from irkit.model.evidence import GapReason
from tests.audit.detect.cases import PRIVILEGED, SHOP, acting, asked, from_address, pod
from tests.audit.logs import START, Event, event, line, log


def report(path: Path, events: list[Event | bytes], **more: Any) -> Report:  # noqa: ANN401
    return detect([str(log(path / "audit.log", events))], **more)


def execs(count: int, **more: Any) -> list[Event | bytes]:  # noqa: ANN401
    return [
        event(sub="exec", code=101, seconds=number, requestURI="/exec?command=sh&command=-i", **more)
        for number in range(count)
    ]


def test_a_finding_names_all_its_events(tmp_path: Path) -> None:
    events = execs(3)
    started = [one | {"stage": "ResponseStarted"} for one in events if isinstance(one, dict)]
    (finding,) = report(tmp_path, [*started, *events]).findings
    assert (finding.rule, finding.severity.value, finding.technique) == ("exec-into-pod", "medium", "T1609")
    assert (finding.actor, finding.target) == ("alice", "pods/exec payments/web-1")
    assert finding.reason == "exec into web-1: sh -i (3 times)"
    assert finding.audit_ids == tuple(f"id-get-pods-web-1-exec-{number}-alice" for number in range(3))
    assert finding.at == START


def test_the_report_is_the_documented_json(tmp_path: Path) -> None:
    plain = codec.plain(report(tmp_path, execs(1)))
    assert set(plain) == {"events", "findings", "coverage"}
    keys = {"rule", "severity", "technique", "at", "actor", "target", "audit_ids", "reason"}
    assert set(plain["findings"][0]) == keys


def test_what_was_read_and_what_the_rules_could_not_see(tmp_path: Path) -> None:
    seen = pod({"containers": [PRIVILEGED]})
    unseen = event("create", name="x", code=201, seconds=20)
    found = report(tmp_path, [seen, unseen, b"torn\n", b"\n"])
    coverage = found.coverage
    assert (found.events, coverage.malformed) == (2, 1)
    assert coverage.levels == {"Metadata": 1, "Request": 1}
    assert coverage.blind["privileged-container"] == 1
    assert (coverage.first, coverage.last) == (START + timedelta(seconds=10.003), START + timedelta(seconds=20.003))


@pytest.mark.parametrize("wrong", [{"userAgent": 5}, {"annotations": []}, {"apiVersion": "", "stage": ""}], ids=str)
def test_what_only_looks_like_an_event_a_rule_asks_about_is_malformed(tmp_path: Path, wrong: Event) -> None:
    found = report(tmp_path, [*execs(1), event(sub="exec", code=101) | wrong])
    assert (found.events, found.coverage.malformed, found.coverage.levels) == (1, 1, {"Metadata": 1})
    assert len(found.findings) == 1


@pytest.mark.parametrize(
    "put", [b'"\\ud800"', b'"\xff"', b"[" * 9000 + b"]" * 9000, b'{"a":' * 9000 + b"1" + b"}" * 9000, b"1e999"], ids=len
)
def test_no_body_that_the_api_server_takes_hides_its_event(tmp_path: Path, put: bytes) -> None:
    hiding = line(pod({"containers": [PRIVILEGED], "note": "put"})).replace(b'"put"', put)
    found = report(tmp_path, [hiding, *execs(1)])
    assert (found.events, found.coverage.malformed) == (2, 0)
    assert {finding.rule for finding in found.findings} == {"privileged-container", "exec-into-pod"}


CONTAINER = "/spec/template/spec/containers"


@pytest.mark.parametrize(
    ("operation", "made", "fires"),
    [
        ({"op": "copy", "path": f"{CONTAINER}/0/securityContext/privileged"}, [PRIVILEGED], True),
        ({"op": "move", "path": f"{CONTAINER}/0/securityContext"}, [PRIVILEGED], True),
        ({"op": "copy", "path": f"{CONTAINER}/-"}, [{}, PRIVILEGED], True),
        ({"op": "copy", "path": f"{CONTAINER}/1"}, [{}, PRIVILEGED], True),
        ({"op": "copy", "path": CONTAINER}, [PRIVILEGED], True),
        ({"op": "copy", "path": f"{CONTAINER}/0"}, [{}, PRIVILEGED], False),
        ({"op": "copy", "path": f"{CONTAINER}/7"}, [PRIVILEGED], False),
        ({"op": "copy", "path": f"{CONTAINER}/x"}, [PRIVILEGED], False),
        ({"op": "copy", "path": "/metadata/labels/a"}, [PRIVILEGED], False),
        ({"op": "test", "path": CONTAINER}, [PRIVILEGED], False),
    ],
    ids=str,
)
def test_what_a_patch_copies_is_judged_by_what_it_made(
    tmp_path: Path, operation: dict[str, str], made: list[Any], fires: bool
) -> None:
    asking = asked(event("patch", "deployments", "web"), [operation | {"from": "/metadata/annotations/a"}])
    whole = asking | {"responseObject": {"spec": {"template": {"spec": {"containers": made}}}}}
    found = report(tmp_path, [whole])
    assert [finding.rule for finding in found.findings] == ["privileged-container"] * fires
    assert "privileged-container" not in found.coverage.blind
    assert ("privileged-container" in report(tmp_path, [asking]).coverage.blind) is (operation["op"] != "test")


EVE = {"kind": "User", "name": "eve"}


@pytest.mark.parametrize(
    ("found", "role", "fires", "blind"),
    [
        ({"subjects": [EVE]}, "cluster-admin", True, True),
        ([{"op": "add", "path": "/subjects/-", "value": EVE}], "cluster-admin", True, True),
        ({"subjects": [EVE]}, "view", False, True),
        ([{"op": "remove", "path": "/subjects/0"}], "cluster-admin", False, True),
        ({"metadata": {"labels": {"a": "b"}}}, "cluster-admin", False, False),
    ],
    ids=str,
)
def test_who_joins_a_binding_is_judged_by_its_role(
    tmp_path: Path, found: object, role: str, fires: bool, blind: bool
) -> None:
    asking = asked(event("patch", "clusterrolebindings", "b", ""), found)
    told = report(tmp_path, [asking | {"responseObject": {"roleRef": {"name": role}}}])
    assert [finding.rule for finding in told.findings] == ["cluster-admin-binding"] * fires
    assert not told.coverage.blind
    assert ("cluster-admin-binding" in report(tmp_path, [asking]).coverage.blind) is blind


@pytest.mark.parametrize("odd", [None, [], [5], 5, "6.6.6.6", {}], ids=str)
def test_a_use_from_no_address_moves_no_token(tmp_path: Path, odd: object) -> None:
    uses = [from_address("10.88.0.5", seconds=number) for number in range(4)]
    assert (
        report(tmp_path, [uses[0], uses[1] | {"sourceIPs": odd}, uses[2] | {"sourceIPs": odd}, uses[3]]).findings == ()
    )


def test_sources_that_cannot_be_read_are_gaps(tmp_path: Path) -> None:
    found = detect([str(tmp_path / "absent.log")])
    assert (found.events, found.findings) == (0, ())
    assert [gap.reason for gap in found.coverage.gaps] == [GapReason.ABSENT]


def test_a_cut_gzip_is_judged_as_far_as_it_goes(tmp_path: Path) -> None:
    path = log(tmp_path / "audit.log.gz", execs(5000))
    path.write_bytes(path.read_bytes()[:-20])
    found = detect([str(path)])
    assert found.findings
    assert [gap.reason for gap in found.coverage.gaps] == [GapReason.TRUNCATED]


def test_a_window(tmp_path: Path) -> None:
    found = report(tmp_path, execs(10), since=START + timedelta(seconds=4), until=START + timedelta(seconds=7))
    assert len(found.findings[0].audit_ids) == 3


def test_many_pieces_in_many_processes_give_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    denials = [event("get", "secrets", f"s{number % 40}", code=403, seconds=number) for number in range(300)]
    events: list[Event | bytes] = [acting("root", "system:masters"), *execs(300), *denials]
    whole = report(tmp_path, events)
    monkeypatch.setattr(scan, "PIECE", 20_011)
    monkeypatch.setattr(scan, "WORTH", 0)
    assert report(tmp_path, events) == whole
    assert {finding.rule for finding in whole.findings} == {"exec-into-pod", "many-refusals", "impersonation"}


@pytest.mark.parametrize("worth", [0, 1 << 20])
@pytest.mark.parametrize("piece", [64, 1 << 20])
@pytest.mark.parametrize("more", [{}, {"since": START}, {"allow": Allow((Entry("x", users=("bob",)),))}])
def test_a_token_on_the_move_stands_on_its_first_use_at_each_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, worth: int, piece: int, more: dict[str, Any]
) -> None:
    monkeypatch.setattr(scan, "WORTH", worth)
    monkeypatch.setattr(scan, "PIECE", piece)
    places = ["10.88.0.5"] * 30 + ["6.6.6.6"] * 9 + ["10.88.0.5"] * 9
    events = [from_address(place, seconds=number) for number, place in enumerate(places)]
    (found,) = report(tmp_path, [*events], **more).findings
    assert (found.rule, found.reason) == (
        "token-on-the-move",
        "2 addresses used the token of one pod: 10.88.0.5, 6.6.6.6",
    )
    assert found.audit_ids == (events[0]["auditID"], events[30]["auditID"])


def test_the_first_use_is_the_first_in_time_in_whatever_order_logs_are_read(tmp_path: Path) -> None:
    uses = [
        [from_address(place, seconds=start + number) for number in range(3)]
        for start, place in ((9, "6.6.6.6"), (1, "10.88.0.5"))
    ]
    again = [from_address("10.88.0.5", seconds=20), from_address("6.6.6.6", seconds=21)]
    paths = [str(log(tmp_path / f"{number}.log", events)) for number, events in enumerate((again, *uses))]
    for order in permutations(paths):
        (found,) = detect(order).findings
        assert found.audit_ids == (uses[1][0]["auditID"], uses[0][0]["auditID"])
        assert found.reason.endswith("10.88.0.5, 6.6.6.6")


def test_memory_is_bounded_and_what_was_dropped_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for limit, most in {"GROUPS": 19, "LATE": 1, "IDS": 20, "ITEMS": 20}.items():
        monkeypatch.setattr(tally, limit, most)
    many: list[Event | bytes] = [event(sub="exec", code=101, name=f"web-{number}") for number in range(50)]
    found = report(tmp_path, many)
    assert (len(found.findings), found.coverage.dropped) == (20, 30)
    assert len(report(tmp_path, execs(50)).findings[0].audit_ids) == 20


def test_a_flood_of_findings_hides_no_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for limit, most in {"GROUPS": 20, "LATE": 2, "MOST": 40}.items():
        monkeypatch.setattr(tally, limit, most)
    flood: list[Event | bytes] = [event(sub="exec", code=101, name=f"web-{number}") for number in range(50)]
    deeds = [event(sub="exec", code=101, user="mallory"), event("get", sub="portforward", code=101)]
    found = report(tmp_path, [*flood, *deeds, *flood[:30], acting("root", "system:masters")])
    assert {(one.rule, one.actor) for one in found.findings} >= {
        ("exec-into-pod", "mallory"),
        ("port-forward", deeds[1]["user"]["username"]),
        ("impersonation", "alice as root"),
    }
    assert (len(found.findings) - 22, found.coverage.dropped) == (3, 28 + 8)
    actors: list[Event | bytes] = [event(sub="exec", code=101, user=f"u{number}") for number in range(50)]
    assert len(report(tmp_path, [*flood, *actors]).findings) == 40


def test_who_acts_as_whom(tmp_path: Path) -> None:
    (finding,) = report(tmp_path, [acting("root", "system:masters")]).findings
    assert finding.actor == "alice as root"


ALLOWED = """
- reason: the shop's own debugging
  rules: [exec-*, port-forward]
  users: ["system:serviceaccount:shop:*"]
  namespaces: [payments]
"""


def test_an_allow_list_excuses_what_it_names_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "allow.yaml").write_text(ALLOWED)
    allow = load(tmp_path / "allow.yaml")
    found = report(tmp_path, [*execs(2, user=SHOP), *execs(1), *execs(1, user=SHOP, namespace="db")], allow=allow)
    assert {finding.actor for finding in found.findings} == {SHOP, "alice"}
    assert found.coverage.allowed == {"exec-into-pod": 2}
    assert report(tmp_path, execs(1), allow=Allow((Entry("me", users=("alice",)),))).findings == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("- rules: [exec-into-pod]", "required field `reason`"),
        ("- {reason: x, users: [a], user: b}", "unknown field `user`"),
        ("- {reason: x, rules: [exec-into-pod]}", "entry 1 needs a reason and a user"),
        ("- {reason: ' ', users: [a]}", "entry 1 needs a reason"),
        ("- {reason: x, users: ['**'], names: ['?*', a]}", "entry 1 needs a reason and a user"),
        ("reason: x", "is not an allow-list"),
        ("[", "is not YAML"),
        ("- &a [*a]", "is not"),
    ],
)
def test_a_bad_allow_list_is_refused_with_its_reason(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "allow.yaml"
    path.write_text(text)
    with pytest.raises(UsageError, match=says):
        load(path)


def test_an_absent_allow_list_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read"):
        load(tmp_path / "absent.yaml")


@pytest.mark.parametrize(("namespaces", "found"), [(10, True), (9, False)])
def test_secrets_swept_namespace_by_namespace(tmp_path: Path, namespaces: int, found: bool) -> None:
    sweep = [event("list", "secrets", "", f"ns-{n}", user="eve", seconds=n) for n in range(namespaces)]
    report = detect([str(log(tmp_path / "audit.log", [*sweep, *sweep]))])
    assert ("secrets-gathered" in {one.rule for one in report.findings}) is found
