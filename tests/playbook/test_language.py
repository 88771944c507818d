"""Playbook files: what is refused, where, and in one go; inputs and expressions."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from irkit.errors import UsageError
from irkit.playbook import lint, registry
from irkit.playbook.language import bind, yaml
from irkit.playbook.language.editors import schema
from irkit.playbook.language.meaning import accepted_types
from irkit.playbook.schema import Input
from irkit.playbook.steps.step import Step

HEAD = "apiVersion: irkit/v1\nkind: Playbook\nmetadata: {name: x, version: 1.0.0}\n"
RESOLVE = "  - {id: resolve, uses: pod.resolve@1, with: {namespace: a, pod: b}}\n"
GOOD = HEAD + "steps:\n" + RESOLVE

SHAPELESS = """\
apiVersion: irkit/v2
kind: Playbook
metadata: {name: X, version: 1, foo: 2}
bogus: 1
inputs:
  Pod: {type: strin, required: true}
steps:
  - id: a
    uses: nope@1
    if: true
  - {uses: pod.isolate@1}
  - 5
"""

MEANINGLESS = """\
apiVersion: irkit/v1
kind: Playbook
metadata: {name: x, version: 1.0.0}
inputs:
  p: {type: string, pattern: '(', required: true}
  q: {type: string, required: true, default: a}
  r: {type: integer, default: a}
steps:
  - id: a
    uses: nope@1
  - {id: b, uses: pod.isolate@1, with: {x: 1}}
  - {id: b, uses: pod.resolve@1, with: {namespace: '${{ inputs.r }}', pod: 'x ${{ inputs.p }}', uid: '${{ inputs.z }}'}}
  - {id: c, uses: evidence.collect@1, with: {deadline: -1, workers: x}, needs: [d]}
  - {id: d, uses: pod.resolve@1}
