"""CACAO 2.0: what goes out is valid, what comes back is the same, what others wrote is never run."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from referencing import Registry
from referencing.jsonschema import DRAFT7
from typer.testing import CliRunner

from irkit.cli.commands import load
from irkit.errors import UsageError
from irkit.model.codec import pretty
from irkit.playbook import find, lint
from irkit.playbook.cacao.bring import bring
from irkit.playbook.cacao.check import doubtful, fatal
from irkit.playbook.cacao.export import export
from irkit.playbook.cacao.words import EXTENSION
from irkit.playbook.language import yaml
from irkit.playbook.schema import Playbook
from tests.corpus import ROOT, absent
from tests.playbook.test_course import HEAD, RESOLVE

SHIPPED = sorted(path.stem for path in find.SHIPPED.iterdir())
SCHEMAS = ROOT / "cacao/oasis-open__cacao-json-schemas/schemas"
OTHERS = ROOT / "cacao/COSSAS__SOARCA"
needs_corpus = pytest.mark.skipif(not SCHEMAS.exists(), reason=absent(SCHEMAS))


@pytest.fixture(scope="session")
def official() -> jsonschema.Draft7Validator:
    """The published schema of playbooks, read as the draft-07 that it says it is."""
    read = [json.loads(path.read_text()) for path in SCHEMAS.rglob("*.json")]
    known = Registry().with_resources((one["$id"], DRAFT7.create_resource(one)) for one in read)
    (root,) = [one for one in read if one["$id"].endswith("/schemas/playbook.json")]
    return jsonschema.Draft7Validator(root, registry=known)


def document(playbook: Playbook) -> bytes:
    return pretty(export(playbook).document)


def valid(raw: bytes, official: jsonschema.Draft7Validator) -> None:
    told = json.loads(raw)
    assert [error.message for error in official.iter_errors(told)] == []
    assert list(fatal(told)) == []
    assert list(doubtful(told)) == []


@needs_corpus
@pytest.mark.parametrize("name", SHIPPED)
def test_what_is_shipped_goes_out_valid_and_comes_back_the_same(
    name: str, official: jsonschema.Draft7Validator
) -> None:
    playbook = find.load(name).playbook
    raw = document(playbook)
    valid(raw, official)
    back = bring(raw)
    assert back.losses == ()
    assert lint.parse(back.text).playbook == playbook
    assert document(lint.parse(back.text).playbook) == raw


DEEDS = st.fixed_dictionaries(
    {"uses": st.sampled_from(["pod.isolate@1", "evidence.collect@1", "pod.release@1", "bundle.seal@1"])},
    optional={
        "if": st.sampled_from(["run.dry_run", "inputs.pod == 'a'", "steps.resolve.status != 'failed'"]),
        "needs": st.just(["resolve"]),
        "on_error": st.sampled_from(["stop", "continue"]),
        "retry": st.fixed_dictionaries({"attempts": st.integers(1, 9)}, optional={"backoff": st.just("3s")}),
        "timeout": st.sampled_from(["5s", "10m", "2h"]),
        "undo": st.just({"uses": "pod.release@1", "with": {"force": True}}),
    },
)
ASKS = st.fixed_dictionaries(
    {
        "approve": st.fixed_dictionaries(
            {"prompt": st.sampled_from(["Go on?", "Isolate ${{ inputs.pod }} in ${{ inputs.namespace }}?"])},
            optional={
                "roles": st.lists(st.sampled_from(["ir-lead", "on-call"]), max_size=2, unique=True),
                "quorum": st.integers(1, 3),
                "not": st.just(["initiator"]),
                "timeout": st.sampled_from(["15m", "1h"]),
                "on_timeout": st.sampled_from(["deny", "continue"]),
            },
        )
    },
    optional={"if": st.just("run.trigger != 'cli'")},
)
BLOCKS = st.fixed_dictionaries(
    {"steps": st.lists(DEEDS, min_size=1, max_size=3)}, optional={"max": st.integers(1, 9), "fail_fast": st.booleans()}
).map(lambda block: {"parallel": block})
WHOLES = st.fixed_dictionaries(
    {"steps": st.lists(DEEDS | ASKS | BLOCKS, max_size=4), "always": st.lists(DEEDS, max_size=2)},
    optional={
        "limits": st.fixed_dictionaries({}, optional={"max_mutations": st.integers(0, 5), "max_pods": st.just(1)}),
        "defaults": st.just({"timeout": "5m", "retry": {"attempts": 3}}),
        "concurrency": st.just({"key": "${{ inputs.pod }}", "on_conflict": "queue"}),
    },
)


def numbered(whole: dict[str, Any]) -> str:
    """The playbook's text, every step with an id of its own."""
    number = 0

    def named(spec: dict[str, Any]) -> dict[str, Any]:
        nonlocal number
        if "parallel" in spec:
            block = spec["parallel"]
            return {"parallel": block | {"steps": [named(one) for one in block["steps"]]}}
        number += 1
        return {"id": f"s{number}"} | spec

    base = json.loads(json.dumps(BASE))
    steps = [*base["steps"], *map(named, whole["steps"])]
    return json.dumps(base | whole | {"steps": steps, "always": [named(one) for one in whole["always"]]})


