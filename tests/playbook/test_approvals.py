"""Runs that ask people: who may answer, to what, until when; and what becomes of the run."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from os import sched_yield
from pathlib import Path
from threading import Thread

import pytest
from typer.testing import CliRunner

from irkit.cli.commands import load
from irkit.cluster.resources import PODS
from irkit.errors import Exit, Refused, UsageError
from irkit.model.run import RunRecord, Status
from irkit.playbook import engine, lint, runs
from irkit.playbook.approvals import desk, people
from irkit.playbook.approvals.standing import Answer, Person
from irkit.playbook.journal import log
from irkit.times import now
from tests.playbook.practice import Practice

ANA = Person("ana", ("ir-lead",))
BEN = Person("ben", ("ir-lead", "on-call"), "token")
EVE = Person("eve", ("on-call",))
TESTER = Person("tester", ("ir-lead",))  # who starts every run of Practice

TEXT = """\
apiVersion: irkit/v1
kind: Playbook
metadata: {name: gated, version: 1.0.0}
inputs:
  namespace: {type: string, required: true, pattern: '[a-z0-9-]+'}
  pod: {type: string, required: true, pattern: '[a-z0-9.-]+'}
  audit: {type: paths, default: []}
steps:
  - {id: resolve, uses: pod.resolve@1, with: {namespace: '${{ inputs.namespace }}', pod: '${{ inputs.pod }}'}}
  - id: gate
    approve:
      prompt: 'Isolate ${{ inputs.namespace }}/${{ inputs.pod }}?'
      roles: [ir-lead]
      not: [initiator]
      timeout: 15m
  - {id: isolate, uses: pod.isolate@1, needs: [gate]}
always:
  - {id: report, uses: report.write@1, needs: [resolve]}
  - {id: seal, uses: bundle.seal@1, needs: [resolve]}
