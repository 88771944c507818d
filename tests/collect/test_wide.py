"""Many pods in one bundle, against a small API server of our own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from irkit.collect.budget import Budget
from irkit.collect.capture import Bounds
from irkit.collect.piece import Found
from irkit.collect.pod.references import table
from irkit.collect.wide.select import is_workload, scope, written
from irkit.collect.wide.sweep import NEEDS, sweep
from irkit.errors import NotFound, UsageError
from irkit.model.evidence import GapReason
from tests.collect.api import Query, Route, Says, no, ok, serving
from tests.collect.scene import RBAC, SHOP, artifacts, files, gaps, log, pod, routes, thing

MINE = {"matchLabels": {"app": "web"}}


def named(name: str, account: str = "web") -> dict[str, Any]:
    """A pod like the scene's, with its own name and uid."""
    made = pod(f"uid-{name}")
    made["metadata"]["name"] = name
    made["spec"] |= {"nodeName": "node1", "serviceAccountName": account}
    return made


def crowd(*pods: dict[str, Any], **changes: Route) -> dict[str, Route]:
    served = routes()
    served["/apis/apps/v1/namespaces/shop/deployments/web"] = ok(thing("web", spec={"selector": MINE}))
    served[f"{SHOP}/pods"] = lambda query: ok({"items": list(pods) if query.get("labelSelector") != "no=one" else []})
    served["/apis/metrics.k8s.io/v1beta1/namespaces/shop/pods"] = ok({"items": []})
    for each in pods:
        name = each["metadata"]["name"]
        served |= {f"{SHOP}/pods/{name}": ok(each), f"{SHOP}/pods/{name}/log": log}
    return served | changes


def swept(tmp_path: Path, served: dict[str, Route], bounds: Bounds | None = None) -> list[Found]:
    with serving(served) as api:
        cluster = api.connect(tmp_path)
        found = scope("shop", "deployment/web", "", cluster)
        return list(sweep(found, cluster, tmp_path / "data", bounds=bounds or Bounds(deadline=20)))


def test_each_pod_has_its_folder_and_what_they_share_stands_once(tmp_path: Path) -> None:
    found = swept(tmp_path, crowd(named("web-1"), named("web-2")))
    taken = artifacts(found)
    assert set(taken) == files(tmp_path / "data")
    for name in ("web-1", "web-2"):
        raw = json.loads((tmp_path / f"data/pods/{name}/pod/pod.json").read_bytes())
        assert raw["metadata"]["uid"] == f"uid-{name}"
        assert taken[f"pods/{name}/logs/app.previous.log"].about == f"previous log of container app of pod {name}"
        assert f"pods/{name}/storage/claim-data.json" in taken
    shared = {path for path in taken if not path.startswith("pods/")}
    assert {path for path in shared if not path.startswith(("accounts/web/identity/", "workloads/"))} == {
        "events/events.json",
        "findings/tools.json",
        "metrics/pods.json",
        "network/endpointslices.json",
        "network/networkpolicies.json",
        "network/services.json",
        "nodes/node1/node/node.json",
        "pod/changes.json",
        "pod/images.json",
        "pod/namespace.json",
        "pod/references.json",
    }
    assert "accounts/web/identity/reach.json" in shared
    assert sum(path.endswith("/owners/deployment-web.json") for path in shared) == 1
    assert {gap.reason for gap in gaps(found).values()} == {GapReason.NEVER_EXISTED}


def test_what_is_read_out_of_the_pods_is_one_table_for_all(tmp_path: Path) -> None:
    broken = named("web-3")
    broken["spec"]["volumes"] = ["not a volume"]
    found = swept(tmp_path, crowd(named("web-1"), named("web-2"), broken))
    tables = {name: json.loads((tmp_path / f"data/pod/{name}.json").read_bytes()) for name in ("images", "references")}
    assert tables["images"].keys() == {"web-1", "web-2", "web-3"}
    assert tables["references"].keys() == {"web-1", "web-2"}
    assert tables["references"]["web-1"] == table(named("web-1"))
    unread = "the secrets, configuration and volumes that the pod refers to, of pod web-3"
    assert gaps(found)[unread].reason is GapReason.FAILED


