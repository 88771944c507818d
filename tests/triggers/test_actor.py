"""What a worker makes of one job: by the actor itself, on the practice cluster."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest

from irkit import times
from irkit.errors import UsageError
from irkit.model.alert import Alert, AlertStatus
from irkit.model.audit import Severity
from irkit.model.codec import compact
from irkit.model.run import Status
from irkit.playbook import engine, find, lint, runs
from irkit.playbook.approvals import desk as approvals
from irkit.playbook.approvals.standing import Person
from irkit.playbook.journal import log
from irkit.playbook.rails.lint import parse
from irkit.playbook.rails.memory import Memory
from irkit.times import now
from irkit.triggers.orders.act import Actor, run_of
from irkit.triggers.orders.order import Order
from irkit.triggers.queue.protocol import Job
from irkit.triggers.queue.work import Finished, Hopeless, Later
from tests.playbook.practice import NAMESPACE, Practice
from tests.triggers.scene import RAILS


def actor(practice: Practice) -> Actor:
    return Actor(practice.home, parse(RAILS.format(namespace=NAMESPACE)), practice.settings())


def job(practice: Practice, number: int = 1, pod: str = "", *, sha256: str = "") -> Job:
    alert = Alert("prom", "k", AlertStatus.FIRING, Severity.HIGH, now(), "Shell", "", "0" * 64)
    pinned = find.load("compromised-pod")
    inputs = {"namespace": NAMESPACE, "pod": pod or practice.pod}
    order = Order("prom", now(), "0" * 64, None, alert, "any", "compromised-pod", sha256 or pinned.sha256, inputs)
    return of(compact(order), number)


def of(body: bytes, number: int = 1) -> Job:
    return Job(number, "alert", f"k{number}", body, "", 1, 1, now(), now())


def test_the_rails_say_when_and_a_second_look_is_not_a_second_attempt(practice: Practice) -> None:
    first, second, moment = job(practice), job(practice, 2), now()
    acting = replace(actor(practice), clock=lambda: moment)
    assert acting.act(first, Event()) == Finished(run_of(first))
    waits = acting.act(second, Event())
    assert isinstance(waits, Later)
    assert not waits.counts
    journal = log.read(runs.locate(practice.home, run_of(second)))
    (decision,) = [record["decision"] for record in journal if record["kind"] == "rails.decided"]
    assert moment + waits.after == times.parse(decision["until"])
    assert acting.act(second, Event()) == waits
    assert log.read(runs.locate(practice.home, run_of(second))) == journal, "it was not driven before its time"
    later = replace(acting, clock=lambda: now() + timedelta(hours=2))
    assert later.act(second, Event()) == Finished(run_of(second))
    assert len(practice.policies()) == 1


def test_a_job_done_once_more_is_the_run_that_has_ended(practice: Practice) -> None:
    acting, order = actor(practice), job(practice)
    assert acting.act(order, Event()) == acting.act(order, Event()) == Finished(run_of(order))
    assert runs.ids(practice.home) == [run_of(order)]


def test_who_lost_the_lease_changes_nothing_and_the_heir_does(practice: Practice) -> None:
    lost, order = Event(), job(practice)
    lost.set()
    ending = actor(practice).act(order, lost)
    assert isinstance(ending, Later)
    assert "lease" in ending.why
    assert practice.released()
    assert actor(practice).act(order, Event()) == Finished(run_of(order))
    assert len(practice.policies()) == 1


def test_a_pod_that_is_gone_is_a_failure_that_counts(practice: Practice) -> None:
    ending = actor(practice).act(job(practice, pod="gone"), Event())
    assert isinstance(ending, Later)
    assert (ending.counts, "resolve" in ending.why) == (True, True)
    assert runs.show(practice.home, "last").record.status is Status.FAILED


def test_another_playbook_than_the_one_accepted_is_not_run(practice: Practice) -> None:
    with pytest.raises(UsageError, match="not the one"):
        actor(practice).act(job(practice, sha256="f" * 64), Event())
    assert runs.ids(practice.home) == []


def test_the_playbook_of_the_server_is_run_though_its_file_has_changed(practice: Practice) -> None:
    pinned = find.load("compromised-pod")
    meant = replace(pinned, text=pinned.text + "# as it was\n")
    acting = replace(actor(practice), books={"compromised-pod": meant})
    order = job(practice, sha256=meant.sha256)
    assert acting.act(order, Event()) == Finished(run_of(order))
    assert runs.show(practice.home, "last").record.playbook_sha256 == meant.sha256


@pytest.mark.parametrize("body", [b"{", b"{}", compact(Order("prom", now(), "0" * 64))])
def test_what_orders_nothing_is_hopeless(tmp_path: Path, body: bytes) -> None:
    acting = Actor(tmp_path, parse(RAILS.format(namespace=NAMESPACE)), engine.Settings())
    assert isinstance(acting.act(of(body), Event()), Hopeless)


def test_a_run_that_was_tampered_with_is_left_alone(practice: Practice) -> None:
    acting, order = actor(practice), job(practice)
    acting.act(order, Event())
    engine.undo(run_of(order), practice.setup())
    path = runs.locate(practice.home, run_of(order)) / log.FILE
    text = path.read_text()
    path.write_text(text.replace('"dry_run":false', '"dry_run":true'))
    assert isinstance(acting.act(order, Event()), Hopeless)
    path.write_text(text)


def test_a_run_that_another_process_drives_is_waited_for(practice: Practice) -> None:
    acting, order = actor(practice), job(practice)
    acting.act(order, Event())
    with log.opened(runs.locate(practice.home, run_of(order)), now):
        ending = acting.act(order, Event())
    assert isinstance(ending, Later)
    assert not ending.counts


GATED = """\
apiVersion: irkit/v1
kind: Playbook
metadata: {name: gated, version: 1.0.0}
inputs:
  namespace: {type: string, required: true, pattern: '[a-z0-9-]+'}
  pod: {type: string, required: true, pattern: '[a-z0-9.-]+'}