BASE = yaml.load(f"{HEAD}steps:\n{RESOLVE}").data


@needs_corpus
@settings(max_examples=25)
@given(WHOLES)
def test_export_import_export_is_the_same_bytes(official: jsonschema.Draft7Validator, whole: dict[str, Any]) -> None:
    playbook = lint.parse(numbered(whole)).playbook
    raw = document(playbook)
    valid(raw, official)
    back = bring(raw)
    assert back.losses == ()
    assert document(lint.parse(back.text).playbook) == raw


def test_what_other_readers_will_not_see_is_told() -> None:
    told = " ".join(export(find.load("leaked-service-account-token").playbook).losses)
    for word in ("needs", "CEL", "patterns of inputs", "concurrency"):
        assert word in told
    assert "retry" not in told


def test_what_another_tool_changed_is_told_and_ours_is_taken() -> None:
    told = json.loads(document(find.load("compromised-pod").playbook))
    told["workflow"][told["workflow_start"]]["name"] = "changed"
    told["labels"] = ["x"]
    back = bring(json.dumps(told).encode())
    assert [loss.split()[0] for loss in back.losses] == ["labels", "workflow"]
    assert lint.parse(back.text).playbook == find.load("compromised-pod").playbook


@needs_corpus
def test_a_playbook_of_others_becomes_questions_to_people() -> None:
    back = bring((OTHERS / "examples/manual-playbook.json").read_bytes())
    (spec,) = lint.parse(back.text).playbook.steps
    assert spec.approve
    assert spec.approve.prompt == "prepare Falcon for hyperspeed jump"
    assert spec.approve.timeout == "100s"
    assert any("agent_definitions is not taken" in loss for loss in back.losses)


@needs_corpus
@pytest.mark.parametrize("path", sorted(OTHERS.rglob("*.json")), ids=lambda path: path.name)
@pytest.mark.parametrize("allowed", [False, True])
def test_commands_of_others_are_never_run(path: Path, allowed: bool) -> None:
    try:
        back = bring(path.read_bytes(), allow_commands=allowed)
    except UsageError as error:
        assert "\n" not in error.message
        return
    playbook = lint.parse(back.text).playbook
    assert all(spec.approve and not spec.uses for spec in playbook.every_step)
    off = [spec for spec in playbook.every_step if spec.condition == "false"]
    machine = [spec for spec in playbook.every_step if spec.approve and spec.approve.prompt.startswith(("DIS", "By h"))]
    assert off == ([] if allowed else machine)
    assert "super-secure-password" not in back.text


def foreign(**step: object) -> dict[str, Any]:
    ids = {kind: f"{kind}--00000000-0000-4000-8000-00000000000{n}" for n, kind in enumerate(("start", "action", "end"))}
    action = {"type": "action", "on_completion": ids["end"], "commands": [{"type": "manual", "command": "x"}]}
    workflow = {
        ids["start"]: {"type": "start", "on_completion": ids["action"]},
        ids["action"]: action | step,
        ids["end"]: {"type": "end"},
    }
    head = {"type": "playbook", "spec_version": "cacao-2.0", "name": "Ünïcode / 1", "workflow_start": ids["start"]}
    return head | {"workflow": workflow}