def test_falco_is_read_once_for_all_pods_of_a_node(tmp_path: Path) -> None:
    def about(name: str) -> bytes:
        return json.dumps({"output_fields": {"k8s.ns.name": "shop", "k8s.pod.name": name}}).encode() + b"\n"

    said = [about("web-1"), about("other"), about("web-2")]
    agent = {"metadata": {"name": "falco-x", "namespace": "falco", "uid": "1"}}
    served = crowd(named("web-1"), named("web-2"))
    served["/api/v1/pods"] = ok({"items": [agent]})
    served["/api/v1/namespaces/falco/pods/falco-x/log"] = lambda query: Says(said)
    with serving(served) as api:
        cluster = api.connect(tmp_path)
        every = scope("shop", "deployment/web", "", cluster)
        list(sweep(every, cluster, tmp_path / "data", bounds=Bounds(deadline=20)))
        asked = [each for each in api.asked if "falco-x/log" in each]
    assert len(asked) == 1
    assert (tmp_path / "data/nodes/node1/findings/falco.jsonl").read_bytes() == said[0] + said[2]


def test_a_gap_names_its_pod_and_costs_no_other(tmp_path: Path) -> None:
    served = crowd(named("web-1"), named("web-2"))
    served[f"{SHOP}/pods/web-2"] = ok(named("web-2") | {"metadata": {"name": "web-2", "uid": "a successor"}})
    found = swept(tmp_path, served)
    lost = {about: gap.reason for about, gap in gaps(found).items() if not gap.expected}
    assert lost["the pod's object of pod web-2"] is GapReason.REPLACED
    assert all(about.endswith(" of pod web-2") for about in lost)
    assert not [path for path in artifacts(found) if path.startswith("pods/web-2/")]
    assert "pods/web-1/logs/app.current.log" in artifacts(found)


def test_shared_things_are_asked_for_once(tmp_path: Path) -> None:
    pods = [named(f"web-{number}", account="web" if number % 2 else "other") for number in range(8)]
    with serving(crowd(*pods)) as api:
        cluster = api.connect(tmp_path)
        found = scope("shop", "", "app=web", cluster)
        list(sweep(found, cluster, tmp_path / "data", bounds=Bounds(deadline=20)))
        asked = [each.partition("?")[0] for each in api.asked]
    assert asked.count(f"{SHOP}/services") == 1
    assert asked.count("/api/v1/nodes/node1") == 1
    assert asked.count(f"{RBAC}/namespaces/shop/rolebindings") == 2  # once for each of two accounts
    assert asked.count("/apis/apps/v1/namespaces/shop/replicasets/web-6d9f") == 1


def test_what_an_earlier_sweep_has_left_is_not_taken_again(tmp_path: Path) -> None:
    with serving(crowd(named("web-1"), named("web-2"))) as api:
        cluster = api.connect(tmp_path)
        every, bounds = scope("shop", "deployment/web", "", cluster), Bounds(deadline=20)
        first = artifacts(sweep(every, cluster, tmp_path / "data", bounds=bounds))
        held = {path: each for path, each in first.items() if not path.startswith("pods/web-2/")}
        api.asked.clear()
        again = artifacts(sweep(every, cluster, tmp_path / "data", bounds=bounds, held=held))
    assert again.keys() == first.keys()
    tables = {"pod/changes.json", "pod/images.json", "pod/references.json"}  # are of all pods, so always made anew
    assert all(again[path] == each for path, each in held.items() if path not in tables)
    assert all(again[path].sha256 == first[path].sha256 for path in tables)
    logs = {each.partition("?")[0] for each in api.asked if "/log?" in each and "previous=false" in each}
    assert logs == {f"{SHOP}/pods/web-2/log"}


def test_a_deadline_ends_it_with_what_is_there(tmp_path: Path) -> None:
    def slow(query: Query) -> Says:
        def body() -> Any:  # noqa: ANN401
            yield b"first\n"
            while True:
                yield b"more\n"

        return Says(body())

    pods = [named(f"web-{number}") for number in range(3)]
    served = crowd(*pods) | {f"{SHOP}/pods/{each['metadata']['name']}/log": slow for each in pods}
    found = swept(tmp_path, served, Bounds(deadline=1.5))
    parts = [each for path, each in artifacts(found).items() if path.endswith(".log")]
    assert parts
    assert all(each.truncated for each in parts)
    assert "services" in json.dumps(list(artifacts(found)))


