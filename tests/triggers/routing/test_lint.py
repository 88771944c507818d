"""A triggers file is right, or every problem is told with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from irkit.errors import UsageError
from irkit.playbook.lint import lint as lint_playbook
from irkit.triggers.routing.lint import lint, parse, parse_file
from tests.triggers.routing.files import FILE

FREE = """\
apiVersion: irkit/v1
kind: Playbook
metadata: {name: free, version: 1.0.0}
inputs: {why: {type: string, required: true}, pod: {type: string, default: web, pattern: '[a-z]+'}}
steps:
  - {id: resolve, uses: pod.resolve@1, with: {namespace: '${{ inputs.why }}', pod: '${{ inputs.pod }}'}}
"""


def test_a_good_file() -> None:
    assert lint(FILE) == []
    loaded = parse(FILE, "triggers.yaml")
    assert set(loaded.playbooks) == {"compromised-pod", "collect-only"}
    assert [rule.name for rule in loaded.triggers.rules] == ["shells", "anything-grave"]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("kind: Triggers", "kind: Trigger", "2:1: kind"),
        ("    format: pagerduty", "    format: pager", "8:5: no such format: pager"),
        ("bearer: [{env: TEST_PROM}, ", "bearer: [{env: A}, {env: B}, ", "6:12: bearer"),
        ("{bearer:", "{mtls: true, bearer:", "6:5: exactly one of"),
        ("{env: TEST_PROM}", "{}", "6:21: bearer: a secret is in 'env' or in 'file'"),
        ("{env: TEST_PROM}", "{env: A, file: /b}", "6:21: bearer: a secret is in 'env' or in 'file'"),
        ("{standard:", "{bearer:", "12:5: standard-webhooks need their own"),
        ("format: pagerduty", "format: sns", "9:5: the format sns goes with"),
        ("  prom:\n", "  Prom:\n", "4:3: not a name for a source"),
        ("    run: collect-only", "    run: nope", "23:5: no such playbook: nope"),
        ("sources: [prom]", "sources: [prometheus]", "15:22: no such source: prometheus"),
        ("name: anything-grave", "name: shells", "21:5: a second rule called shells"),
        ("min_severity: critical", "min_severity: grave", "22:12: min_severity"),
        ("min_severity: critical", "severity: critical", "22:12: unknown key 'severity'"),
        ("deadline: 60", "deadline: soon", "input deadline is not of type number"),
        ("deadline: 60", "dead: 60", "has no input 'dead'"),
        ("deadline: 60", "audit: '${{ alert.summary }}'", "paths are never taken from an alert"),
        ("${{ alert.pod.name }}'", "x-${{ alert.pod.name }}'", "not an expression"),
        ("${{ alert.pod.name }}'", "${{ alert.pod.uid }}'", "not an expression"),
        (", pod: '${{ alert.pod.name }}'", "", "23:5: playbook collect-only needs the input pod"),
    ],
)
def test_a_problem_and_its_place(old: str, new: str, problem: str) -> None:
    assert old in FILE
    found = [str(one) for one in lint(FILE.replace(old, new, 1))]
    assert any(problem in one for one in found), found
    with pytest.raises(UsageError, match="triggers"):
        parse(FILE.replace(old, new, 1))


@pytest.mark.parametrize("text", ["", "[]", "a: &b 1", "\t"])
def test_no_mapping_at_all(text: str) -> None:
    assert lint(text)


def test_free_text_of_an_alert_goes_nowhere_unchecked(tmp_path: Path) -> None:
    assert lint_playbook(FREE) == []
    (tmp_path / "free.yaml").write_text(FREE)
    rule = f"{{name: free, run: {tmp_path}/free.yaml, with: {{why: '${{{{ alert.summary }}}}'}}}}"
    text = FILE[: FILE.index("rules:")] + f"rules: [{rule}]\n"
    (problem,) = lint(text)
    assert "has no pattern" in problem.message


def test_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text(FILE)
    assert parse_file(tmp_path / "t.yaml").source.endswith("t.yaml")
    with pytest.raises(UsageError, match="cannot read"):
        parse_file(tmp_path / "none.yaml")