def test_hostile_texts_stay_texts() -> None:
    for text in (
        "a\x1b[31m\nb",
        "${{ inputs.x }}",
        "${{",
        "x" * 5000,
        "'\": {}[]#",
        "__pod__:value and __nope__:value",
    ):
        command = {"type": "manual", "command_b64": base64.b64encode(text.encode()).decode()}
        told = foreign(commands=[command]) | {"playbook_variables": {"__pod__": {"type": "string", "external": True}}}
        prompt = lint.parse(bring(json.dumps(told).encode()).text).playbook.steps[0].approve
        assert prompt
        assert "\x1b" not in prompt.prompt
        assert len(prompt.prompt) <= 500
        assert ("${{ inputs.pod }}" in prompt.prompt) == ("__pod__" in text)


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ([], "not a CACAO playbook"),
        ({"type": "playbook"}, "not CACAO 2.0"),
        ({"type": "playbook", "spec_version": "cacao-2.0", "workflow": 5}, "workflow is no object"),
        (foreign() | {"workflow_start": "start--nope"}, "workflow_start names no step"),
        (foreign(on_completion="end--nope"), "which is no step"),
        (foreign(type="wait"), "no step that does anything"),
    ],
)
def test_what_nothing_can_be_made_of_is_refused(told: object, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        bring(json.dumps(told).encode())
    with pytest.raises(UsageError, match="not JSON"):
        bring(b"{")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"on_completion": "action--00000000-0000-4000-8000-000000000001"}, "comes back to itself"),
        ({"type": "playbook-action", "playbook_id": "playbook--x"}, "does not begin with the step's type"),
        ({"description": "__ip__:value"}, "variable __ip__ is used and not declared"),
    ],
)
def test_what_the_schemas_do_not_see_is_told(change: dict[str, Any], why: str) -> None:
    told = foreign(**change)
    assert any(why in one for one in doubtful(told)), list(doubtful(told))
    assert any(why in one for one in bring(json.dumps(told).encode()).losses)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(list(foreign()["workflow"])),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "on_true", "cases", "commands", "command", "next_steps"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)


@settings(max_examples=60)
@given(st.dictionaries(st.sampled_from(["type", "commands", "cases", "on_true", "timeout"]), JSON, max_size=4), JSON)
def test_any_document_is_a_playbook_or_one_clear_line(step: dict[str, Any], extra: object) -> None:
    told = foreign(**step) | {"playbook_variables": extra, "playbook_extensions": {EXTENSION: extra}}
    try:
        back = bring(json.dumps(told).encode())
    except UsageError as error:
        assert "\n" not in error.message
        return
    assert lint.lint(back.text) == []


def test_the_commands_go_there_and_back(tmp_path: Path) -> None:
    out, back, again = tmp_path / "out.json", tmp_path / "back.yaml", tmp_path / "again.json"

    def irkit(*words: str, code: int = 0) -> str:
        ended = CliRunner().invoke(load(), words)
        assert ended.exit_code == code, (ended.output, ended.exception)
        return ended.output

    told = irkit("playbook", "export", "node-suspect", "--format", "cacao", "--out", str(out))
    assert "not said in CACAO's own terms" in told
    irkit("playbook", "import", str(out), "--out", str(back))
    irkit("playbook", "lint", str(back))
    irkit("playbook", "export", str(back), "--out", str(again))
    assert out.read_bytes() == again.read_bytes()
    assert "cannot read" in irkit("playbook", "import", str(tmp_path / "nope"), code=2)
    assert "exists already" in irkit("playbook", "import", str(out), "--out", str(back), code=2)
    assert "no such format" in irkit("playbook", "export", "node-suspect", "--format", "x", code=2)
    assert "apiVersion: irkit/v1" in irkit("playbook", "import", str(out))
