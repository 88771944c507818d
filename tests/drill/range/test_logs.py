"""Logs as the kubelet gives them, and the other doors below an object."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from irkit import times
from irkit.drill.range.answer import Json
from irkit.drill.range.server import Range
from tests.drill.client import MERGE, VICTIM, Client, pod

Written = Callable[..., Json]


@pytest.fixture
def written(empty: Range, api: Client) -> Written:
    """A pod "p" of one container "app" that wrote the lines 0 to 9, one a minute, the last just now."""

    def write(count: int = 10) -> Json:
        made: Json = api.create("Pod", "p", spec=pod("app"))
        now = times.now()
        lines = [(now - timedelta(minutes=count - 1 - line), f"line {line}") for line in range(count)]
        empty.logs.write(made, "app", lines)
        return made

    return write


def text(api: Client, **query: object) -> str:
    return api.get(api.path("Pod", "p", "log"), **query).body.decode()


def test_logs_come_whole_in_parts_and_with_their_times(api: Client, written: Written) -> None:
    written()
    assert text(api) == "".join(f"line {line}\n" for line in range(10))
    assert text(api, tailLines=2) == "line 8\nline 9\n"
    assert text(api, tailLines=0) == ""
    assert text(api, sinceSeconds=150) == "line 7\nline 8\nline 9\n"
    since = times.rfc3339(times.now() - timedelta(seconds=90))
    assert text(api, sinceTime=since) == "line 8\nline 9\n"
    assert text(api, limitBytes=9) == "line 0\nli"
    stamp, line = text(api, tailLines=1, timestamps="true").split(" ", 1)
    assert line == "line 9\n"
    assert times.parse(stamp)


def test_a_long_log_comes_in_chunks(api: Client, written: Written) -> None:
    written(20_000)
    assert len(text(api).splitlines()) == 20_000
    assert len(text(api, timestamps="true", limitBytes=500_000)) == 500_000


def test_a_followed_log_goes_on_until_the_pod_is_gone(empty: Range, api: Client, written: Written) -> None:
    made = written(1)
    lines = api.lines(api.path("Pod", "p", "log"), follow="true")
    assert next(lines) == b"line 0"
    empty.logs.write(made, "app", [(times.now(), "late")])
    assert next(lines) == b"late"
    api.send("DELETE", api.path("Pod", "p"))
    assert list(lines) == []


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({}, "a container name must be specified for pod p, choose one of: [app side] or one of the init containers"),
        ({"container": "nope"}, "container nope is not valid for pod p"),
        ({"container": "app", "previous": "true"}, 'previous terminated container "app" in pod "p" not found'),
        ({"container": "app", "tailLines": "x"}, 'parsing "x": invalid syntax'),
    ],
)
def test_a_log_that_there_is_not_is_a_bad_request(api: Client, query: dict[str, str], told: str) -> None:
    api.create("Pod", "p", spec=pod("app", "side", **{"initContainers": pod("wait")["containers"]}))
    said = api.get(api.path("Pod", "p", "log"), **query)
    assert (said.status, told in said.message) == (400, True)


def test_a_container_that_waits_has_no_log_yet(api: Client) -> None:
    api.create("Pod", "p", spec=pod("app"))
    waiting = {"containerStatuses": [{"name": "app", "state": {"waiting": {"reason": "ImagePullBackOff"}}}]}
    api.send("PATCH", api.path("Pod", "p", "status"), {"status": waiting}, media=MERGE)
    said = api.get(api.path("Pod", "p", "log"))
    assert (said.status, said.message) == (400, 'container "app" in pod "p" is waiting to start: ImagePullBackOff')
    both = api.get(api.path("Pod", "p", "log"), sinceSeconds=1, sinceTime="2026-11-23T03:00:00Z")
    assert both.status == 422


def test_a_pod_without_a_node_has_an_empty_log(api: Client) -> None:
    api.create("Pod", "p", spec=pod("app", nodeSelector={"no": "node"}))
    said = api.get(api.path("Pod", "p", "log"))
    assert (said.status, said.body) == (204, b"")


def test_exec_is_refused_and_says_why(night: Client) -> None:
    said = night.send("POST", night.path("Pod", VICTIM, "exec"), query={"command": "id"})
    assert (said.status, said.message) == (400, "Upgrade request required")


def test_a_node_checkpoints_its_pods_and_tells_its_journal(api: Client) -> None:
    made = api.create("Pod", "p", spec=pod("app"))
    proxy = f"/api/v1/nodes/{made['spec'].get('nodeName') or 'node-1'}/proxy"
    where = f"{proxy}/checkpoint/{made['metadata']['namespace']}/p/app"
    (path,) = api.send("POST", where).json["items"]
    assert path.startswith("/var/lib/kubelet/checkpoints/checkpoint-p_")
    assert path.endswith(".tar")
    assert api.send("POST", where + "x").status == 404
    assert api.send("POST", where.replace("/p/", "/other/")).status == 404
    for unit in ("kubelet", "containerd"):
        assert b"p" in api.get(f"{proxy}/logs/", query=unit).body
    assert api.get(f"{proxy}/logs/", query="kubelet", sinceTime="2999-01-01T00:00:00Z").body == b""
    assert api.get(f"{proxy}/logs/", query="sshd").status == 404


def test_an_eviction_deletes_and_a_scale_scales(night: Client) -> None:
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": VICTIM}}
    assert night.send("POST", night.path("Pod", VICTIM, "eviction"), body).status == 201
    assert VICTIM not in night.names("Pod")
    path = night.path("Deployment", "web", "scale")
    assert night.get(path).json["spec"]["replicas"] == 2
    assert night.send("PATCH", path, {"spec": {"replicas": 3}}, media=MERGE).json["spec"]["replicas"] == 3
    assert len(night.names("Pod", labelSelector="app=web")) == 3
    assert night.send("PUT", path, {"spec": {"replicas": 0}}).json["spec"]["replicas"] == 0
    assert night.names("Pod", labelSelector="app=web") == []
