"""Conditions: what is refused when a file is loaded, what holds when a run is under way; new keys of a playbook."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from irkit.model.run import Effect
from irkit.playbook import lint
from irkit.playbook.language import judge, names, yaml
from irkit.playbook.language.condition import BadCondition
from irkit.playbook.language.editors import schema
from tests.playbook.test_course import HEAD, RESOLVE

KINDS = names.kinds({"pod": "string", "n": "integer", "l": "list", "b": "boolean"}, ["gate", "my-step"])
HEAD_RECORD: dict[str, Any] = {"inputs": {"pod": "web-0", "n": 3, "l": ["a", "b"], "b": False}, "dry_run": False}
VALUES = names.values(
    HEAD_RECORD | {"occasion": {"trigger": "prom", "severity": "high"}},
    {"node": "n1"},
    {"gate": "done", "my-step": "gaps"},
    [Effect.COLLECT, Effect.MUTATE, Effect.READ],
)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("inputs.n == 3", True),
        ("inputs.n >= 3.5 || inputs.b", False),
        ("!inputs.b && !(inputs.n < 0 || inputs.n > -1)", False),
        ("inputs.pod in inputs.l", False),
        ("'a' in inputs.l && inputs.pod in ['x', \"web-0\"]", True),
        ("size(inputs.l) == 2 && size(inputs.pod) > 4", True),
        ("inputs.pod.startsWith('web') && inputs.pod.endsWith('0') && !inputs.pod.contains('db')", True),
        ("steps.my-step.status in ['done', 'gaps']", True),
        ("run.trigger == 'prom' && run.severity != 'low' && !run.dry_run", True),
        ("effects.next == 'collect' && effects.gravest == 'mutate'", True),
        ("target.node == 'n1' && target.owner == ''", True),
        ("'it\\'s' == \"it's\"", True),
        ("inputs.b == false", True),
        ("true || false && false", True),
        ("!!true", True),
    ],
)
def test_what_holds(text: str, holds: bool) -> None:
    judge.check(text, KINDS)
    assert judge.holds(text, VALUES) is holds


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it ends where a value"),
        ("inputs.pod", "neither true nor false"),
        ("inputs.pod == 3", "== does not take string and number"),
        ("inputs.nope == 'x'", "no such name: inputs.nope"),
        ("steps.gate.status == 'dnoe'", "it is never 'dnoe'"),
        ("'high' == run.severity && 'hihg' == run.severity", "it is never 'hihg'"),
        ("effects.next in ['mutate', 'nuke']", "it is never 'nuke'"),
        ("inputs.l == 'a' ", "does not take list and string"),
        ("inputs.b && inputs.n", "&& does not take bool and number"),
        ("!inputs.n", "! does not take number"),
        ("1 in [1]", "a list holds texts"),
        ("inputs.b inputs.b", "it goes on where it should end: inputs.b"),
        ("(inputs.b", "\\) is missing"),
        ("inputs.pod.matches('a+')", "no such function: inputs.pod.matches"),
        ("__import__('os')", "no such function"),
        ("size(inputs.b) > 1", "size does not take bool"),
        ("inputs.n = 3", "not a condition from here on: = 3"),
        ("inputs.pod == 'a\\x41'", "not a condition from here on"),
        ("(" * 60 + "true" + ")" * 60, "nested deeper"),
        ("!" * 60 + "true", "nested deeper"),
        ("true" + " || true" * 200, "longer than"),
        ("${{ inputs.b }}", "not a condition from here on"),
        ("inputs.b ? true : false", "not a condition from here on"),
    ],
)
def test_what_is_refused(text: str, why: str) -> None:
    with pytest.raises(BadCondition, match=why):
        judge.check(text, KINDS)


WORDS = st.sampled_from(
    ["inputs.n", "inputs.pod", "inputs.l", "inputs.b", "run.dry_run", "'a'", "1", "-2.5", "true", "(", ")", "[", "]"]
    + ["&&", "||", "!", "==", "!=", "<", ">=", "in", ",", "size(", ".contains(", "steps.gate.status", "'done'", "@"]
)


@settings(max_examples=300)
@given(st.lists(WORDS, max_size=9).map(" ".join) | st.text(max_size=30))
def test_any_text_is_refused_or_true_or_false(text: str) -> None:
    try:
        judge.check(text, KINDS)
    except BadCondition:
        return
    assert judge.holds(text, VALUES) in (True, False)


def found(steps: str, rest: str = "") -> list[str]:
    text = f"{HEAD}{rest}steps:\n{RESOLVE}{steps}"
    return [str(problem) for problem in lint.lint(text)]


@pytest.mark.parametrize(
    ("step", "problem"),
    [
        ("{id: a, uses: pod.isolate@1, if: 'x == 1'}", "10:34: no such name: x"),
        ("{id: a, uses: pod.isolate@1, if: \"steps.a.status == 'done'\"}", "10:34: no such name: steps.a.status"),
        ("{id: a, uses: pod.isolate@1, retry: {attempts: 0}}", "10:42: attempts: Expected `int` >= 1"),
        ("{id: a, uses: pod.isolate@1, retry: {attempts: 2, pause: 1s}}", "10:55: unknown key 'pause'"),
        ("{id: a, uses: pod.isolate@1, timeout: 5}", "10:34: timeout: Expected `str | null`"),
        ("{id: a, uses: pod.isolate@1, timeout: 0s}", "10:34: timeout: Expected `str` matching"),
        ("{id: a, uses: pod.isolate@1, on_error: ignore}", "10:34: on_error: Expected `str` matching"),
        ("{id: a, uses: pod.isolate@1, on_error: 'goto:resolve'}", "10:34: goes on at resolve, which is no later"),
        ("{id: a, uses: pod.isolate@1, undo: {uses: nope@1}}", "10:41: no such step: nope@1"),
        ("{id: a, uses: pod.isolate@1, undo: {uses: pod.release@1, with: {x: 1}}}", "10:69: unknown key 'x'"),
        ("{parallel: {steps: []}}", "10:17: there are no steps"),
        ("{parallel: {steps: [5]}}", "10:25: a mapping is expected"),
        ("{parallel: {}}", "10:6: missing key 'steps'"),
        ("{parallel: 5}", "10:6: a mapping is expected"),
        ("{id: p, parallel: {steps: [{id: a, uses: pod.isolate@1}]}}", "10:6: a parallel block has no 'id'"),
        ("{parallel: {max: 0, steps: [{id: a, uses: pod.isolate@1}]}}", "10:17: max: Expected `int` >= 1"),
        ("{parallel: {steps: [{parallel: {steps: []}}]}}", "10:26: a parallel block stands in steps only"),
        ("{parallel: {steps: [{id: a, approve: {prompt: x}}]}}", "10:33: people are asked in steps"),
        (
            "{parallel: {steps: [{id: a, uses: pod.isolate@1}, {id: b, uses: pod.release@1, needs: [a]}]}}",
            "10:92: needs a, which is no earlier step",
        ),
        ("{parallel: {steps: [{id: a, uses: pod.isolate@1}, {id: a, uses: pod.release@1}]}}", "10:56: a second step"),
        ("{uses: pod.isolate@1}", "10:5: missing key 'id'"),
        ("{id: a}", "10:5: missing key 'uses' (or 'approve', or 'parallel')"),
        ("{id: a, approve: {prompt: x}, timeout: 5m}", "10:35: a step that asks for approval does nothing else"),
    ],
)
def test_what_is_wrong_with_a_step_is_told_where(step: str, problem: str) -> None:
    problems = found(f"  - {step}\n")
    assert any(one.startswith(problem) for one in problems), problems


@pytest.mark.parametrize(
    ("rest", "problem"),
    [
        ("limits: {max_mutations: -1}\n", "8:10: max_mutations"),
        ("limits: {pods: 1}\n", "8:10: unknown key 'pods'"),
        ("limits: 5\n", "8:1: a mapping is expected"),
        ("defaults: {timeout: soon}\n", "8:12: timeout"),
        ("defaults: {retry: {attempts: 99}}\n", "8:20: attempts"),
        ("defaults: {retry: 3}\n", "8:12: a mapping is expected"),
        ("concurrency: {key: x, on_conflict: panic}\n", "8:23: on_conflict: Invalid enum value 'panic'"),
        ("concurrency: {key: '${{ inputs.nope }}'}\n", "8:15: no such input: nope"),
        ("concurrency: {key: '${{ env.x }}'}\n", "8:15: not an expression"),
        ("always: [{id: z, approve: {prompt: x}}]\n", "8:18: people are asked in steps"),
    ],
)
def test_what_is_wrong_with_the_whole_is_told_where(rest: str, problem: str) -> None:
    problems = found("", rest)
    assert any(one.startswith(problem) for one in problems), problems


def test_what_the_docs_show_is_good_and_fits_the_schema() -> None:
    page = (Path(__file__).parents[2] / "docs/playbooks.md").read_text()
    shown = page.split("## More that a playbook can say")[1].split("```yaml\n")[1].split("```")[0]
    text = HEAD + shown
    assert lint.lint(text) == []
    jsonschema.Draft202012Validator(schema()).validate(yaml.load(text).data)
