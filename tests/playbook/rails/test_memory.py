"""What the rails remember, through processes and threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from irkit.playbook.rails.decide import decide
from irkit.playbook.rails.facts import Decision, Deed
from irkit.playbook.rails.memory import Freeze, Memory, RailsError
from irkit.playbook.rails.policy import LONGEST, Budget
from tests.playbook.rails.hands import FACTS, NOW, deed, pod, policy


def remember(memory: Memory, made: Deed) -> None:
    decision = Decision(decide(policy(), FACTS).ruling)
    memory.decide(lambda *_: (decision, made), made.cluster, NOW)


def test_deeds_are_remembered_for_their_cluster_and_their_time(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "new")
    old, new = deed(timedelta(hours=2)), deed(timedelta(hours=1), run="r-2", real=False)
    for one in (new, old, deed(timedelta(0), run="r-3", cluster="https://other")):
        remember(memory, one)
    assert Memory(tmp_path / "new").deeds("https://c", NOW) == (old, new)
    assert memory.deeds("https://c", NOW, timedelta(minutes=90)) == (new,)
    assert memory.path.stat().st_mode & 0o777 == 0o600


def test_the_same_step_again_is_the_same_deed_and_the_old_are_forgotten(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    remember(memory, deed(LONGEST, run="ancient"))
    remember(memory, deed(timedelta(hours=1)))
    memory.failed("r-0", "isolate")
    assert [one.failed for one in memory.deeds("https://c", NOW)] == [True]
    again = deed(timedelta(0))
    remember(memory, again)
    assert memory.deeds("https://c", NOW, LONGEST * 2) == (again,)


def test_workers_do_not_share_what_is_left_of_a_budget(tmp_path: Path) -> None:
    budget = policy(budgets=(Budget(3, "10m"),))

    def worker(number: int) -> bool:
        about = replace(pod(uid=f"u-{number}", workload=""), run=f"r-{number}")

        def ask(deeds: tuple[Deed, ...], _: Freeze | None) -> tuple[Decision, Deed | None]:
            decision = decide(budget, replace(about, deeds=deeds))
            made = deed(timedelta(0), run=about.run, uid=about.subject.uid)
            return decision, made if decision.passes else None

        return Memory(tmp_path).decide(ask, FACTS.cluster, NOW).passes

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(worker, range(16))) == 3


def test_freeze_and_thaw(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    assert memory.frozen() is None
    assert memory.thaw("ana", NOW) is None
    first = memory.freeze("ana", "drill", NOW)
    assert memory.freeze("ben", "me too", NOW) == first == Memory(tmp_path).frozen()
    assert "ana" in str(first)
    assert memory.thaw("ben", NOW) == first
    assert memory.frozen() is None


def test_what_cannot_be_remembered_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "rails.db").write_text("no database, but long enough to be looked at" * 20)
    with pytest.raises(RailsError):
        Memory(tmp_path).frozen()


def test_an_error_within_a_decision_leaves_nothing(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    with pytest.raises(ZeroDivisionError):
        memory.decide(lambda *_: 1 / 0, "https://c", NOW)  # type: ignore[arg-type]
    assert memory.deeds("https://c", NOW) == ()
