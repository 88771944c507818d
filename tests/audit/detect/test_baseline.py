"""A log of ordinary days becomes an allow-list; a person has the last word."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from irkit.audit.detect.allow.draft import draft
from irkit.audit.detect.allow.entries import Allow, load
from irkit.audit.detect.allow.learn import MANY, Baseline, learn
from irkit.audit.detect.detect import detect
from tests.audit.detect.cases import PRIVILEGED, SHOP, acting, binding, denied, from_address, pod, volume
from tests.audit.logs import Event, event, log
from tests.audit.shell import irkit

BACKUP = "system:serviceaccount:backup:velero"


def ordinary() -> list[Event | bytes]:
    """Agents on every node, a backup that runs commands, a nosy operator: all of it known."""
    agents = [
        pod({"containers": [PRIVILEGED], **volume("/")}, user="deployer") | {"auditID": str(number)}
        for number in (1, 2)
    ]
    execs = [event(sub="exec", code=101, name=f"db-0-{tail}", user=BACKUP) for tail in ("x2x7k", "b4b4b")]
    return [*agents, *execs, *(denied(number, user=SHOP) for number in range(12))]


def learned(path: Path, events: list[Event | bytes], allow: Allow = Allow()) -> Baseline:  # noqa: B008
    return learn([str(log(path / "ordinary.log", events))], allow=allow)


def written(path: Path, baseline: Baseline) -> Path:
    (path / "allow.yaml").write_text(draft(baseline), encoding="utf-8")
    return path / "allow.yaml"


def test_what_was_learned_is_no_finding_any_more_and_is_counted_as_unreviewed(tmp_path: Path) -> None:
    baseline = learned(tmp_path, ordinary())
    allow = load(written(tmp_path, baseline))
    report = detect([str(tmp_path / "ordinary.log")], allow=allow)
    assert report.findings == ()
    assert report.coverage.unreviewed == report.coverage.allowed
    assert report.coverage.allowed["exec-into-pod"] == 2
    assert allow.entries == tuple(habit.entry for habit in baseline.learned)


def test_rules_that_want_the_same_excuse_share_an_entry_and_generated_names_a_pattern(tmp_path: Path) -> None:
    entries = [habit.entry for habit in learned(tmp_path, ordinary()).learned]
    agents = next(entry for entry in entries if "privileged-container" in entry.rules)
    assert (set(agents.rules), agents.users) == ({"privileged-container", "host-path"}, ("deployer",))
    backup = next(entry for entry in entries if BACKUP in entry.users)
    assert (backup.namespaces, backup.names) == (("payments",), ("db-0-*",))
    nosy = next(entry for entry in entries if "many-refusals" in entry.rules)
    assert (nosy.users, nosy.namespaces, nosy.names) == ((SHOP,), ("*",), ("*",))


def test_many_names_become_any_name_of_the_namespace(tmp_path: Path) -> None:
    (habit,) = learned(tmp_path, [event(sub="exec", name=f"pod{number}") for number in range(MANY)]).learned
    assert (habit.entry.names, habit.entry.namespaces, habit.times) == (("*",), ("payments",), MANY)


def test_somebody_else_somewhere_else_is_still_a_finding(tmp_path: Path) -> None:
    allow = load(written(tmp_path, learned(tmp_path, ordinary())))
    strange: list[Event | bytes] = [
        event(sub="exec", name="db-0-x2x7k", user="eve"),
        event(sub="exec", name="db-0-x2x7k", namespace="shop", user=BACKUP),
        event(sub="exec", name="web-1", user=BACKUP),
    ]
    report = detect([str(log(tmp_path / "now.log", strange))], allow=allow)
    assert sum(len(finding.audit_ids) for finding in report.findings) == 3


def test_what_is_critical_is_never_learned_but_shown_in_comments(tmp_path: Path) -> None:
    baseline = learned(tmp_path, [binding("cluster-admin"), event(sub="exec")])
    assert [habit.entry.rules for habit in baseline.grave] == [("cluster-admin-binding",)]
    text = draft(baseline)
    assert '# - reason: "learned' in text
    assert detect([str(tmp_path / "ordinary.log")], allow=load(written(tmp_path, baseline))).findings[0].rule == (
        "cluster-admin-binding"
    )
    bared = text.partition("what you know:\n")[2].replace("# ", "").replace("critical", "# critical")
    (tmp_path / "bared.yaml").write_text(bared, encoding="utf-8")
    assert load(tmp_path / "bared.yaml").entries[0].rules == ("cluster-admin-binding",)


@pytest.mark.parametrize(
    "user", ["*", "[a-z]*", "eve\n- reason: x\n  users: ['*']", 'a"b\\', "\u202eeve\U0001f600", ""]
)
def test_a_hostile_name_stays_a_name(tmp_path: Path, user: str) -> None:
    baseline = learned(tmp_path, [event(sub="exec", user=user)])
    (entry,) = load(written(tmp_path, baseline)).entries
    assert entry == baseline.learned[0].entry
    others: list[Event | bytes] = [event(sub="exec", user="alice"), event(sub="exec", user=user)]
    report = detect([str(log(tmp_path / "now.log", others))], allow=load(tmp_path / "allow.yaml"))
    assert [finding.actor for finding in report.findings] == ["alice"]


def test_only_what_is_not_excused_yet_is_learned(tmp_path: Path) -> None:
    allow = load(written(tmp_path, learned(tmp_path, ordinary())))
    again = learned(tmp_path, [*ordinary(), acting("root", "system:masters")], allow)
    assert [habit.entry.rules for habit in again.learned] == [("impersonation",)]
    assert again.learned[0].entry.users == ("alice",)


def test_a_rule_that_counts_over_all_time_is_learned_too(tmp_path: Path) -> None:
    events: list[Event | bytes] = [from_address("10.88.0.5", seconds=number) for number in range(5)]
    (habit,) = learned(tmp_path, [*events, from_address("6.6.6.6", seconds=86_400)]).learned
    assert (habit.entry.rules, habit.times) == (("token-on-the-move",), 6)


def test_a_quiet_log_teaches_nothing(tmp_path: Path) -> None:
    assert load(written(tmp_path, learned(tmp_path, [event()]))).entries == ()


def test_the_command_writes_once_and_says_what_it_could_not_read(tmp_path: Path) -> None:
    path, out = log(tmp_path / "audit.log", ordinary()), tmp_path / "allow.yaml"
    told = irkit("audit", "baseline", path, "--out", out)
    assert (told.stdout, "3 habits learned" in told.stderr) == ("", True)
    assert "exists" in irkit("audit", "baseline", path, "--out", out, code=2).stderr
    assert irkit("audit", "baseline", path).stdout.startswith("# Learned by")
    assert irkit("audit", "detect", path, "--allow", out).stdout.count("unreviewed: ") == 4
    whole = json.loads(irkit("audit", "baseline", path, tmp_path / "absent", "-o", "json", code=4).stdout)
    assert len(whole["learned"]) == 3
    assert "cannot write" in irkit("audit", "baseline", path, "--out", tmp_path / "no" / "file", code=2).stderr