def test_a_total_cap_is_one_for_all_pods(tmp_path: Path) -> None:
    served = crowd(named("web-1"), named("web-2"))
    for name in ("web-1", "web-2"):
        served[f"{SHOP}/pods/{name}/log"] = lambda query: Says([b"x" * 1000 + b"\n"] * 40)
    found = swept(tmp_path, served, Bounds(deadline=20, budget=Budget(100_000)))
    total = sum(each.size for each in artifacts(found).values())
    assert 90_000 < total <= 100_000
    cut = [gap for gap in gaps(found).values() if gap.reason is GapReason.TRUNCATED]
    assert cut
    assert all("--max-total" in gap.remedy for gap in cut)


def test_a_disk_reserve_stops_before_anything_is_written(tmp_path: Path) -> None:
    found = swept(tmp_path, crowd(named("web-1")), Bounds(deadline=20, budget=Budget(reserve=1 << 60)))
    assert artifacts(found) == {}
    assert files(tmp_path / "data") == set()
    assert {gap.reason for gap in gaps(found).values()} == {GapReason.NO_ROOM}
    assert all("--disk-reserve" in gap.remedy for gap in gaps(found).values())


@pytest.mark.parametrize(
    ("selector", "query"),
    [
        ({"matchLabels": {"a": "1", "b": "2"}}, "a=1,b=2"),
        ({"app": "web"}, "app=web"),
        (
            {
                "matchLabels": {"a": "1"},
                "matchExpressions": [
                    {"key": "t", "operator": "In", "values": ["x", "y"]},
                    {"key": "u", "operator": "NotIn", "values": ["z"]},
                    {"key": "v", "operator": "Exists"},
                    {"key": "w", "operator": "DoesNotExist"},
                ],
            },
            "a=1,t in (x,y),u notin (z),v,!w",
        ),
        ({}, ""),
        (None, ""),
        ([1], ""),
    ],
)
def test_selectors_are_written_as_the_api_takes_them(selector: object, query: str) -> None:
    assert written(selector) == query


def test_a_selector_that_the_api_server_cannot_read_is_the_callers_mistake(tmp_path: Path) -> None:
    unread = no(400, "BadRequest", "unable to parse requirement: found 'app in (web'")
    with serving({f"{SHOP}/pods": unread}) as api, pytest.raises(UsageError, match="unable to parse") as refused:
        scope("shop", "", "app in (web", api.connect(tmp_path))
    assert "kubectl -l" in refused.value.hint


def test_what_names_no_pods_is_said_before_anything_is_taken(tmp_path: Path) -> None:
    served = crowd(named("web-1"))
    served[f"{SHOP}/services/headless"] = ok(thing("headless", spec={}))
    with serving(served) as api:
        cluster = api.connect(tmp_path)
        with pytest.raises(NotFound) as absent:
            scope("shop", "sts/web", "", cluster)
        assert "kubectl get statefulsets -n shop" in absent.value.hint
        with pytest.raises(NotFound, match="no such pod"):
            scope("shop", "", "no=one", cluster)
        with pytest.raises(UsageError, match="selects no pods"):
            scope("shop", "svc/headless", "", cluster)
        with pytest.raises(NotFound):
            scope("shop", "deployment/absent", "", cluster)
        with pytest.raises(UsageError, match="not a workload"):
            scope("shop", "secret/web", "", cluster)
        assert len(scope("shop", "deploy/web", "", cluster).pods) == 1
    assert [is_workload(name) for name in ("deployment/web", "Deploy/web", "payments/web-0", "web")] == [
        True,
        True,
        False,
        False,
    ]
    assert {"get pods/log", "get pods", "list services"} <= {str(each) for each in NEEDS}


def test_what_may_not_be_read_is_denied_pod_by_pod(tmp_path: Path) -> None:
    served = crowd(named("web-1"), named("web-2"))
    for name in ("web-1", "web-2"):
        served[f"{SHOP}/pods/{name}/log"] = no(403, "Forbidden", "no")
    denied = [about for about, gap in gaps(swept(tmp_path, served)).items() if gap.reason is GapReason.DENIED]
    assert len(denied) == 12
