"""What holds for every policy and every history."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from irkit.model.audit import Severity
from irkit.playbook.rails.decide import decide
from irkit.playbook.rails.facts import Deed, Facts, Occasion, Ruling, Subject
from irkit.playbook.rails.policy import Allow, Breaker, Budget, Deny, Mode, Policy, Workload, span
from tests.playbook.rails.hands import ISOLATE, NOW

ACTIONS = (ISOLATE, "pod.release@1")
NAMESPACES = ("payments", "shop-1", "kube-system")
TRIGGERS = ("alertmanager", "falco")
SPANS = st.sampled_from(["0s", "30s", "2m", "10m", "1h"])
WORKLOADS = ("", "Deployment/web", "DaemonSet/agent")

budgets = st.builds(
    Budget,
    st.integers(0, 4),
    st.sampled_from(["30s", "2m", "10m", "1h"]),
    st.sampled_from(["cluster", "namespace", "action"]),
)
some = st.lists(st.sampled_from(NAMESPACES), min_size=1, max_size=2).map(tuple)
policies = st.builds(
    Policy,
    mode=st.sampled_from(Mode),
    allow=st.lists(
        st.builds(
            Allow,
            st.lists(st.sampled_from(ACTIONS), min_size=1, max_size=3).map(tuple),
            st.lists(st.sampled_from(["*", *NAMESPACES]), min_size=1, max_size=3).map(tuple),
            min_severity=st.sampled_from(Severity),
        ),
        max_size=3,
    ).map(tuple),
    deny=st.one_of(st.just(()), st.tuples(st.builds(Deny, st.just("no"), namespaces=some))),
    budgets=st.lists(budgets, max_size=3).map(tuple),
    workload=st.builds(Workload, st.integers(0, 2), st.integers(0, 100), SPANS),
    cooldown=SPANS,
    breaker=st.builds(Breaker, st.integers(1, 3), SPANS, SPANS),
)
subjects = st.builds(
    Subject,
    st.sampled_from(NAMESPACES),
    st.just("web"),
    st.sampled_from(["u-1", "u-2", "u-3", "u-4"]),
    workload=st.sampled_from(WORKLOADS),
    replicas=st.integers(0, 9),
    mirror=st.booleans(),
    control_plane=st.sampled_from([None, False, False, True]),
)
deeds = st.builds(
    Deed,
    st.sampled_from(["r-1", "r-2", "r-3"]),
    st.sampled_from(["isolate", "again"]),
    st.integers(-7200, 60).map(lambda seconds: NOW + timedelta(seconds=seconds)),
    st.sampled_from(["compromised-pod", "other"]),
    st.sampled_from(ACTIONS),
    st.just("https://c"),
    st.sampled_from(NAMESPACES),
    st.sampled_from(["u-1", "u-2", "u-3", "u-4"]),
    st.sampled_from(WORKLOADS),
    st.booleans(),
    st.booleans(),
)
worlds = st.builds(
    Facts,
    st.sampled_from(["r-1", "r-9"]),
    st.sampled_from(["isolate", "again"]),
    st.just("compromised-pod"),
    st.sampled_from(ACTIONS),
    st.just("https://c"),
    st.builds(Occasion, st.sampled_from(TRIGGERS), st.sampled_from(Severity)),
    subjects,
    st.just(NOW),
    st.lists(deeds, max_size=6).map(tuple),
    st.sampled_from(["", "", "", "ana: stop"]),
)


@given(policies, worlds)
def test_it_goes_only_where_everything_says_so(policy: Policy, facts: Facts) -> None:
    decision = decide(policy, facts)
    if decision.ruling is not Ruling.GO:
        assert decision.reasons or policy.mode is not Mode.ENFORCE
        return
    subject = facts.subject
    assert policy.mode is Mode.ENFORCE
    assert not facts.frozen
    assert not subject.namespace.startswith("kube-")
    assert not subject.mirror
    assert subject.control_plane is False
    assert any(facts.action in rule.actions for rule in policy.allow)
    assert not any(subject.namespace in rule.namespaces for rule in policy.deny)


@given(policies, worlds, deeds)
def test_more_having_been_done_never_opens_anything(policy: Policy, facts: Facts, more: Deed) -> None:
    if not decide(policy, facts).passes:
        assert not decide(policy, replace(facts, deeds=(*facts.deeds, more))).passes


@given(policies, worlds, st.builds(Deny, st.just("no"), namespaces=some))
def test_a_further_denial_never_opens_anything(policy: Policy, facts: Facts, deny: Deny) -> None:
    stricter = Policy(**{field: getattr(policy, field) for field in policy.__struct_fields__} | {"deny": (deny,)})
    if not decide(policy, facts).passes and not policy.deny:
        assert not decide(stricter, facts).passes


@given(policies, worlds)
def test_what_waits_passes_when_its_time_has_come(policy: Policy, facts: Facts) -> None:
    decision = decide(policy, facts)
    if decision.ruling is Ruling.WAIT:
        assert decision.until
        assert decision.until > facts.now
        assert decide(policy, replace(facts, now=decision.until)).passes
        just_before = decision.until - timedelta(microseconds=1)
        assert not decide(policy, replace(facts, now=just_before)).passes


@given(policies, worlds)
def test_the_same_facts_give_the_same_decision(policy: Policy, facts: Facts) -> None:
    shuffled = replace(facts, deeds=tuple(reversed(facts.deeds)))
    assert decide(policy, facts).ruling == decide(policy, shuffled).ruling
    assert decide(policy, facts).until == decide(policy, shuffled).until


storms = st.lists(
    st.tuples(st.integers(0, 400), subjects, st.sampled_from(ACTIONS), st.booleans()), min_size=5, max_size=40
)


@settings(max_examples=60)
@given(policies, storms)
def test_in_a_storm_no_limit_is_ever_passed(policy: Policy, storm: list[tuple[int, Subject, str, bool]]) -> None:
    """Alerts come in at random; what goes is remembered as the store does, then every limit is checked by itself."""
    done: list[Deed] = []
    now: datetime = NOW
    for number, (seconds, subject, action, failed) in enumerate(storm):
        now += timedelta(seconds=seconds)
        occasion = Occasion("falco", Severity.CRITICAL)
        run = f"r-{number}"
        facts = Facts(run, "s", "p", action, "https://c", occasion, subject, now, tuple(done))
        if decide(policy, facts).ruling is Ruling.GO:
            made = Deed(run, "s", now, "p", action, "https://c", subject.namespace, subject.uid, subject.workload, True)
            done.append(replace(made, failed=failed))
            _share_holds(policy, subject, done, now)
    for budget in policy.budgets:
        scoped: dict[str, list[datetime]] = defaultdict(list)
        for deed in done:
            scoped[{"cluster": "", "namespace": deed.namespace, "action": deed.action}[budget.scope]].append(deed.at)
        for times in scoped.values():
            assert _most_within(times, span(budget.per)) <= budget.most
    by_pod: dict[str, list[datetime]] = defaultdict(list)
    for deed in done:
        by_pod[deed.uid].append(deed.at)
    for times in by_pod.values():
        assert _most_within(times, span(policy.cooldown)) <= 1


def _most_within(times: list[datetime], window: timedelta) -> int:
    """The most instants that any window of that length holds."""
    return max((sum(start <= at < start + window for at in times) for start in times), default=0)


def _share_holds(policy: Policy, subject: Subject, done: list[Deed], now: datetime) -> None:
    if not subject.workload:
        return
    window = span(policy.workload.within)
    family = {
        deed.uid
        for deed in done
        if (deed.namespace, deed.workload) == (subject.namespace, subject.workload) and now - window < deed.at
    }
    most = max(policy.workload.pods, subject.replicas * policy.workload.percent // 100)
    assert len(family) <= most or window == timedelta(0)
