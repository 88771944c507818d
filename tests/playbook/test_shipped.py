"""The playbooks in playbooks/, and how a name finds one."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from irkit.errors import UsageError
from irkit.model.permission import Permission
from irkit.playbook import find, lint, registry
from irkit.playbook.language.editors import schema
from irkit.playbook.language.yaml import load

TOP = Path(__file__).parents[2] / "playbooks"
FILES = sorted(TOP.iterdir())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_shipped_playbook_is_good_and_says_what_it_is_for(path: Path) -> None:
    text = path.read_text()
    assert lint.lint(text) == []
    assert not list(jsonschema.Draft202012Validator(schema()).iter_errors(load(text).data))
    metadata = find.load(path.stem).playbook.metadata
    assert metadata.name == path.stem
    assert metadata.title
    assert metadata.description


def test_the_shipped_ones_are_those_at_the_top_of_the_repository() -> None:
    assert {path.stem for path in FILES} <= set(find.everything())
    assert find.SHIPPED.resolve() == TOP.resolve()


def test_collect_only_changes_nothing() -> None:
    playbook = find.load("collect-only").playbook
    assert not [spec for spec in playbook.every_step if registry.step(spec.uses).effect.changes_cluster]
    assert {need.verb for need in registry.needs(playbook)} <= {"get", "list"}


def test_compromised_pod_isolates_and_needs_to_be_let() -> None:
    playbook = find.load("compromised-pod").playbook
    assert [spec.uses for spec in playbook.every_step][:2] == ["pod.resolve@1", "pod.isolate@1"]
    assert Permission("networking.k8s.io", "networkpolicies", "create") in registry.needs(playbook)
    assert Permission("", "pods", "patch") in registry.needs(playbook)


def test_the_first_folder_wins(tmp_path: Path) -> None:
    mine, theirs = tmp_path / "playbooks", tmp_path / "theirs"
    for folder in (mine, theirs):
        folder.mkdir()
        (folder / "collect-only.yaml").write_text("here: 1")
    (theirs / "other.yml").write_text("other: 1")
    (theirs / "notes.txt").write_text("no playbook")
    where = find.folders({"IRKIT_PLAYBOOKS": f"{theirs}:{tmp_path / 'absent'}"}, tmp_path)
    assert find.find("collect-only", where) == mine / "collect-only.yaml"
    assert find.find("other", where) == theirs / "other.yml"
    assert find.find("compromised-pod", where) == find.SHIPPED / "compromised-pod.yaml"
    assert set(find.everything(where)) == {"collect-only", "other"} | {path.stem for path in FILES}
    found = {name: what for name, _, what in find.summaries(where)}
    assert isinstance(found["collect-only"], UsageError)
    assert not isinstance(found["compromised-pod"], UsageError)


def test_a_path_is_a_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_bytes((TOP / "collect-only.yaml").read_bytes())
    assert find.load(str(path)).source == str(path)


@pytest.mark.parametrize(
    ("content", "message"), [(None, "cannot read"), (b"\xff", "not UTF-8"), (b"a: [", "expected the node content")]
)
def test_an_unusable_file_is_a_usage_error(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "mine.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=message):
        find.load(str(path))


def test_an_unknown_name_says_which_there_are() -> None:
    with pytest.raises(UsageError) as caught:
        find.find("nope")
    assert "compromised-pod" in caught.value.hint


def test_the_schema_is_json() -> None:
    assert json.loads(json.dumps(schema()))["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("uses", ["audit.match@1", "audit.detect@1", "audit.search@1"])
def test_a_log_on_the_nodes_takes_a_right_only_where_the_playbook_names_it(uses: str) -> None:
    reading = registry.step(uses)
    on_nodes = reading.also({"sources": ["./audit.log", "node-logs:///kube-apiserver/"]})
    assert {(need.verb, need.resource, need.optional) for need in on_nodes} == {
        ("get", "nodes/proxy", True),
        ("list", "nodes", True),
    }
    assert reading.also({"sources": ["./audit.log"]}) == reading.also({"sources": "${inputs.audit}"}) == ()
