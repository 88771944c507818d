"""Each rule by itself: what it stops, what it lets pass, and until when."""

from __future__ import annotations

from datetime import timedelta

import pytest

from irkit.model.audit import Severity
from irkit.playbook.rails.decide import decide
from irkit.playbook.rails.facts import Decision, Facts, Reason, Ruling
from irkit.playbook.rails.policy import Allow, Breaker, Budget, Deny, Mode, Policy, Workload
from tests.playbook.rails.hands import ANYWHERE, FACTS, ISOLATE, MINUTE, NOW, deed, facts, pod, policy

HOUR = timedelta(hours=1)


def rules(decision: Decision) -> list[str]:
    return [reason.rule for reason in decision.reasons]


@pytest.mark.parametrize(
    ("mode", "ruling"),
    [(Mode.ENFORCE, Ruling.GO), (Mode.DRY_RUN, Ruling.REHEARSE), (Mode.OBSERVE, Ruling.WATCH)],
)
def test_what_is_allowed_ends_as_the_mode_says(mode: Mode, ruling: Ruling) -> None:
    assert decide(policy(mode=mode), FACTS) == Decision(ruling)


def test_the_default_is_a_dry_run_that_allows_nothing() -> None:
    assert Policy().mode is Mode.DRY_RUN
    decision = decide(Policy(), FACTS)
    assert (decision.ruling, rules(decision), decision.until) == (Ruling.REFUSE, ["not allowed"], None)


@pytest.mark.parametrize(
    "allow",
    [
        Allow(("pod.release@1",), ("payments",)),
        Allow((ISOLATE,), ("shop-*",)),
        Allow((ISOLATE,), ("payments",), labels={"app": "db"}),
        Allow((ISOLATE,), ("payments",), triggers=("falco",)),
        Allow((ISOLATE,), ("payments",), min_severity=Severity.CRITICAL),
    ],
    ids=["action", "namespace", "label", "trigger", "severity"],
)
def test_an_allowance_holds_only_where_all_of_it_does(allow: Allow) -> None:
    assert rules(decide(policy(allow=(allow,)), FACTS)) == ["not allowed"]
    other = Allow((ISOLATE,), ("pay*",), {"app": "web"}, ("alertmanager",), Severity.HIGH)
    assert decide(policy(allow=(allow, other)), FACTS).ruling is Ruling.GO


@pytest.mark.parametrize(
    ("deny", "stops"),
    [
        (Deny("no", actions=(ISOLATE,)), True),
        (Deny("no", namespaces=("pay*",)), True),
        (Deny("no", labels={"app": "web"}), True),
        (Deny("no", triggers=("alertmanager",)), True),
        (Deny("no", triggers=("falco",)), False),
        (Deny("no", namespaces=("payments",), labels={"app": "db"}), False),
    ],
)
def test_a_denial_outdoes_every_allowance(deny: Deny, stops: bool) -> None:
    assert rules(decide(policy(deny=(deny,)), FACTS)) == ["denied"] * stops


@pytest.mark.parametrize(
    "about",
    [
        pod(namespace="kube-system"),
        pod(namespace="calico-system"),
        pod(mirror=True),
        pod(priority_class="system-node-critical"),
        pod(labels={"k8s-app": "kube-dns"}),
        pod(labels={"app": "csi-nodeplugin"}),
        pod(labels={"tier": "control-plane"}),
        pod(control_plane=True),
        pod(control_plane=None),
        facts(own_namespace="payments"),
    ],
)
def test_no_policy_opens_what_is_protected(about: Facts) -> None:
    decision = decide(policy(allow=(Allow((ISOLATE,), ("*",)),)), about)
    assert decision.ruling is Ruling.REFUSE
    assert set(rules(decision)) == {"protected"}


@pytest.mark.parametrize(
    ("about", "why"),
    [
        (pod(control_plane=True), "the pod's node is part of the control plane"),
        (
            pod(control_plane=None),
            "the pod's node may be part of the control plane: irkit could not see it (needed: get nodes)",
        ),
        (pod(mirror=True), "the pod is static: its kubelet runs it from a file"),
        (pod(labels={"tier": "control-plane"}), "the pod's label tier=control-plane marks it as part of"),
    ],
)
def test_a_protected_pod_is_told_in_one_clear_line(about: Facts, why: str) -> None:
    (reason,) = (one for one in decide(policy(), about).reasons if one.rule == "protected")
    assert reason.why.startswith(why)


def test_a_policy_may_protect_more_and_open_control_plane_nodes() -> None:
    assert decide(policy(protect=ANYWHERE), pod(control_plane=True)).ruling is Ruling.GO
    more = policy(protect=type(ANYWHERE)(namespaces=("pay*",)))
    assert rules(decide(more, FACTS)) == ["protected"]