"""


def found(text: str) -> list[str]:
    return [str(problem) for problem in lint.lint(text)]


def starts(text: str, expected: list[str]) -> None:
    problems = found(text)
    assert len(problems) == len(expected), problems
    for problem, beginning in zip(problems, expected, strict=True):
        assert problem.startswith(beginning), problems


def test_every_misfit_is_found_in_one_pass_where_it_stands() -> None:
    starts(
        SHAPELESS,
        [
            "1:1: apiVersion: Invalid enum value 'irkit/v2'; one of irkit/v1",
            "3:12: name: Expected `str` matching",
            "3:21: version: Expected `str`, got `int`",
            "3:33: unknown key 'foo'; the keys: name, version",
            "4:1: unknown key 'bogus'",
            "6:3: not a name for an input",
            "6:9: type: Invalid enum value 'strin'; one of string, integer",
            "10:5: if: Expected `str`, got `bool`",
            "11:5: missing key 'id'",
            "12:5: a mapping is expected, not int",
        ],
    )


def test_what_fits_and_means_nothing_is_found_as_well() -> None:
    starts(
        MEANINGLESS,
        [
            "5:21: not a regular expression",
            "6:3: an input is either required or has a default",
            "7:22: the default does not fit",
            "10:5: no such step: nope@1; the steps: pod.resolve@1",
            "11:13: pod.isolate@1 works on a pod",
            "11:41: unknown key 'x'; the keys: keep_labels",
            "12:6: a second step called b",
            "12:41: namespace takes string, and input r is of type integer",
            "12:71: not an expression",
            "12:97: no such input: z",
            "13:46: deadline: Expected `float` > 0.0",
            "13:60: workers: Expected `int`, got `str`",
            "13:81: needs d, which is no earlier step",
            "14:5: missing key 'namespace'",
            "14:5: missing key 'pod'",
        ],
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "1:1: not a playbook"),
        ("[]", "1:1: not a playbook"),
        ("a: 1\na: 2\n", '2:1: found duplicate key "a"'),
        ("a: [1,\n", "2:1: expected the node content"),
        ("a: &x 1\nb: *x\n", "1:4: anchors and aliases"),
        ("<<: *x\n", "1:5: anchors and aliases"),
        ("a: !!python/object:os.system 1\n", "1:4: tags"),
        ("--- 1\n--- 2\n", "2:1: but found another document"),
        ("a: {010: x}\n", "1:5: a key is text: put it in quotes"),
        ("a: b\ntrue: x\n", "2:1: a key is text: put it in quotes"),
        ("a:\n- ? [b]\n  : c\n", "2:5: a key is text: put it in quotes"),
        ("a: \0\n", "1:1: not YAML: unacceptable character"),
        ("a: 2026-13-45\n", "1:1: not YAML: month must be in 1..12"),
        ("a: " + "9" * 5000, "1:1: not YAML: Exceeds the limit"),
        ("[" * 1000, "1:21: nested deeper than 20 levels"),
        ("#" * 70_000, "1:1: larger than 64 KiB"),
        (HEAD + "steps: []\n", "4:1: there are no steps"),
        (HEAD + "steps: {}\n", "4:1: a list is expected"),
        (HEAD, "1:1: missing key 'steps'"),
        (HEAD + "steps:\n" + RESOLVE + "inputs: 5\n", "6:1: a mapping is expected"),
        (HEAD + "steps:\n" + "  - 5\n" * 51, "4:1: more than 50 steps"),
    ],
)
def test_bad_text_has_one_first_problem(text: str, problem: str) -> None:
    assert found(text)[0].startswith(problem), found(text)[:3]


@settings(max_examples=60)
@given(st.text(max_size=80) | st.text(alphabet="ab:-[]{}&*!|>'\"#%@, \n\t0$", max_size=60))
def test_any_text_gives_problems_and_nothing_else(text: str) -> None:
    assert lint.lint(text)
    with pytest.raises(UsageError):
        lint.parse(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=60)
@given(JSON, st.sampled_from(["metadata", "inputs", "steps", "always"]))
def test_any_value_in_place_of_a_part_gives_problems_and_nothing_else(value: object, part: str) -> None:
    document = yaml.load(GOOD).data | {part: value}
    text = json.dumps(document)
    assert lint.lint(text) or lint.parse(text).playbook.steps


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("a{99999999999}", "the repetition number is too large"),
        (
            "a(?=b)",
            "a lookahead or lookbehind cannot be matched in bounded time; say that in a pattern of its own",
        ),
        ("[[:alnum:]]+", "Possible nested set at position 1"),  # POSIX, in Python: one of [:alnum, then ]
    ],
)
def test_a_pattern_that_python_takes_for_something_else_is_refused(pattern: str, problem: str) -> None:
    text = HEAD + f"inputs:\n  a: {{type: string, required: true, pattern: '{pattern}'}}\nsteps:\n" + RESOLVE
    assert found(text)[0] == f"5:37: not a regular expression: {problem}"


def test_a_playbook_that_cannot_be_used_is_a_usage_error_with_its_place() -> None:
    with pytest.raises(UsageError, match=r"my\.yaml:1:1: apiVersion") as caught:
        lint.parse(SHAPELESS, "my.yaml")
    assert caught.value.hint == "9 more: irkit playbook lint my.yaml"


def test_a_good_one_is_pinned_to_the_hash_of_its_text() -> None:
    one, other = lint.parse(GOOD), lint.parse(GOOD + "# changed\n")
    assert one.playbook == other.playbook
    assert one.sha256 != other.sha256
    assert one.name == "x"
    assert not found(GOOD)


def test_scalars_keep_their_types() -> None:
    with_float = GOOD + "  - {id: c, uses: evidence.collect@1, with: {deadline: 1.5, workers: 0x10, limit: 1_000}}\n"
    spec = lint.parse(with_float).playbook.steps[1]
    assert spec.params == {"deadline": 1.5, "workers": 16, "limit": 1000}
    assert {type(value) for value in spec.params.values()} == {float, int}


def test_no_deadline_is_longer_than_can_be_waited_for() -> None:
    text = GOOD + "  - {id: c, uses: evidence.collect@1, with: {deadline: 2592000, per_collector: 1.0e+21}}\n"
    assert [one.split(": ", 1)[1] for one in found(text)] == ["per_collector: Expected `float` <= 2592000.0"]


def test_the_schema_is_a_schema_and_says_what_lint_says() -> None:
    validator = jsonschema.Draft202012Validator(schema())
    jsonschema.Draft202012Validator.check_schema(schema())
    assert not list(validator.iter_errors(yaml.load(GOOD).data))
    for bad in (SHAPELESS, MEANINGLESS, GOOD.replace("pod: b", "pod: 5"), GOOD.replace(", pod: b", "")):
        assert list(validator.iter_errors(yaml.load(bad).data)), bad
        assert lint.lint(bad)
    enum = schema()["$defs"]["StepSpec"]["properties"]["uses"]["enum"]
    assert enum == [step.name for step in registry.STEPS]


@pytest.mark.parametrize("step", registry.STEPS, ids=lambda step: step.name)
def test_every_step_takes_inputs_for_all_its_parameters(step: Step) -> None:
    accepted = accepted_types(step.Params)
    assert all(accepted.values()), accepted
    assert step.about[0].islower()
    assert step.name == registry.step(step.name).name


def test_an_unknown_step_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="no such step: x@1"):
        registry.step("x@1")


INPUTS = """\
inputs:
  ns: {type: string, required: true, pattern: '^[a-z]+$', description: the namespace}
  n: {type: integer, default: 5}
  f: {type: number, default: 1}
  b: {type: boolean, default: false}
  l: {type: list, default: [], pattern: '[a-z/]+'}
