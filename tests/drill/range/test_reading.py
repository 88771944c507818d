"""get, list, watch: selectors, pages, tables, streams."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import closing

import pytest

from irkit.drill.range.face.columns import age
from irkit.drill.range.server import Range
from irkit.times import parse
from tests.drill.client import MERGE, Client, pod

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"


def maps(api: Client, *names: str) -> None:
    for name in names:
        api.create("ConfigMap", name, labels={"name": name, "half": "first" if name < "c" else "second"})


@pytest.mark.parametrize(
    ("selector", "found"),
    [
        ("name=a", "a"),
        ("name==a", "a"),
        ("name!=a,half", "bcd"),
        ("half=first,name!=a", "b"),
        ("name in (a, d)", "ad"),
        ("name notin (a,b),half", "cd"),
        ("half,!nope", "abcd"),
        ("!half", ""),
    ],
)
def test_labels_select(api: Client, selector: str, found: str) -> None:
    maps(api, *"abcd")
    assert [name for name in api.names("ConfigMap", labelSelector=selector) if len(name) == 1] == list(found)


@pytest.mark.parametrize("selector", ["a in", "=b", "a in (b", "a b"])
def test_a_selector_that_cannot_be_read_is_refused(api: Client, selector: str) -> None:
    assert api.get(api.path("ConfigMap"), labelSelector=selector).status == 400
    assert api.get(api.path("ConfigMap"), fieldSelector="metadata.name").status == 400


def test_fields_select(api: Client) -> None:
    api.create("Pod", "on", spec=pod("app"))
    api.create("Pod", "off", spec=pod("app", nodeSelector={"no": "node"}))
    assert api.names("Pod", fieldSelector="spec.nodeName=node-1") == ["on"]
    assert api.names("Pod", fieldSelector="status.phase!=Running,metadata.name=off") == ["off"]
    assert api.names("Pod", fieldSelector="spec.hostNetwork=false") == []


def test_pages_are_of_one_instant(api: Client) -> None:
    maps(api, *"abcd")
    first = api.get(api.path("ConfigMap"), limit=2).json
    assert first["metadata"]["remainingItemCount"] == 3
    api.send("DELETE", api.path("ConfigMap", "c"))
    api.create("ConfigMap", "bb")
    api.patch("ConfigMap", "d", {"data": {"late": "yes"}}, MERGE)
    rest = api.get(api.path("ConfigMap"), limit=10, **{"continue": first["metadata"]["continue"]}).json
    assert [item["metadata"]["name"] for item in rest["items"]] == ["c", "d", "kube-root-ca.crt"]
    assert "data" not in rest["items"][1]
    assert rest["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]


def test_an_expired_token_brings_one_that_goes_on(empty: Range, api: Client) -> None:
    maps(api, *"abc")
    token = api.get(api.path("ConfigMap"), limit=1).json["metadata"]["continue"]
    empty.store.compact()
    gone = api.get(api.path("ConfigMap"), limit=1, **{"continue": token})
    assert (gone.status, gone.json["reason"]) == (410, "Expired")
    rest = api.get(api.path("ConfigMap"), **{"continue": gone.json["metadata"]["continue"]}).json
    assert [item["metadata"]["name"] for item in rest["items"]] == ["b", "c", "kube-root-ca.crt"]


@pytest.mark.parametrize(
    "token", ["abc", "!!", base64.b64encode(b"[]").decode(), base64.b64encode(b'{"rv":1}').decode()]
)
def test_a_token_that_is_none_is_refused(api: Client, token: str) -> None:
    said = api.get(api.path("ConfigMap"), **{"continue": token})
    assert (said.status, "continue key is not valid" in said.message) == (400, True)


def test_kubectl_gets_tables(look: Client) -> None:
    table = look.send("GET", look.path("Pod"), accept=TABLE).json
    names = [column["name"] for column in table["columnDefinitions"] if not column["priority"]]
    assert names == ["Name", "Ready", "Status", "Restarts", "Age"]
    cells = next(row["cells"] for row in table["rows"] if row["cells"][0].endswith("x2x7k"))
    assert cells[1:4] == ["2/2", "Running", "1 (31m ago)"]
    whole = look.send("GET", look.path("Pod"), accept=TABLE, query={"includeObject": "Object"}).json
    assert whole["rows"][0]["object"]["kind"] == "Pod"


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/pods", "/api/v1/services", "/api/v1/nodes", "/api/v1/namespaces", "/api/v1/events", "/api/v1/secrets",
        "/api/v1/configmaps", "/api/v1/serviceaccounts", "/apis/apps/v1/deployments", "/apis/apps/v1/replicasets",
        "/apis/apps/v1/statefulsets", "/apis/apps/v1/daemonsets", "/apis/discovery.k8s.io/v1/endpointslices",
        "/apis/networking.k8s.io/v1/networkpolicies", "/apis/rbac.authorization.k8s.io/v1/roles",
        "/apis/rbac.authorization.k8s.io/v1/rolebindings", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
        "/apis/policy/v1/poddisruptionbudgets", "/apis/batch/v1/jobs",
    ],
)  # fmt: skip
def test_every_table_has_a_cell_for_each_column(look: Client, path: str) -> None:
    table = look.send("GET", path, accept=TABLE).json
    assert all(len(row["cells"]) == len(table["columnDefinitions"]) for row in table["rows"])
    assert table["kind"] == "Table"


def test_metadata_alone_may_be_asked_for(api: Client) -> None:
    maps(api, "a")
    accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
    listed = api.send("GET", api.path("ConfigMap"), accept=accept).json
    assert listed["kind"] == "PartialObjectMetadataList"
    assert {tuple(item) for item in listed["items"]} == {("kind", "apiVersion", "metadata")}


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0, "0s"), (119, "119s"), (121, "2m1s"), (600, "10m"), (10_800, "3h"), (12_000, "3h20m"), (90_000, "25h"),
     (180_000, "2d2h"), (864_000, "10d"), (70_000_000, "2y80d"), (-1, "0s"), (-9, "<invalid>")],
)  # fmt: skip
def test_ages_are_told_as_kubectl_tells_them(seconds: int, told: str) -> None:
    from datetime import timedelta

    born = parse("2026-11-23T03:00:00Z")
    assert age("2026-11-23T03:00:00Z", born + timedelta(seconds=seconds)) == told
    assert age(None, born) == "<unknown>"


def events(lines: Iterator[bytes]) -> Iterator[tuple[str, str]]:
    for line in lines:
        event = json.loads(line)
        yield event["type"], event["object"]["metadata"].get("name", "")


def test_a_watch_tells_what_is_and_what_becomes(api: Client) -> None:
    maps(api, "a")
    with closing(api.lines(api.path("ConfigMap"), watch="true", labelSelector="name", timeoutSeconds=9)) as lines:
        told = events(lines)
        assert next(told) == ("ADDED", "a")
        maps(api, "b")
        assert next(told) == ("ADDED", "b")
        api.patch("ConfigMap", "b", {"data": {"x": "1"}}, MERGE)
        assert next(told) == ("MODIFIED", "b")
        api.patch("ConfigMap", "b", {"metadata": {"labels": None}}, MERGE)
        assert next(told) == ("DELETED", "b")
        api.send("DELETE", api.path("ConfigMap", "a"))
        assert next(told) == ("DELETED", "a")


def test_a_watch_goes_on_from_a_revision_and_ends_with_a_bookmark(api: Client) -> None:
    since = api.create("ConfigMap", "a")["metadata"]["resourceVersion"]
    maps(api, "b")
    query = {"watch": "1", "resourceVersion": since, "allowWatchBookmarks": "true", "timeoutSeconds": 1}
    assert list(events(api.lines(api.path("ConfigMap"), **query))) == [("ADDED", "b"), ("BOOKMARK", "")]


def test_a_watch_may_be_of_one_object_or_begin_with_a_list(api: Client) -> None:
    maps(api, *"ab")
    path = api.path("ConfigMap", "b")
    with closing(api.lines(path, watch="true", timeoutSeconds=9)) as lines:
        assert next(events(lines)) == ("ADDED", "b")
    query = {"watch": "true", "sendInitialEvents": "true", "allowWatchBookmarks": "true", "timeoutSeconds": 9}
    with closing(api.lines(api.path("ConfigMap"), **query)) as lines:
        first = [next(events(lines)) for _ in range(4)]
    assert first[-1] == ("BOOKMARK", "")


def test_a_watch_of_a_forgotten_past_is_told_so_in_the_stream(empty: Range, api: Client) -> None:
    since = api.create("ConfigMap", "a")["metadata"]["resourceVersion"]
    empty.store.compact()
    (line,) = api.lines(api.path("ConfigMap"), watch="true", resourceVersion=since)
    told = json.loads(line)
    assert (told["type"], told["object"]["code"], told["object"]["reason"]) == ("ERROR", 410, "Expired")


def test_watched_tables_are_tables(api: Client) -> None:
    maps(api, "a")
    answer = api.send("GET", api.path("ConfigMap"), query={"watch": "true", "timeoutSeconds": 1}, accept=TABLE)
    assert json.loads(answer.body.splitlines()[0])["object"]["kind"] == "Table"


def test_the_memory_for_changes_is_bounded(api: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from irkit.drill.range.state import store

    monkeypatch.setattr(store, "_MEMORY", 10)
    since = api.create("ConfigMap", "a")["metadata"]["resourceVersion"]
    maps(api, *"bcdefghijklm")
    (line,) = api.lines(api.path("ConfigMap"), watch="true", resourceVersion=since)
    assert json.loads(line)["object"]["code"] == 410