def test_frozen_is_frozen() -> None:
    assert decide(policy(), facts(frozen="ana: wait")).reasons == (Reason("frozen", "ana: wait"),)


def test_a_pod_cools_down_from_what_the_same_playbook_did_to_it() -> None:
    same = deed(20 * MINUTE, uid="u-1")
    decision = decide(policy(), facts(deeds=(same,)))
    assert (decision.ruling, rules(decision), decision.until) == (Ruling.WAIT, ["cool-down"], NOW + 40 * MINUTE)
    for harmless in (deed(HOUR, uid="u-1"), deed(MINUTE, uid="u-1", playbook="other"), deed(MINUTE, uid="u-2")):
        assert decide(policy(), facts(deeds=(harmless,))).passes


def test_a_run_is_not_kept_from_its_own_next_step() -> None:
    assert decide(policy(), facts(deeds=(deed(MINUTE, run="r-1", step="label", uid="u-1"),))).passes


def test_a_step_cut_off_is_not_kept_from_going_on_by_itself() -> None:
    begun = deed(MINUTE, run="r-1", uid="u-1", workload="Deployment/web")
    tight = policy(budgets=(Budget(1, "10m"),), workload=Workload(1, 0))
    assert decide(tight, facts(deeds=(begun,))).passes


@pytest.mark.parametrize(
    ("scope", "elsewhere"),
    [("namespace", {"namespace": "shop-1"}), ("action", {"action": "pod.release@1"}), ("cluster", {})],
)
def test_a_budget_is_spent_within_its_scope(scope: str, elsewhere: dict[str, str]) -> None:
    budgets = (Budget(2, "10m", scope),)  # type: ignore[arg-type]
    spent = (deed(9 * MINUTE), deed(3 * MINUTE))
    decision = decide(policy(budgets=budgets), facts(deeds=spent))
    assert (rules(decision), decision.until) == (["budget"], NOW + MINUTE)
    assert decide(policy(budgets=budgets), facts(deeds=spent[1:])).passes
    assert decide(policy(budgets=budgets), facts(deeds=(deed(10 * MINUTE), spent[1]))).passes
    if elsewhere:
        moved = (deed(9 * MINUTE, **elsewhere), spent[1])
        assert decide(policy(budgets=budgets), facts(deeds=moved)).passes


def test_a_budget_of_nothing_never_has_room() -> None:
    decision = decide(policy(budgets=(Budget(0, "10m"),)), FACTS)
    assert (decision.ruling, decision.until) == (Ruling.REFUSE, None)


def test_only_a_share_of_a_workload_is_touched() -> None:
    web = [deed(number * HOUR, uid=f"u-{number}", workload="Deployment/web") for number in (2, 3)]
    decision = decide(policy(), facts(deeds=tuple(web)))  # 25 % of 8 replicas
    assert (rules(decision), decision.until) == (["share"], NOW + 21 * HOUR)
    assert decide(policy(), facts(deeds=(web[0], web[0]))).passes
    assert decide(policy(), facts(deeds=(web[0], deed(HOUR, workload="Deployment/db")))).passes
    assert decide(policy(), pod(workload="")).passes
    assert rules(decide(policy(), facts(deeds=(web[0],), subject=pod(replicas=3).subject))) == ["share"]


def test_the_breaker_opens_on_failures_and_closes_after_its_pause() -> None:
    failed = tuple(deed(minutes * MINUTE, failed=True) for minutes in (15, 12, 8))
    loose = policy(budgets=(), breaker=Breaker(3, "10m", "30m"))
    decision = decide(loose, facts(deeds=failed))
    assert (rules(decision), decision.until) == (["breaker"], NOW + 22 * MINUTE)
    assert decide(loose, facts(deeds=failed[1:])).passes
    assert decide(loose, facts(deeds=failed, now=NOW + 22 * MINUTE)).passes
    slow = (deed(19 * MINUTE, failed=True), *failed[1:])
    assert decide(loose, facts(deeds=slow)).passes


def test_rehearsals_count_for_rehearsals_and_not_in_earnest() -> None:
    rehearsed = facts(deeds=(deed(MINUTE, real=False),))
    once = (Budget(1, "10m"),)
    assert decide(policy(budgets=once), rehearsed).passes
    assert rules(decide(policy(budgets=once, mode=Mode.DRY_RUN), rehearsed)) == ["budget"]


def test_every_reason_is_told_and_one_for_good_outweighs_those_that_pass() -> None:
    decision = decide(policy(allow=()), facts(frozen="ana", deeds=(deed(MINUTE, uid="u-1"),)))
    assert rules(decision) == ["frozen", "not allowed", "cool-down"]
    assert (decision.ruling, decision.until) == (Ruling.REFUSE, None)
