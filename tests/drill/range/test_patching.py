"""The four kinds of patch."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from irkit.drill.range.answer import ApiFailure
from irkit.drill.range.change import fields, jsonpatch, merge
from irkit.drill.range.kinds.types import of_kind
from tests.drill.client import APPLY, JSON_PATCH, STRATEGIC, Client, pod

Operation = dict[str, Any]


@pytest.mark.parametrize(
    ("document", "operation", "result"),
    [  # the examples of RFC 6902, appendix A, and their neighbours
        ({"foo": "bar"}, {"op": "add", "path": "/baz", "value": "qux"}, {"foo": "bar", "baz": "qux"}),
        ({"foo": ["bar", "baz"]}, {"op": "add", "path": "/foo/1", "value": "qux"}, {"foo": ["bar", "qux", "baz"]}),
        ({"foo": ["a"]}, {"op": "add", "path": "/foo/-", "value": ["b"]}, {"foo": ["a", ["b"]]}),
        ({"baz": 1, "foo": 2}, {"op": "remove", "path": "/baz"}, {"foo": 2}),
        ({"foo": [1, 2, 3]}, {"op": "remove", "path": "/foo/1"}, {"foo": [1, 3]}),
        ({"foo": [1, 2]}, {"op": "replace", "path": "/foo/0", "value": 9}, {"foo": [9, 2]}),
        ({"a": {"b": 1}, "c": {}}, {"op": "move", "from": "/a/b", "path": "/c/d"}, {"a": {}, "c": {"d": 1}}),
        ({"a": [1]}, {"op": "copy", "from": "/a", "path": "/b"}, {"a": [1], "b": [1]}),
        ({"/": 9, "~1": 10}, {"op": "test", "path": "/~01", "value": 10}, {"/": 9, "~1": 10}),
        ({"a": 1}, {"op": "replace", "path": "", "value": {"b": 2}}, {"b": 2}),
    ],
)
def test_a_json_patch_does_what_the_rfc_says(document: Any, operation: Operation, result: Any) -> None:  # noqa: ANN401
    before = copy.deepcopy(document)
    assert jsonpatch.apply(document, [operation]) == result
    assert document == before


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "test", "path": "/a", "value": 2},
        {"op": "test", "path": "/nope", "value": None},
        {"op": "remove", "path": "/nope"},
        {"op": "replace", "path": "/nope", "value": 1},
        {"op": "add", "path": "/nope/x", "value": 1},
        {"op": "add", "path": "/a/x", "value": 1},
        {"op": "add", "path": "/l/9", "value": 1},
        {"op": "add", "path": "/l/-1", "value": 1},
        {"op": "add", "path": "nope", "value": 1},
        {"op": "add", "path": "/x"},
        {"op": "replace", "path": "", "value": []},
        {"op": "nope", "path": "/a"},
        {},
        "add",
    ],
)
def test_a_json_patch_that_does_not_apply_is_422(operation: Any) -> None:  # noqa: ANN401
    with pytest.raises(ApiFailure) as caught:
        jsonpatch.apply({"a": 1, "l": []}, [operation])
    assert caught.value.code == 422


def test_a_json_patch_has_a_limit(api: Client) -> None:
    api.create("ConfigMap", "a")
    operations = [{"op": "test", "path": "/kind", "value": "ConfigMap"}] * 10_001
    assert api.patch("ConfigMap", "a", operations, JSON_PATCH).status == 400
    assert api.patch("ConfigMap", "a", b"{", JSON_PATCH).status == 400


_json = st.recursive(
    st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=8,
)


@given(_json, _json)
def test_a_merge_patch_sets_what_it_names_and_nothing_else(target: Any, patch: Any) -> None:  # noqa: ANN401
    result = merge.merge(target, patch)
    assert merge.merge(result, patch) == result
    if isinstance(patch, dict) and isinstance(target, dict):
        assert {key: result[key] for key in target.keys() - patch.keys()} == {
            key: target[key] for key in target.keys() - patch.keys()
        }


def test_a_strategic_merge_joins_lists_by_their_key(api: Client) -> None:
    api.create("Pod", "p", spec=pod("app", "side"))
    image = {"spec": {"containers": [{"name": "side", "image": "registry.example.com/side:2"}]}}
    changed = api.patch("Pod", "p", image, STRATEGIC).json
    assert [(each["name"], each["image"][-1]) for each in changed["spec"]["containers"]] == [
        ("app", "1"),
        ("side", "2"),
    ]


@pytest.mark.parametrize(
    ("patch", "names"),
    [
        ({"containers": [{"name": "b", "$patch": "delete"}]}, ["a"]),
        ({"containers": [{"name": "c"}, {"$patch": "replace"}]}, ["c"]),
        ({"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}], "containers": [{"name": "a"}]}, ["b", "a"]),
        ({"$retainKeys": ["volumes"], "volumes": []}, []),
        ({"$patch": "replace", "containers": [{"name": "z"}]}, ["z"]),
        ({"$patch": "delete"}, []),
        ({"containers": None}, []),
    ],
)
def test_a_strategic_merge_follows_its_directives(patch: Operation, names: list[str]) -> None:
    before = {"containers": [{"name": "a"}, {"name": "b"}]}
    result = merge.strategic(of_kind("PodSpec"), before, patch)
    assert [each["name"] for each in result.get("containers", [])] == names


def test_a_strategic_merge_knows_lists_of_plain_values() -> None:
    meta = of_kind("ObjectMeta")
    assert merge.strategic(meta, {"finalizers": ["a"]}, {"finalizers": ["b", "a"]}) == {"finalizers": ["a", "b"]}
    dropped = merge.strategic(meta, {"finalizers": ["a", "b"]}, {"$deleteFromPrimitiveList/finalizers": ["a"]})
    assert dropped == {"finalizers": ["b"]}
    ordered = merge.strategic(meta, {"finalizers": ["a", "b"]}, {"$setElementOrder/finalizers": ["b", "a"]})
    assert ordered == {"finalizers": ["b", "a"]}
    args = merge.strategic(of_kind("Container"), {"args": ["a"]}, {"args": ["b"]})
    assert args == {"args": ["b"]}


def test_a_strategic_merge_needs_the_key(api: Client) -> None:
    api.create("Pod", "p", spec=pod("app"))
    said = api.patch("Pod", "p", {"spec": {"containers": [{"image": "x"}]}}, STRATEGIC)
    assert (said.status, "merge key" in said.message) == (400, True)


def _applied(name: str, **data: str) -> Operation:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def test_an_apply_takes_back_what_it_no_longer_says(api: Client) -> None:
    api.patch("ConfigMap", "a", _applied("a", x="1", y="1"), APPLY, fieldManager="one")
    api.patch("ConfigMap", "a", _applied("a", y="1", z="1"), APPLY, fieldManager="two")
    assert api.patch("ConfigMap", "a", _applied("a"), APPLY, fieldManager="one").json["data"] == {"y": "1", "z": "1"}


def test_conflicts_name_every_field_and_its_owner(api: Client) -> None:
    api.patch("ConfigMap", "a", _applied("a", x="1", y="1"), APPLY, fieldManager="one")
    said = api.patch("ConfigMap", "a", _applied("a", x="2", y="2"), APPLY, fieldManager="two")
    assert said.status == 409
    assert said.message == 'Apply failed with 2 conflicts: conflicts with "one":\n- .data.x\n- .data.y'
    forced = api.patch("ConfigMap", "a", _applied("a", x="2", y="2"), APPLY, fieldManager="two", force="true")
    assert [entry["manager"] for entry in forced.json["metadata"]["managedFields"]] == ["two"]


def test_an_apply_joins_containers_and_drops_its_own(api: Client) -> None:
    def config(*names: str) -> Operation:
        return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": {
            "selector": {"matchLabels": {"app": "a"}},
            "template": {"metadata": {"labels": {"app": "a"}}, "spec": pod(*names)}}}  # fmt: skip

    def containers(manager: str, *names: str) -> list[str]:
        done = api.patch("Deployment", "d", config(*names), APPLY, fieldManager=manager)
        assert done.status < 300, done.body
        return [each["name"] for each in done.json["spec"]["template"]["spec"]["containers"]]

    assert containers("one", "app", "side") == ["app", "side"]
    assert containers("two", "app", "other") == ["app", "side", "other"]
    assert containers("one", "app") == ["app", "other"]


def test_an_apply_joins_sets(api: Client) -> None:
    def held(manager: str, *names: str) -> list[str]:
        body = {**_applied("a"), "metadata": {"name": "a", "finalizers": list(names)}}
        done = api.patch("ConfigMap", "a", body, APPLY, fieldManager=manager).json
        return list(done["metadata"].get("finalizers", []))

    assert held("one", "x.example/a", "x.example/b") == ["x.example/a", "x.example/b"]
    assert held("two", "x.example/c") == ["x.example/a", "x.example/b", "x.example/c"]
    assert held("one", "x.example/b") == ["x.example/b", "x.example/c"]


def test_an_apply_may_be_yaml_and_may_not_bring_owners(api: Client) -> None:
    yaml = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: '1'}\n"
    assert api.patch("ConfigMap", "a", yaml, APPLY, fieldManager="one").status == 201
    owned = {**_applied("a"), "metadata": {"name": "a", "managedFields": [{"manager": "x", "operation": "Apply"}]}}
    assert api.patch("ConfigMap", "a", owned, APPLY, fieldManager="one").status == 400


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        (("f:spec", "f:a"), ".spec.a"),
        (("f:c", 'k:{"name":"web"}', "f:image"), '.c[name="web"].image'),
        (("f:finalizers", 'v:"x"'), '.finalizers[="x"]'),
    ],
)
def test_a_field_is_shown_as_the_api_server_shows_it(path: tuple[str, ...], shown: str) -> None:
    assert fields.shown(path) == shown


def test_a_set_of_fields_survives_writing_and_reading() -> None:
    body = {
        "metadata": {"labels": {"a": "b"}, "finalizers": ["x"]},
        "spec": {"containers": [{"name": "app", "env": []}]},
    }
    paths = set(fields.fields(of_kind("Pod"), body, containers=True))
    assert fields.decode_set(fields.encode(paths)) == paths