"""


@pytest.fixture
def gated(practice: Practice) -> Iterator[Path]:
    practice.home.mkdir(exist_ok=True)
    path = practice.home / "gated.yaml"
    path.write_text(TEXT)
    yield path
    if runs.ids(practice.home):
        engine.undo("last", practice.setup())
    assert practice.released()


def at(practice: Practice, when: datetime) -> engine.Setup:
    return replace(practice.setup(), clock=lambda: when)


def statuses(record: RunRecord) -> dict[str, Status]:
    return {one.id: one.status for one in record.steps}


def test_a_run_waits_without_a_process_and_goes_on_once_approved(practice: Practice, gated: Path) -> None:
    record = practice.run(str(gated))
    assert record.status is Status.WAITING
    assert record.status.exit_code is Exit.REFUSED
    assert statuses(record) == {"resolve": Status.DONE, "gate": Status.WAITING}
    with log.opened(runs.locate(practice.home, "r-1"), now):
        pass  # nobody drives it
    assert practice.released()
    standing = desk.pending(practice.home, "r-1")
    assert standing
    assert standing.question.prompt == f"Isolate payments/{practice.pod}?"
    assert "isolate: pod.isolate@1 (mutate)" in standing.question.ahead

    again = engine.resume("r-1", practice.setup())
    assert again.status is Status.WAITING
    assert len(practice.kinds("approval.asked")) == 1, "resuming asks the same question"

    assert desk.approve(practice.home, "r-1", ANA, now(), note="seen it").answer(now()) is Answer.APPROVED
    assert practice.released(), "answering drives nothing"
    done = engine.resume("r-1", practice.setup())
    assert statuses(done)["gate"] is Status.DONE
    assert statuses(done)["isolate"] is Status.DONE
    assert next(one for one in done.steps if one.id == "gate").summary == "approved by ana"
    assert practice.quarantined()
    (vote,) = practice.kinds("approval.given")
    assert vote["vote"]["person"] == {"name": "ana", "roles": ["ir-lead"], "how": "os-user", "os_user": ""}
    assert desk.pending(practice.home, "r-1") is None
    with pytest.raises(UsageError, match="waits for nobody"):
        desk.approve(practice.home, "r-1", ANA, now())


def test_one_denial_denies_and_evidence_is_still_sealed(practice: Practice, gated: Path) -> None:
    practice.run(str(gated))
    desk.deny(practice.home, "r-1", BEN, now(), note="it is the load test")
    record = engine.resume("r-1", practice.setup())
    assert statuses(record) == {
        "resolve": Status.DONE,
        "gate": Status.REFUSED,
        "isolate": Status.SKIPPED,
        "report": Status.DONE,
        "seal": Status.DONE,
    }
    assert record.steps[1].summary == "denied by ben: it is the load test"
    assert record.status is Status.REFUSED
    assert practice.released()


@pytest.mark.parametrize(("person", "why"), [(TESTER, "started run"), (EVE, "it takes ir-lead, and eve has on-call")])
def test_who_may_not_answer_is_told_why(practice: Practice, gated: Path, person: Person, why: str) -> None:
    practice.run(str(gated))
    for say in (desk.approve, desk.deny):
        with pytest.raises(Refused, match=why):
            say(practice.home, "r-1", person, now())
    assert not practice.kinds("approval.given")
    with pytest.raises(Refused, match="started run"):
        desk.approve(practice.home, "r-1", Person("t.", ("ir-lead",), "token", "tester"), now())


def test_a_quorum_takes_different_people(practice: Practice, gated: Path) -> None:
    gated.write_text(TEXT.replace("roles: [ir-lead]", "roles: [ir-lead]\n      quorum: 2"))
    practice.run(str(gated))
    for _ in range(2):
        assert desk.approve(practice.home, "r-1", ANA, now()).answer(now()) is Answer.OPEN
    assert engine.resume("r-1", practice.setup()).status is Status.WAITING
    assert desk.approve(practice.home, "r-1", BEN, now()).answer(now()) is Answer.APPROVED
    record = engine.resume("r-1", practice.setup())
    assert record.steps[1].summary == "approved by ana, ben"
    assert practice.quarantined()


@pytest.mark.parametrize(("then", "isolated"), [("deny", False), ("continue", True)])
def test_without_an_answer_in_time_the_playbook_says_what_then(
    practice: Practice, gated: Path, then: str, isolated: bool
) -> None:
    gated.write_text(TEXT.replace("timeout: 15m", f"timeout: 15m\n      on_timeout: {then}"))
    practice.run(str(gated))
    late = now() + timedelta(minutes=16)
    with pytest.raises(Refused, match="expired"):
        desk.approve(practice.home, "r-1", ANA, late)
    record = engine.resume("r-1", at(practice, late))
    assert statuses(record)["gate"] is (Status.DONE if isolated else Status.REFUSED)
    assert practice.quarantined() is isolated


ESCALATE = "timeout: 15m\n      on_timeout: escalate\n      escalate: {roles: [ciso], timeout: 30m}"


def test_without_an_answer_in_time_others_are_asked_once(practice: Practice, gated: Path) -> None:
    gated.write_text(TEXT.replace("timeout: 15m", ESCALATE))
    practice.run(str(gated))
    late = now() + timedelta(minutes=16)
    record = engine.resume("r-1", at(practice, late))
    assert record.status is Status.WAITING
    assert record.steps[1].summary.startswith("waits for 1 of ciso, asked since nobody else answered, until ")
    with pytest.raises(Refused, match="it takes ciso"):
        desk.approve(practice.home, "r-1", ANA, late)
    with pytest.raises(Refused, match="started run"):
        desk.approve(practice.home, "r-1", replace(TESTER, roles=("ciso",)), late)
    desk.approve(practice.home, "r-1", Person("kim", ("ciso",)), late)
    assert engine.resume("r-1", at(practice, late)).steps[1].summary == "approved by kim"
    assert practice.quarantined()


def test_when_nobody_answers_those_asked_last_either_it_is_denied(practice: Practice, gated: Path) -> None:
    gated.write_text(TEXT.replace("timeout: 15m", ESCALATE))
    practice.run(str(gated))
    assert engine.resume("r-1", at(practice, now() + timedelta(minutes=16))).status is Status.WAITING
    record = engine.resume("r-1", at(practice, now() + timedelta(minutes=47)))
    assert statuses(record)["gate"] is Status.REFUSED
    assert len(practice.kinds("approval.asked")) == 2
    assert practice.released()


@pytest.mark.parametrize(
    ("added", "problem"),
    [
        ("on_timeout: escalate", "escalate to whom?"),
        ("escalate: {roles: [ciso]}", "nobody is asked unless on_timeout says escalate"),
        ("on_timeout: escalate\n      escalate: {roles: []}", "length >= 1"),
        ("on_timeout: escalate\n      escalate: {role: ciso}", "role"),
    ],
)
def test_an_escalation_that_reaches_nobody_is_refused_at_load(added: str, problem: str) -> None:
    found = lint.lint(TEXT.replace("timeout: 15m", f"timeout: 15m\n      {added}"))
    assert any(problem in str(one) for one in found), found


def test_an_answer_that_nobody_made_use_of_in_time_is_asked_for_again(practice: Practice, gated: Path) -> None:
    practice.run(str(gated))
    desk.approve(practice.home, "r-1", ANA, now())
    record = engine.resume("r-1", at(practice, now() + timedelta(minutes=20)))
    assert record.status is Status.WAITING
    assert len(practice.kinds("approval.asked")) == 2
    assert practice.released()


def test_a_plan_changed_since_voids_the_answer(practice: Practice, gated: Path) -> None:
    practice.run(str(gated))
    shown = desk.pending(practice.home, "r-1")
    assert shown
    desk.approve(practice.home, "r-1", ANA, now(), plan_sha256=shown.question.plan_sha256)
    elsewhere = practice.settings(url=f"file://{practice.home}/elsewhere")
    record = engine.resume("r-1", practice.setup(), settings=elsewhere)
    assert record.status is Status.WAITING
    assert practice.released()
    with pytest.raises(Refused, match="the plan has changed"):
        desk.approve(practice.home, "r-1", ANA, now(), plan_sha256=shown.question.plan_sha256)
    desk.approve(practice.home, "r-1", ANA, now())
    assert engine.resume("r-1", practice.setup()).status is not Status.WAITING


def test_a_waiting_run_cancelled_seals_what_it_has_and_stays_so(practice: Practice, gated: Path) -> None:
    practice.run(str(gated))
    desk.cancel(practice.home, "r-1", EVE, now(), note="wrong pod")
    record = engine.resume("r-1", practice.setup())
    assert statuses(record)["gate"] is Status.REFUSED
    assert record.steps[1].summary == "cancelled by eve: wrong pod"
    assert statuses(record)["seal"] is Status.DONE
    assert practice.released()
    before = practice.journal()
    assert engine.resume("r-1", practice.setup()).status is Status.REFUSED
    assert practice.journal() == before
    with pytest.raises(UsageError, match="has ended"):
        desk.cancel(practice.home, "r-1", EVE, now())


def test_a_run_cancelled_while_it_is_driven_takes_no_further_step(practice: Practice) -> None:
    def cancel() -> None:
        Thread(target=desk.cancel, args=(practice.home, "r-1", EVE, now())).start()
        while not (practice.home / "runs/r-1" / desk.CANCEL).exists():
            sched_yield()

    practice.progress.at("ended resolve", cancel)
    record = practice.run()
    assert statuses(record)["isolate"] is Status.REFUSED
    assert statuses(record)["collect"] is Status.SKIPPED
    assert statuses(record)["ship"] is Status.DONE
    assert practice.released()


def test_a_dry_run_asks_nobody(practice: Practice, gated: Path) -> None:
    record = practice.run(str(gated), dry_run=True)
    assert statuses(record)["gate"] is Status.DONE
    assert record.steps[1].summary == "dry run: would ask people for their approval"


PEOPLE = """\
apiVersion: irkit/v1
kind: Approvers
people:
  ana: {roles: [ir-lead], os_user: root}
  ben: {roles: [on-call], token_sha256: SHA256}