"""
PLAYBOOK = lint.parse(GOOD + INPUTS).playbook


def test_inputs_get_defaults_and_types() -> None:
    assert bind.inputs(PLAYBOOK, {"ns": "abc"}) == {"ns": "abc", "n": 5, "f": 1.0, "b": False, "l": []}


@pytest.mark.parametrize(
    "given_inputs",
    [
        {},
        {"ns": "ABC"},
        {"ns": "abc\n"},
        {"ns": "a" * 5000},
        {"ns": 5},
        {"ns": "a", "n": "5"},
        {"ns": "a", "b": 1},
        {"ns": "a", "l": ["x", "X"]},
        {"ns": "a", "l": "x"},
        {"ns": "a", "l": ["x"] * 1001},
        {"ns": "a", "zz": 1},
    ],
)
def test_inputs_that_do_not_fit_are_usage_errors(given_inputs: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        bind.inputs(PLAYBOOK, given_inputs)


def test_texts_become_typed_inputs() -> None:
    pairs = [("ns", "abc"), ("n", "7"), ("f", "0.5"), ("b", "true"), ("l", "x"), ("l", "y"), ("zz", "1")]
    assert bind.from_text(PLAYBOOK, pairs) == {"ns": "abc", "n": 7, "f": 0.5, "b": True, "l": ["x", "y"], "zz": "1"}
    for bad in ([("n", "x")], [("ns", "a"), ("ns", "b")]):
        with pytest.raises(UsageError):
            bind.from_text(PLAYBOOK, bad)


def test_only_a_whole_value_is_an_expression() -> None:
    values = {"pod": "web", "l": ["a"]}
    assert bind.params({"a": "${{ inputs.l }}", "b": "${{inputs.pod}}", "c": "$x"}, values) == {
        "a": ["a"],
        "b": "web",
        "c": "$x",
    }
    for bad in ("${{ inputs.no }}", "x${{ inputs.pod }}", "${{ inputs.pod }}\n", "${{ env.x }}"):
        with pytest.raises(ValueError, match=r"no such input|not an expression"):
            bind.params({"a": bad}, values)


@given(st.text(max_size=20))
def test_a_checked_string_is_the_string(text: str) -> None:
    assert bind.check("x", Input("string"), text) == text


def test_a_position_is_that_of_the_nearest_thing_there_is(tmp_path: Path) -> None:
    document = yaml.load("a:\n  - b: 1\n")
    assert str(document.at(("a", 0, "b", "c", 5), "here")) == "2:5: here"
    assert str(document.at((), "here")) == "1:1: here"