steps:
  - {id: resolve, uses: pod.resolve@1, with: {namespace: '${{ inputs.namespace }}', pod: '${{ inputs.pod }}'}}
  - {id: gate, approve: {prompt: 'Isolate it?', roles: [ir-lead], timeout: 15m}}
  - {id: isolate, uses: pod.isolate@1}
"""


@pytest.fixture
def gated(practice: Practice) -> Actor:
    return replace(actor(practice), books={"compromised-pod": lint.parse(GATED)})


def test_a_run_that_asks_people_is_put_off_until_they_answer(practice: Practice, gated: Actor) -> None:
    order = job(practice, sha256=gated.books["compromised-pod"].sha256)
    waits = gated.act(order, Event())
    assert isinstance(waits, Later)
    assert not waits.counts
    assert "gate asks for approval" in waits.why
    journal = log.read(runs.locate(practice.home, run_of(order)))
    assert isinstance(gated.act(order, Event()), Later)
    assert log.read(runs.locate(practice.home, run_of(order))) == journal, "looking is not driving"
    approvals.approve(practice.home, run_of(order), Person("ana", ("ir-lead",)), now())
    assert gated.act(order, Event()) == Finished(run_of(order))
    assert len(practice.policies()) == 1


def test_an_approval_does_not_outdo_a_freeze(practice: Practice, gated: Actor) -> None:
    order, memory = job(practice, sha256=gated.books["compromised-pod"].sha256), Memory(practice.home)
    gated.act(order, Event())
    approvals.approve(practice.home, run_of(order), Person("ana", ("ir-lead",)), now())
    memory.freeze("ana", "wait", now())
    assert isinstance(gated.act(order, Event()), Later)
    assert practice.released()
    memory.thaw("ana", now())
    assert gated.act(order, Event()) == Finished(run_of(order))
    assert len(practice.policies()) == 1


def test_nobody_answers_and_the_job_ends_at_the_expiry(practice: Practice, gated: Actor) -> None:
    order = job(practice, sha256=gated.books["compromised-pod"].sha256)
    gated.act(order, Event())
    late = replace(gated, clock=lambda: now() + timedelta(minutes=20))
    assert late.act(order, Event()) == Finished(run_of(order))
    assert runs.show(practice.home, "last").record.status is Status.REFUSED
    assert practice.released()


def test_who_changes_the_rails_asks_again(practice: Practice, gated: Actor) -> None:
    order = job(practice, sha256=gated.books["compromised-pod"].sha256)
    gated.act(order, Event())
    approvals.approve(practice.home, run_of(order), Person("ana", ("ir-lead",)), now())
    other = replace(gated, rules=parse(RAILS.format(namespace=NAMESPACE) + "cooldown: 2h\n"))
    assert isinstance(other.act(order, Event()), Later)
    assert practice.released()


def test_a_job_that_the_rails_put_off_is_cancelled_for_good(practice: Practice) -> None:
    acting, first, second = actor(practice), job(practice), job(practice, 2)
    acting.act(first, Event())
    assert isinstance(acting.act(second, Event()), Later)
    approvals.cancel(practice.home, run_of(second), Person("ana"), now())
    before = log.read(runs.locate(practice.home, run_of(second)))
    assert acting.act(second, Event()) == Finished(run_of(second))
    assert log.read(runs.locate(practice.home, run_of(second))) == before


def test_a_cancelled_job_ends(practice: Practice, gated: Actor) -> None:
    order = job(practice, sha256=gated.books["compromised-pod"].sha256)
    gated.act(order, Event())
    approvals.cancel(practice.home, run_of(order), Person("ana"), now())
    assert gated.act(order, Event()) == Finished(run_of(order))
    assert runs.show(practice.home, "last").record.steps[1].summary == "cancelled by ana"