""".replace("SHA256", hashlib.sha256(b"correct horse battery").hexdigest())


def test_people_are_known_by_os_user_or_token(tmp_path: Path) -> None:
    (tmp_path / people.FILE).write_text(PEOPLE)
    approvers = people.read(tmp_path, {})
    assert people.of_user(approvers, 0) == Person("ana", ("ir-lead",), "os-user", "root")
    assert people.of_user(approvers, 54321) == Person("uid 54321", (), "os-user", "uid 54321")
    assert people.of_token(approvers, "correct horse battery") == Person("ben", ("on-call",), "token", "")
    for wrong in ("correct horse batter", "short", ""):
        with pytest.raises(Refused):
            people.of_token(approvers, wrong)
    assert people.read(tmp_path / "none", {}).people == {}


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("roles: [ir-lead]", "roles: lead", "4:9: roles: Expected `array`"),
        ("os_user: root", "user: root", "4:27: unknown key 'user'"),
        ("kind: Approvers", "kind: Rails", "2:1: kind: Invalid enum value"),
        ("ben:", "ana:", '5:3: found duplicate key "ana"'),
        ("token_sha256: ", "os_user: root, token_sha256: ", "5:27: ana has the same os_user"),
        ("people:", "people: [", "5:3: expected"),
    ],
)
def test_a_file_of_people_that_is_wrong_is_told_where(tmp_path: Path, old: str, new: str, problem: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(PEOPLE.replace(old, new))
    with pytest.raises(UsageError) as caught:
        people.read(tmp_path, {"IRKIT_APPROVERS": str(path)})
    assert problem in caught.value.message
    with pytest.raises(UsageError, match="cannot read"):
        people.read(tmp_path, {"IRKIT_APPROVERS": str(tmp_path / "none")})


def test_what_is_wrong_with_an_approval_is_told_where() -> None:
    text = TEXT.replace("timeout: 15m", "timeout: soon\n      on_timeout: maybe\n      quorum: 0\n      why: x")
    found = [str(problem) for problem in lint.lint(text)]
    assert [re.split("(?<=[a-z]): ", one)[0].removesuffix(" 'why'; the keys") for one in found] == [
        "15:7: timeout",
        "16:7: on_timeout",
        "17:7: quorum",
        "18:7: unknown key",
    ], found
    both = TEXT.replace("  - id: gate\n", "  - id: gate\n    uses: pod.isolate@1\n")
    assert [str(one) for one in lint.lint(both)] == ["12:5: one step cannot have both 'uses' and 'approve'"]
    assert [str(one) for one in lint.lint(TEXT.replace("inputs.pod }}?", "inputs.pood }}?"))] == [
        "12:7: no such input: pood"
    ]


def test_commands_ask_answer_and_go_on(practice: Practice, gated: Path, tmp_path: Path) -> None:
    token = tmp_path / "ben.token"
    token.write_text("correct horse battery\n")
    (practice.home / people.FILE).write_text(PEOPLE.replace("on-call", "ir-lead"))

    def irkit(*words: str, code: int = 0) -> str:
        env = {"IRKIT_HOME": str(practice.home), "KUBECONFIG": str(practice.range.kubeconfig)}
        ended = CliRunner().invoke(load(), words, env=env)
        assert ended.exit_code == code, (ended.output, ended.exception)
        return ended.output

    given = ("-i", "namespace=payments", "-i", f"pod={practice.pod}", "--store", f"file://{practice.store}")
    text = irkit("playbook", "run", str(gated), *given, code=3)
    run_id = runs.ids(practice.home)[0]
    assert f"irkit run approve {run_id}" in text
    assert f"asks       Isolate payments/{practice.pod}?" in irkit("run", "show", "last")
    assert "started run" in irkit("run", "approve", "last", code=3), "root started it, and ana is root"
    assert "nobody has this token" in irkit("run", "deny", "last", "--token-file", str(gated), code=3)
    assert "cannot read" in irkit("run", "deny", "last", "--token-file", "/nowhere", code=2)
    plan = ("--plan", "0" * 64)
    assert "the plan has changed" in irkit("run", "approve", "last", "--token-file", str(token), *plan, code=3)
    assert "gate: approved" in irkit("run", "approve", "last", "--token-file", str(token), "--note", "seen")
    irkit("run", "resume", "last")
    assert practice.quarantined()
    assert "has ended" in irkit("run", "cancel", "last", code=2)
    place, label = PODS.path("payments", practice.pod), "/metadata/labels/extra"
    practice.cluster.patch(place, [{"op": "add", "path": label, "value": "theirs"}])
    assert "try: look at the pod" in irkit("run", "undo", "last", code=3)
    practice.cluster.patch(place, [{"op": "remove", "path": label}])
    irkit("run", "undo", "last")


def test_commands_cancel(practice: Practice, gated: Path) -> None:
    practice.run(str(gated))
    env = {"IRKIT_HOME": str(practice.home)}
    told = CliRunner().invoke(load(), ["run", "cancel", "last", "--note", "drill"], env=env)
    assert told.exit_code == 0, told.output
    assert "cancelled by" in told.output
    assert desk.pending(practice.home, "r-1") is None
